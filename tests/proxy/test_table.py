from __future__ import annotations

from typing import Any

import pytest

from proxy.exchange import Handler, Middleware, RequestHead, Response
from proxy.middlewares.headers import Headers
from proxy.middlewares.ipallowlist import IPAllowList
from proxy.middlewares.maintenance import Maintenance
from proxy.model import Router, RoutingConfig, Service
from proxy.schema import IPNetwork, parse_text
from proxy.table import Entrypoint, Route, RoutingTable, compile_table
from tests.proxy.heads import head

WEB, WEBSECURE = Entrypoint("web"), Entrypoint("websecure", tls=True)
INTERNAL = Entrypoint("internal", default=False)
BOTH = (WEB, WEBSECURE, INTERNAL)


def table(
    *routers: Router, middlewares: dict[str, Middleware] | None = None, points: Any = BOTH
) -> RoutingTable:
    services = {"s": Service("s"), "other": Service("other")}
    return compile_table(RoutingConfig({r.name: r for r in routers}, services, middlewares or {}), points)


def router(name: str, rule: str, **more: Any) -> Router:
    return Router(name, rule, more.pop("service", "s"), **more)


def found(in_table: RoutingTable, target: str, host: str, entrypoint: str = "websecure") -> str | None:
    route = in_table.find(entrypoint, head(target, host))
    return route.name if route else None


SEVERAL = table(
    router("a", "Host(`a.test`)"),
    router("a-api", "Host(`a.test`) && PathPrefix(`/api`)"),
    router("wild", "Host(`*.a.test`)"),
    router("x", "Host(`x.a.test`) || Host(`y.test`)"),
    router("health", "Path(`/health`)", priority=1000),
    router("rest", "HostRegexp(`.*`)", priority=1),
    router("low", "Host(`a.test`)", priority=-5),
)


@pytest.mark.parametrize(
    ("target", "host", "name"),
    [
        ("/", "a.test", "a"),
        ("/api/x", "a.test", "a-api"),
        ("/health", "a.test", "health"),
        ("/health", "unknown.test", "health"),
        ("/", "b.a.test", "wild"),
        ("/", "x.a.test", "x"),
        ("/", "y.test", "x"),
        ("/", "c.b.a.test", "rest"),
        ("/", "unknown.test", "rest"),
        ("/", "", "rest"),
    ],
)
def test_the_first_rule_that_matches_wins(target: str, host: str, name: str) -> None:
    assert found(SEVERAL, target, host) == name


CERTAIN = table(
    router("a", "Host(`a.test`)", priority=2000),
    router("a-api", "Host(`a.test`) && PathPrefix(`/api`)"),
    router("b", "Host(`b.test`) || Host(`c.test`)"),
    router("e", "Host(`e.test`)"),
    router("e-api", "Host(`e.test`) && Header(`X-A`, `1`)"),
    router("wild", "Host(`*.test`) && Host(`f.test`)"),
    router("g", "!Host(`g.test`)", priority=1),
    router("h", "Host(`h.test`)", middlewares=("m",)),
    middlewares={"m": IPAllowList(source_range=parse_text(tuple[IPNetwork, ...], "10.0.0.0/8"))},
    points=(WEB,),
)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("a.test", None),  # a path decides for whom it is, though in vain: paths of two readings are refused
        ("b.test", "b"),
        ("c.test", "b"),
        ("e.test", None),
        ("f.test", None),
        ("g.test", None),
        ("h.test", None),
        ("x.test", None),
        ("", None),
    ],
)
def test_a_route_is_certain_where_nothing_but_the_host_can_matter(host: str, name: str | None) -> None:
    route = CERTAIN.certain("web", host)
    assert (route.name if route else None) == name
    assert CERTAIN.certain("nowhere", host) is None
    if route:
        assert CERTAIN.find("web", head("/any", host)) is route


def test_a_path_without_a_host_makes_no_route_certain() -> None:
    routes = table(router("b", "Host(`b.test`)"), router("d", "Host(`d.test`) || Path(`/d`)"), points=(WEB,))
    assert not routes.certain("web", "b.test")
    assert not routes.certain("web", "d.test")


def test_an_unknown_host_or_entrypoint_has_no_route() -> None:
    assert found(table(router("a", "Host(`a.test`)")), "/", "b.test") is None
    assert found(SEVERAL, "/", "a.test", "nowhere") is None


def test_equal_priorities_are_decided_by_name() -> None:
    assert found(table(router("b", "Host(`a.test`)"), router("a", "Host(`a.test`)")), "/", "a.test") == "a"


def test_a_lookup_looks_at_no_other_host() -> None:
    many = [router(f"r{n}", f"Host(`h{n}.test`) || Host(`*.w{n}.test`)") for n in range(3_000)]
    big = table(*many, router("any", "Path(`/any`)"))
    for host in ("h7.test", "x.w7.test"):
        names = [route.name for route in big._indexes["websecure"].candidates(host)]
        assert names == ["r7", "any"]
    assert [route.name for route in big._indexes["websecure"].candidates("none.test")] == ["any"]


@pytest.mark.parametrize(
    ("tls", "named", "actions"),
    [
        (None, (), {"web": "redirect", "websecure": "serve"}),
        (None, ("web", "websecure"), {"web": "redirect", "websecure": "serve"}),
        (None, ("web",), {"web": "serve"}),
        (None, ("websecure",), {"web": "redirect", "websecure": "serve"}),
        (False, ("websecure",), {"websecure": "serve"}),
        (None, ("internal",), {"internal": "serve"}),
        (True, (), {"web": "redirect", "websecure": "serve"}),
        (True, ("web",), {"web": "broken"}),
        (False, (), {"web": "serve"}),
        (False, ("web", "websecure"), {"web": "serve", "websecure": "serve"}),
        (None, ("wbe",), {}),
    ],
)
def test_where_a_router_is_served(tls: bool | None, named: tuple[str, ...], actions: dict[str, str]) -> None:
    made = table(router("a", "Host(`a.test`)", tls=tls, entrypoints=named))
    assert {name: route.action for name, routes in made.routes.items() for route in routes} == actions


def test_whoever_wants_a_plain_request_comes_before_a_redirect_that_nobody_asked_for() -> None:
    secure = router("secure", "Host(`a.test`) && PathPrefix(`/x`)", entrypoints=("websecure",), priority=900)
    plain = router("plain", "Host(`a.test`) && PathPrefix(`/`)", entrypoints=("web",))
    assert found(table(secure, plain), "/x", "a.test", "web") == "plain"
    assert found(table(secure), "/x", "a.test", "web") == "secure"


def test_without_a_tls_entrypoint_sites_are_served_in_the_clear() -> None:
    made = table(router("a", "Host(`a.test`)"), points=(WEB,))
    assert [route.action for route in made.routes["web"]] == ["serve"]
    assert made.hosts() == frozenset()


def test_an_unknown_entrypoint_is_a_problem_of_its_router() -> None:
    made = table(router("a", "Host(`a.test`)", entrypoints=("websecur",), origin="blog-1"))
    assert str(made.problems[0]) == (
        "blog-1: http.routers.a.entrypoints=websecur\n"
        '  There is no entrypoint "websecur". Did you mean "websecure"?\n'
        '  Router "a" is not served there.'
    )


def test_a_broken_rule_is_shown_and_the_other_routers_are_served() -> None:
    made = table(router("a", "Hots(`a.test`)"), router("b", "Host(`b.test`)"))
    assert found(made, "/", "b.test") == "b"
    assert str(made.problems[0]).startswith("http.routers.a.rule\n  Hots(`a.test`)\n^\nThere is no matcher")


def answer(route: Route | None, request: RequestHead) -> Response:
    assert route is not None
    (step,) = route.on_request
    outcome = step.on_request(request)
    assert isinstance(outcome, Response)
    return outcome


@pytest.mark.parametrize(
    ("port", "host", "location"),
    [
        (None, "a.test", "https://a.test/x?y=%2F"),
        (443, "a.test", "https://a.test/x?y=%2F"),
        (8443, "::1", "https://[::1]:8443/x?y=%2F"),
    ],
)
def test_plain_requests_are_redirected_to_https(port: int | None, host: str, location: str) -> None:
    points = (WEB, Entrypoint("websecure", tls=True, port=port))
    request = head("/x?y=%2F", host)
    redirected = answer(table(router("a", f"Host(`{host}`)"), points=points).find("web", request), request)
    assert (redirected.status, redirected.get("Location")) == (308, location)


def test_a_redirect_needs_a_host() -> None:
    request = head("/x", "")
    assert answer(table(router("a", "Path(`/x`)")).find("web", request), request).status == 400


def test_who_names_the_plain_entrypoint_comes_before_an_automatic_redirect() -> None:
    made = table(router("a", "Host(`a.test`)"), router("z", "Host(`a.test`)", entrypoints=("web",)))
    assert found(made, "/", "a.test", "web") == "z"


def test_a_middleware_with_a_mistake_is_not_said_to_be_missing() -> None:
    asking = router("a", "Host(`a.test`)", middlewares=("pw@docker",))
    config = RoutingConfig({"a": asking}, {"s": Service("s")}, broken=frozenset({"pw@docker"}))
    route = compile_table(config, BOTH).find("websecure", head("/", "a.test"))
    assert route is not None
    assert (route.action, route.reason) == ("broken", 'Middleware "pw" has a mistake; see the problems.')


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"middlewares": ("gone",)}, 'There is no middleware "gone"; without it the router is not served.'),
        ({"service": "gone"}, 'There is no service "gone".'),
    ],
)
def test_a_router_is_never_served_without_what_it_names(more: dict[str, Any], reason: str) -> None:
    made = table(router("a", "Host(`a.test`)", **more))
    route = made.find("websecure", head("/", "a.test"))
    refused = answer(route, head("/", "a.test"))
    assert (refused.status, refused.get("Retry-After")) == (503, "5")
    assert b"not set up correctly" in bytes(refused.body)  # type: ignore[arg-type]
    assert route is not None
    assert (route.action, route.reason) == ("broken", reason)
    assert made.hosts() == {"a.test"}


class Waits:
    def wrap(self, next_handler: Handler, /) -> Handler:
        return next_handler


def test_middlewares_are_sorted_by_what_they_do() -> None:
    lan = IPAllowList(source_range=parse_text(tuple[IPNetwork, ...], "10.0.0.0/8"))
    first, second, waits = Headers(frame_deny=True), Headers(frame_deny=True, is_development=True), Waits()
    middlewares: dict[str, Middleware] = {"lan": lan, "1": first, "2": second, "w": waits}
    made = table(router("a", "Host(`a.test`)", middlewares=("1", "lan", "2", "w")), middlewares=middlewares)
    route = made.find("websecure", head("/", "a.test"))
    assert route is not None
    assert route.on_request == (first, lan, second)
    assert route.on_response == (second, first)
    assert route.wrap == (waits,)
    assert route.middlewares == (first, lan, second, waits)
    assert not route.plain


def test_hosts_that_want_a_certificate() -> None:
    made = table(
        router("a", "Host(`a.test`) || Host(`*.a.test`)"),
        router("plain", "Host(`b.test`)", entrypoints=("web",)),
        router("off", "Host(`c.test`)", tls=False),
        router("not", "Host(`d.test`) && !Host(`e.test`)", tls=True),
        router("any", "Host(`*`)"),
    )
    assert made.hosts() == {"a.test", "*.a.test", "d.test"}


@pytest.mark.parametrize(
    ("target", "host", "guarded"),
    [
        ("/x/..%2Fadmin", "guarded.test", True),
        ("/x/..;/admin", "guarded.test", True),
        ("/x%00", "guarded.test", True),
        ("/x\\y", "guarded.test", True),
        ("/x", "guarded.test", False),
        ("/x?y=%2F\\", "guarded.test", False),
        ("/x%2Fy", "open.test", False),
        ("/x%2Fy", "root.test", False),
        ("/x%2Fy", "a.wild.test", True),
        ("/x%2Fy", "unknown.test", False),
    ],
)
def test_paths_with_two_readings_are_refused_where_a_path_decides(
    target: str, host: str, guarded: bool
) -> None:
    made = table(
        router("g", "Host(`guarded.test`) && !PathPrefix(`/admin`)"),
        router("w", "Host(`*.wild.test`) && PathPrefix(`/x`)"),
        router("o", "Host(`open.test`)"),
        router("r", "Host(`root.test`) && PathPrefix(`/`)"),
    )
    assert made.guarded(head(target, host)) is guarded


def test_a_path_rule_without_a_host_guards_every_host() -> None:
    assert table(router("g", "PathPrefix(`/admin`)")).guarded(head("/%2Fadmin", "any.test"))


def test_an_empty_table_serves_nothing() -> None:
    assert RoutingTable().find("web", head()) is None
    assert not RoutingTable().guarded(head("/%2F"))


LAN_ONLY = IPAllowList(source_range=(parse_text(IPNetwork, "10.0.0.0/8"),))
SECURE = {"secure@file": Headers(custom_response_headers={"X-Robots-Tag": "none"}), "lan@docker": LAN_ONLY}
ALL = Entrypoint("websecure", tls=True, middlewares=("secure@file",))
HOUSE = Entrypoint("house", tls=True, default=False, middlewares=("secure@file", "lan@docker"))


def passes(*routers: Router, at: str = "websecure", known: Any = SECURE) -> dict[str, tuple[str, ...]]:
    made = table(*routers, middlewares=known, points=(ALL, HOUSE))
    return {route.name: route.passes for route in made.routes[at]}


def test_the_middlewares_of_an_entrypoint_come_first_and_only_once():
    rule = "Host(`a.test`)"
    routers = (
        router("says-nothing", rule),
        router("has-one", rule, middlewares=("lan@docker",)),
        router("names-it-itself", rule, middlewares=("lan@docker", "secure@file")),
        router("opts-out", rule, middlewares=("lan@docker",), defaults=False),
    )
    assert passes(*routers) == {
        "says-nothing": ("secure@file",),
        "has-one": ("secure@file", "lan@docker"),
        "names-it-itself": ("lan@docker", "secure@file"),
        "opts-out": ("lan@docker",),
    }


def test_a_router_on_two_entrypoints_takes_the_defaults_of_each():
    both = router("a", "Host(`a.test`)", entrypoints=("websecure", "house"))
    assert passes(both) == {"a": ("secure@file",)}
    assert passes(both, at="house") == {"a": ("secure@file", "lan@docker")}


def test_while_a_default_is_missing_only_those_without_defaults_are_served():
    takes, opts_out = router("takes", "Host(`a.test`)"), router("out", "Host(`b.test`)", defaults=False)
    made = table(takes, opts_out, middlewares={"lan@docker": LAN_ONLY}, points=(ALL, HOUSE))
    assert {route.name: route.action for route in made.routes["websecure"]} == {
        "takes": "broken",
        "out": "serve",
    }
    [problem] = made.problems
    assert problem.where == "default_middlewares=secure@file"
    assert problem.what == 'There is no middleware "secure@file". Known: lan@docker.'
    assert problem.consequence.startswith("Routers on websecure, house")


def test_a_default_with_a_mistake_has_its_problem_already():
    config = RoutingConfig(
        {"a": router("a", "Host(`a.test`)")}, {"s": Service("s")}, broken=frozenset({"secure@file"})
    )
    made = compile_table(config, (ALL,))
    assert made.problems == ()
    assert [route.action for route in made.routes["websecure"]] == ["broken"]


def test_a_host_of_one_router_that_wants_our_own_authority_is_internal():
    made = table(
        router("a", "Host(`a.test`)", resolver="internal"),
        router("a-api", "Host(`a.test`) && PathPrefix(`/api`)"),
        router("b", "Host(`b.test`)"),
        router("c", "Host(`c.test`)", resolver="internal", tls=False),
    )
    assert (made.hosts(), made.resolvers) == ({"a.test", "b.test"}, {"a.test": "internal"})


def test_a_closed_host_is_closed_before_anything_else_and_nobody_else_is():
    close = {"close@command": Maintenance(hosts=("x.a.test",))}
    config = RoutingConfig(
        {
            each.name: each
            for each in (
                router("x", "Host(`x.a.test`)", middlewares=("lan@docker",)),
                router("wild", "Host(`*.a.test`)"),
                router("any", "PathPrefix(`/`)"),
                router("half", "Host(`b.test`) || PathPrefix(`/x`)"),
                router("b", "Host(`b.test`)"),
            )
        },
        {"s": Service("s")},
        {**SECURE, **close},
        closed={"x.a.test": "close@command"},
    )
    made = compile_table(config, (ALL,))
    assert {route.name: route.passes for route in made.routes["websecure"]} == {
        "x": ("close@command", "secure@file", "lan@docker"),
        "wild": ("close@command", "secure@file"),
        "any": ("close@command", "secure@file"),
        "half": ("close@command", "secure@file"),
        "b": ("secure@file",),
    }


def test_plain_http_is_redirected_also_where_only_the_tls_entrypoint_is_a_default():
    points = (
        Entrypoint("web", default=False, usual=True),
        Entrypoint("websecure", tls=True, usual=True),
        Entrypoint("house", tls=True, default=False, usual=False),
    )
    made = table(
        router("a", "Host(`a.test`)"), router("h", "Host(`h.test`)", entrypoints=("house",)), points=points
    )
    actions = {name: [(each.name, each.action) for each in found] for name, found in made.routes.items()}
    assert actions == {"web": [("a", "redirect")], "websecure": [("a", "serve")], "house": [("h", "serve")]}
