"""Which TLS options hold for which host, and who is not served."""

import pytest

from proxy.model import Entrypoint, Router, RoutingConfig, Service
from proxy.table import compile_table
from proxy.tls_options import USUAL, Authority, ClientAuth, TLSOptions

FAMILY = TLSOptions(client_auth=ClientAuth(ca_files=(Authority("-----BEGIN one"),)))
STAFF = TLSOptions(min_version="VersionTLS13")
POINTS = (Entrypoint("web"), Entrypoint("websecure", tls=True))
KNOWN = {"family@file": FAMILY, "staff@file": STAFF, "broken@file": None}


def table(*routers, known=KNOWN):
    config = RoutingConfig({each.name: each for each in routers}, {"s": Service("s")}, tls_options=known)
    return compile_table(config, POINTS)


def router(name, rule, says=None, origin="one", **more):
    return Router(name, rule, "s", tls_options=says, origin=origin, **more)


def actions(found):
    return {route.name: route.action for route in found.routes["websecure"]}


def test_a_hosts_options_are_those_of_its_router():
    found = table(
        router("a", "Host(`a.test`) || Host(`*.b.test`)", "family@file"), router("c", "Host(`c.test`)")
    )
    of = found.securing.of
    assert [of(each) for each in ("a.test", "A.TEST.", "x.b.test")] == [FAMILY] * 3
    assert [of(each) for each in ("c.test", "b.test", "x.y.b.test", "", None)] == [USUAL] * 5
    assert actions(found) == {"a": "serve", "c": "serve"}
    assert found.problems == ()


def test_what_one_router_says_holds_for_all_of_the_host():
    found = table(router("a", "Host(`a.test`)"), router("b", "Host(`a.test`) && PathPrefix(`/b`)", FAMILY))
    assert found.securing.of("a.test") == FAMILY
    assert actions(found) == {"a": "serve", "b": "serve"}


def test_who_is_held_to_a_strangers_word_is_told():
    found = table(router("a", "Host(`a.test`)"), router("b", "Host(`a.test`)", FAMILY, origin="two"))
    assert [(each.severity, each.where) for each in found.problems] == [
        ("notice", "one: http.routers.a.tls.options")
    ]


@pytest.mark.parametrize("second", ["Host(`a.test`) && PathPrefix(`/b`)", "Host(`*.test`)"])
def test_of_two_that_say_different_things_the_second_is_not_served(second):
    found = table(router("a", "Host(`a.test`)", "family@file"), router("b", second, "staff@file"))
    assert actions(found) == {"a": "serve", "b": "broken"}
    assert found.securing.of("a.test") == FAMILY
    [problem] = found.problems
    assert problem.what.startswith('Router "a" says other TLS options for ')


@pytest.mark.parametrize(("says", "told"), [("famly@file", 1), ("broken@file", 0)])
def test_without_its_options_no_router_of_the_host_is_served(says, told):
    """Who says nothing beside it may count on it; somebody else's site does not."""
    found = table(
        router("a", "Host(`a.test`)", says),
        router("b", "Host(`a.test`) && PathPrefix(`/b`)"),
        router("c", "Host(`a.test`) && PathPrefix(`/c`)", origin="two"),
        router("d", "Host(`d.test`)"),
    )
    assert actions(found) == {"a": "broken", "b": "broken", "c": "serve", "d": "serve"}
    assert len(found.problems) == told
    assert not told or 'Did you mean "family"?' in found.problems[0].what


@pytest.mark.parametrize(
    "rule", ["PathPrefix(`/`)", "HostRegexp(`.*`)", "Host(`a.test`) || Path(`/b`)", "Host(`*`)"]
)
def test_a_rule_for_any_host_cannot_ask_for_options(rule):
    found = table(router("a", rule, "family@file"))
    assert actions(found) == {"a": "broken"}
    assert "chosen by the host" in found.problems[0].what


def test_options_of_a_router_without_tls_are_not_served_in_the_clear():
    found = table(router("a", "Host(`a.test`)", "family@file", tls=True, entrypoints=("web",)))
    assert [route.action for route in found.routes["web"]] == ["broken"]


def test_the_default_is_what_a_file_says():
    found = table(router("a", "Host(`a.test`)"), known={"default@file": STAFF})
    assert found.securing.of("a.test") == found.securing.of(None) == STAFF


def test_with_a_broken_default_only_those_are_served_who_do_not_need_it():
    known = {**KNOWN, "default@file": None}
    found = table(
        router("a", "Host(`a.test`)"),
        router("b", "Host(`b.test`)", "staff@file"),
        router("c", "Path(`/c`)"),
        known=known,
    )
    assert actions(found) == {"a": "broken", "b": "serve", "c": "broken"}


def test_the_usual_by_its_name_is_what_it_is():
    found = table(router("a", "Host(`a.test`)", "default@file"))
    assert found.securing.by_host == {}
    assert actions(found) == {"a": "serve"}


@pytest.mark.parametrize(
    ("agreed", "host", "wrong"),
    [
        (None, "a.test", False),
        (USUAL, "b.test", False),
        (USUAL, "a.test", True),
        (FAMILY, "a.test", False),
        (FAMILY, "b.test", True),
    ],
)
def test_a_connection_is_for_hosts_with_its_terms(agreed, host, wrong):
    found = table(router("a", "Host(`a.test`)", "family@file"), router("b", "Host(`b.test`)"))
    assert found.misdirected(agreed, host) is wrong
    assert table().misdirected(agreed, host) is (agreed is FAMILY)


CROWD = TLSOptions(client_auth=ClientAuth(ca_files=(Authority("-----BEGIN two"),)))


def test_who_is_silent_beside_a_refused_word_of_his_own_is_not_served():
    found = table(
        router("a", "Host(`a.test`) && Path(`/a`)", "default@file", origin="two"),
        router("b", "Host(`a.test`) && Path(`/b`)", STAFF),
        router("c", "Host(`a.test`)"),
        router("d", "Host(`*.test`)"),
        router("e", "PathPrefix(`/`)"),
        router("f", "Host(`a.test`)", origin="three"),
        router("g", "Host(`g.else.test`)"),
    )
    broken = {name for name, action in actions(found).items() if action == "broken"}
    assert broken == {"b", "c", "d", "e"}
    told = [each.where for each in found.problems if each.severity == "error"]
    assert told == [f"one: http.routers.{name}.tls.options" for name in "bcde"]


def test_where_refused_options_ask_for_certificates_nobody_is_served_without():
    found = table(
        router("a", "Host(`a.test`) && Path(`/a`)", "default@file", origin="two"),
        router("b", "Host(`a.test`) || Host(`b.test`)", FAMILY),
        router("c", "Host(`a.test`)", origin="three"),
        router("d", "Host(`b.test`)", FAMILY, origin="three"),
        router("e", "Host(`b.test`)", origin="two"),
        router("f", "Host(`f.test`)", origin="three"),
    )
    assert actions(found) == {
        "a": "broken",
        "b": "broken",
        "c": "broken",
        "d": "serve",  # nobody comes in there but whom b would have let in
        "e": "serve",
        "f": "serve",
    }


def test_of_two_that_ask_for_different_certificates_neither_is_served():
    found = table(router("a", "Host(`a.test`)", FAMILY), router("b", "Host(`a.test`)", CROWD, origin="two"))
    assert actions(found) == {"a": "broken", "b": "broken"}


def test_a_refused_rule_for_any_host_leaves_no_host_of_its_origin_open():
    found = table(
        router("a", "Host(`a.test`) || HostRegexp(`^old`)", FAMILY),
        router("b", "Host(`a.test`)", origin="two"),
        router("c", "Host(`c.test`)"),
        router("d", "Host(`c.test`)", origin="two"),
    )
    assert actions(found) == {"a": "broken", "b": "broken", "c": "broken", "d": "serve"}
