from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.decision import decide
from proxy.explain import explain, rehearsed
from proxy.middlewares import MIDDLEWARES
from proxy.model import Failover, How, Mirrored, Part, Router, RoutingConfig, Server, Service
from proxy.status_range import StatusRange
from proxy.table import Entrypoint
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared

POINTS = (Entrypoint("web"), Entrypoint("websecure", tls=True))
APP = Service("app", (Server("c1", "172.18.0.2", 80),))
SECURE = Service("secure", (Server("c2", "172.18.0.3", 443, "https"),))
STRIPPED = "makes it /x; sets X-Forwarded-Prefix"
HASH = "anna:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"


def middlewares(**trees):
    return {name: declared(MIDDLEWARES[kind], tree) for name, (kind, tree) in trees.items()}


SOME = middlewares(
    lan=("ipallowlist", {"sourcerange": "192.168.0.0/16"}),
    strip=("stripprefix", {"prefixes": "/api"}),
    password=("basicauth", {"users": HASH}),
    sso=("forwardauth", {"address": "http://auth:9091/verify"}),
    few=("ratelimit", {"average": "1", "burst": "1"}),
    gzip=("compress", {}),
    move=("redirectregex", {"regex": "^.*$", "replacement": "https://new.test/"}),
    secure=("headers", {"stsseconds": "600"}),
    both=("chain", {"middlewares": "lan,strip"}),
)


def router(name: str, rule: str, *through: str, service: str = "app", **more) -> Router:
    return Router(name, rule, service, middlewares=through, **more)


def config(*routers: Router) -> RoutingConfig:
    services = {each.name: each for each in (APP, SECURE)}
    return RoutingConfig({each.name: each for each in routers}, services, SOME)


def explained(routers, request=None, entrypoint="websecure", **more):
    return explain(
        config(*routers), POINTS, entrypoint, request or head(host="a.test"), lambda path: None, **more
    )


def test_who_takes_it_and_why_the_others_do_not():
    routers = (
        router("api", "Host(`a.test`) && PathPrefix(`/api`)"),
        router("other", "Host(`completely-different.example`) && Path(`/`)"),
        router("site", "Host(`a.test`)"),
        router("rest", "HostRegexp(`.*`)", priority=1),
    )
    why = explained(routers)
    assert (why.route.name, why.status, why.reason) == ("site", None, "")
    assert [(miss.router, miss.condition, miss.near) for miss in why.misses] == [
        ("api", "PathPrefix(`/api`) does not begin /", True),
        ("other", "Host(`completely-different.example`) is not a.test", False),
    ]


def test_a_slip_of_the_pen_finds_its_host():
    why = explained([router("blog", "Host(`blog.example.com`)")], head(host="blog.exmaple.com"))
    assert (why.status, why.reason, why.similar) == (404, "no router takes it", "blog.example.com")
    assert [miss.near for miss in why.misses] == [True]


def test_a_neighbour_below_the_same_domain_is_no_slip():
    assert (
        explained([router("blog", "Host(`blog.example.com`)")], head(host="shop.example.com")).similar == ""
    )


@pytest.mark.parametrize(
    ("through", "does"),
    [
        (("lan",), [("lan", "answers 403", 403)]),
        (("both",), [("lan", "answers 403", 403)]),
        (("strip", "lan"), [("strip", STRIPPED, None), ("lan", "answers 403", 403)]),
        (("password", "lan"), [("password", "answers 401", 401)]),
        (("sso", "strip"), [("sso", "asks http://auth:9091", None), ("strip", STRIPPED, None)]),
        (("few",), [("few", "lets it pass", None)]),
        (("gzip", "strip"), [("gzip", "lets it pass", None), ("strip", STRIPPED, None)]),
        (("move",), [("move", "redirects (302) to https://new.test/", 302)]),
        (("secure",), [("secure", "lets it pass", None)]),
    ],
)  # fmt: skip
def test_what_each_middleware_does(through, does):
    why = explained([router("a", "Host(`a.test`)", *through)], head("/api/x", "a.test"))
    assert [(step.name, step.does, step.status) for step in why.steps] == does
    assert why.status == does[-1][2]


def test_nothing_is_used_up_by_asking():
    routers = [router("a", "Host(`a.test`)", "few")]
    assert [explained(routers).status for _ in range(3)] == [None, None, None]


@pytest.mark.parametrize(
    ("router", "more", "lane", "because"),
    [
        (router("a", "Host(`a.test`)", "secure", "few"), {}, "fast", "nothing needs the body"),
        (router("a", "Host(`a.test`)"), {"fast_lane": False}, "aiohttp", "switched off"),
        (router("a", "Host(`a.test`)"), {"upgrade": "websocket"}, "aiohttp", "upgrade to websocket"),
        (router("a", "Host(`a.test`)", "secure", "gzip"), {}, "aiohttp", "gzip (compress) needs the body"),
    ],
)  # fmt: skip
def test_which_lane_it_takes(router, more, lane, because):
    why = explained([router], **more)
    assert why.lane == lane
    assert because in why.because


def test_a_plain_entrypoint_only_redirects():
    why = explained([router("a", "Host(`a.test`)")], entrypoint="web")
    assert (why.status, why.lane, why.route.action) == (308, "none", "redirect")


def test_a_router_that_is_not_set_up_says_why():
    why = explained([router("a", "Host(`a.test`)", "lost")])
    assert why.status == 503
    assert 'There is no middleware "lost"' in why.reason


@pytest.mark.parametrize("through", [(), ("lan",), ("strip", "secure"), ("few",), ("move",), ("lost",)])
@pytest.mark.parametrize("target", ["/", "/api/x", "/.well-known/acme-challenge/x", "/a/..;/b"])
@pytest.mark.parametrize("host", ["a.test", "b.test"])
@pytest.mark.parametrize("entrypoint", ["web", "websecure"])
def test_it_says_what_would_be_decided(through, target, host, entrypoint):
    some = config(router("a", "Host(`a.test`) && PathPrefix(`/a`)", *through), router("b", "Host(`a.test`)"))
    request = head(target, host)
    said = explain(some, POINTS, entrypoint, request, lambda path: None)
    served = decide(rehearsed(some, POINTS), entrypoint, request, lambda path: None)
    assert said.decision.head == served.head
    assert (said.route and said.route.name) == (served.route and served.route.name)
    assert said.status == (served.response.status if served.response else None)
    assert all(miss.condition for miss in said.misses)


def test_a_challenge_is_answered_before_anything_else():
    path = "/.well-known/acme-challenge/x"
    why = explain(config(), POINTS, "web", replace(head(path)), {path: b"proof"}.get)
    assert (why.status, why.route) == (200, None)


@pytest.mark.parametrize(
    "how",
    [
        Mirrored((Part("app"), Part("secure", 10))),
        Failover((Part("app"), Part("secure")), (StatusRange.parse("500-504"),)),
    ],
)
def test_a_service_that_may_ask_others_takes_the_other_lane(how: How):
    asked = config(router("site", "Host(`a.test`)", "strip", service="whole"))
    services = {**asked.services, "whole": Service("whole", how=how)}
    told = explain(
        replace(asked, services=services), POINTS, "websecure", head(host="a.test"), lambda path: None
    )
    assert (told.status, told.lane, told.because) == (None, "aiohttp", "its service may ask others, too")


@pytest.mark.parametrize("through", [(), ("lan",), ("password",), ("strip", "password")])
def test_a_server_of_http2_is_asked_in_the_lane_that_can_wait(through):
    asked = (Server("c3", "172.18.0.4", 50051, "h2c"), Server("c4", "172.18.0.5", 80))
    routes = config(router("api", "Host(`a.test`)", *through, service="mixed"))
    routes = replace(routes, services={**routes.services, "mixed": Service("mixed", asked)})
    [route] = rehearsed(routes, POINTS).routes["websecure"]
    assert not route.plain and not route.hurried
    client = head(host="a.test", client="192.168.1.7")
    told = explain(routes, POINTS, "websecure", client, lambda path: None)
    if "password" not in through:
        assert (told.lane, told.because) == ("aiohttp", "its server speaks HTTP/2 (h2c)")
