"""Which dialect a container speaks, and what an installation adds to it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.constraints import Constraints
from discovery.container import SERVING, Container
from discovery.fragment import Fragment
from discovery.labels import read_container
from discovery.language import Language
from discovery.networks import Own
from discovery.template import Template
from proxy.model import Router

OWN = Own(networks=frozenset({"web", "proxy"}))
RULE = {"traefik.http.routers.blog.rule": "Host(`blog.test`)"}
WILD = Language(default_rule=Template.parse("Host(`{{ normalize .Name }}.test`)"))


def read(labels: dict[str, str], language: Language | None = None) -> Fragment | None:
    container = Container("a" * 64, "my_blog", labels=labels, networks={"web": "172.18.0.5"}, exposed=(80,))
    return read_container(container, OWN, language=language or Language())


def only_router(fragment: Fragment | None) -> Router:
    assert fragment is not None
    [router] = fragment.routers.values()
    return router


@pytest.mark.parametrize(
    ("dialects", "labels", "spoken"),
    [
        (("tidegate", "traefik"), RULE, "traefik"),
        (("tidegate",), RULE, None),
        (("tidegate", "traefik"), RULE | {"tidegate.host": "a.test"}, "tidegate"),
        (("traefik", "tidegate"), RULE | {"tidegate.host": "a.test"}, "traefik"),
        (("tidegate", "traefik"), RULE | {"tidegate.network": "web"}, "traefik"),
        (("tidegate", "traefik"), {"tidegate.network": "web"}, "tidegate"),
        (("tidegate", "traefik"), {"Traefik.HTTP.routers.a.rule": "x"}, "traefik"),
        (("tidegate", "traefik"), {"com.example": "1"}, None),
    ],
)
def test_the_foremost_dialect_counts(
    dialects: tuple[str, ...], labels: dict[str, str], spoken: str | None
) -> None:
    assert Language(dialects=dialects).dialect_of(labels) == spoken


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        ({"traefik.enable": "true"}, "Host(`my-blog.test`)"),
        ({"tidegate.enable": "true"}, "Host(`my-blog.test`)"),
        ({"tidegate.port": "80"}, "Host(`my-blog.test`)"),
        ({"traefik.http.services.s.loadbalancer.server.port": "80"}, "Host(`my-blog.test`)"),
        ({"traefik.http.routers.r.middlewares": "m"}, "Host(`my-blog.test`)"),
        (RULE, "Host(`blog.test`)"),
        ({"tidegate.host": "own.test"}, "Host(`own.test`)"),
    ],
)
def test_who_names_no_requests_gets_the_default_rule(labels: dict[str, str], rule: str) -> None:
    assert only_router(read(labels, WILD)).rule == rule


def test_what_is_declared_for_others_gets_no_rule() -> None:
    fragment = read({"tidegate.http.middlewares.m.addprefix.prefix": "/x"}, WILD)
    assert fragment is not None
    assert not fragment.routers


def test_a_default_rule_that_does_not_fit_a_container_is_said() -> None:
    fragment = read({"traefik.enable": "true"}, Language(default_rule=Template.parse("{{ .Labels }}")))
    assert fragment is not None
    assert "This is no text." in fragment.problems[0].what


def test_every_container_is_served_where_the_installation_says_so() -> None:
    language = Language(default_rule=WILD.default_rule, serve_all=True)
    assert only_router(read({}, language)).name == "my-blog@docker"
    assert read({}) is None


@pytest.mark.parametrize("dialect", ["tidegate", "traefik", "nginx-proxy", "caddy"])
def test_without_a_rule_nothing_is_said_of_containers_without_labels(dialect: str) -> None:
    fragment = read({}, Language(dialects=(dialect,), serve_all=True))
    assert fragment is None or not (fragment.routers or fragment.problems)


def test_a_container_that_the_constraints_leave_out_is_not_looked_at() -> None:
    language = Language(constraints=Constraints.parse("Label(`zone`, `home`)"))
    assert read(RULE, language) is None
    assert read(RULE | {"zone": "home"}, language) is not None
    assert not language.concerns(RULE)


@pytest.mark.parametrize(
    ("names", "written", "meant"),
    [
        ({}, "http, https", ("web", "websecure")),
        ({}, "HTTPS", ("websecure",)),
        ({"lan": "websecure"}, "lan", ("websecure",)),
        ({}, "lan", ("lan",)),
        ({"https": "web"}, "https", ("web",)),
    ],
)
def test_names_of_entrypoints_are_those_of_the_installation(
    names: dict[str, str], written: str, meant: tuple[str, ...]
) -> None:
    fragment = read(RULE | {"traefik.http.routers.blog.entrypoints": written}, Language(names=names))
    assert only_router(fragment).entrypoints == meant


def test_an_own_entrypoint_is_not_taken_for_another() -> None:
    language = Language(entrypoints=frozenset({"web", "websecure", "https"}))
    fragment = read(RULE | {"traefik.http.routers.blog.entrypoints": "https"}, language)
    assert only_router(fragment).entrypoints == ("https",)


def test_tls_options_are_taken_for_the_usual_ones_where_the_installation_says_so() -> None:
    labels = RULE | {"traefik.http.routers.blog.tls.options": "modern@file"}
    assert only_router(read(labels, Language(names={"modern": "default"}))).tls is True
    assert only_router(read(labels)).tls_options == "modern@file"  # which it needs, or answers 503


def test_the_preferred_network_is_used_where_nobody_names_one() -> None:
    container = Container(
        "a" * 64, "blog", labels=RULE, networks={"proxy": "172.18.0.5", "web": "172.19.0.5"}, exposed=(80,)
    )
    for preferred, address in (("", "172.18.0.5"), ("web", "172.19.0.5"), ("none", "172.18.0.5")):
        fragment = read_container(container, OWN, language=Language(network=preferred))
        assert fragment is not None
        [service] = fragment.services.values()
        assert service.servers[0].address == address


STEPS = ["http", "tcp", "tls", "enable", "docker", "network", "routers", "services", "r", "rule", "service"]
NAMES = st.lists(
    st.sampled_from(
        [*STEPS, "entrypoints", "certresolver", "options", "host", "allow", "a", "[0]", "", "x@y"]
    ),
    min_size=1,
    max_size=6,
)
LABELS = st.tuples(st.sampled_from(["tidegate", "traefik", "Traefik"]), NAMES).map(
    lambda pair: ".".join((pair[0], *pair[1]))
)
VALUES = st.sampled_from(
    ["", "true", "Host(`a`)", "80", "a,b", "lan", "\n", "((", "x@internal", "\N{SNOWMAN}"]
)


@given(st.dictionaries(LABELS, VALUES, max_size=8), st.booleans(), st.booleans())
def test_no_labels_stop_the_others(labels: dict[str, str], everybody: bool, ruled: bool) -> None:
    language = Language(serve_all=everybody, default_rule=(WILD if ruled else Language()).default_rule)
    fragment = read(labels, language)
    for problem in fragment.problems if fragment else ():
        assert problem.what


@pytest.mark.parametrize("count", [2_000])
def test_a_container_with_thousands_of_labels_is_read_at_once(count: int) -> None:
    for root in ("tidegate", "traefik"):
        labels = {f"{root}.http.routers.r{n}.rule": "Host(`a`)" for n in range(count)}
        labels |= {f"tidegate.s{n}.host": f"h{n}.test" for n in range(count if root == "tidegate" else 0)}
        before = time.process_time()
        read(labels)
        assert time.process_time() - before < 5


def test_variables_of_nginx_proxy_are_read_where_the_installation_says_so() -> None:
    told = Container(
        "a" * 64,
        "blog",
        environment={"VIRTUAL_HOST": "a.test"},
        networks={"web": "172.18.0.5"},
        exposed=(80,),
    )
    assert read_container(told, OWN) is None
    both = Language(dialects=("tidegate", "nginx-proxy"))
    assert only_router(read_container(told, OWN, language=both)).rule == "Host(`a.test`)"
    assert both.concerns({})  # a list of containers shows no variables
    assert read({"com.example": "1"}, both) is None


VARIABLES = st.dictionaries(
    st.sampled_from(sorted(SERVING)),
    st.sampled_from(
        ["", "a.test", "*.a,~b(", "x`y", "80", "https", "= /x", "~ (", "/", "nohttps", "internal", "\n"]
    ),
)


@given(VARIABLES)
def test_no_variables_stop_the_others(environment: dict[str, str]) -> None:
    told = Container("a" * 64, "blog", environment=environment, networks={"web": "172.18.0.5"}, exposed=(80,))
    fragment = read_container(told, OWN, language=Language(dialects=("nginx-proxy",)))
    for problem in fragment.problems if fragment else ():
        assert problem.what


PLACES = ["handle", "1_handle", "handle_path", "route_2", "@foo", "reverse_proxy", "redir", "transport"]
DIRECTIVES = [*PLACES, "basic_auth", "header", "uri", "encode", "tls", "import", "host", "X-A"]
ARGUMENTS = """
a.test|*.a.test, b.test|http://a.test:80|{{upstreams 80}}|{{upstreams https 1}}|/x/*|@foo|host a.test
"|`|# x|-Server
* {{ upstreams }}|{{ .Names }}|/a {{upstreams}}|/a /b 301|/a*b {{upstreams}}|
""".replace("\n", "|").split("|")
CADDY = st.dictionaries(
    st.lists(st.sampled_from([*DIRECTIVES, ""]), max_size=4).map(lambda steps: ".".join(["caddy", *steps]))
    | st.sampled_from(["caddy_0", "caddy_1.reverse_proxy", "caddy_1", "caddy.a\\.b"]),
    st.sampled_from(ARGUMENTS),
    max_size=8,
)


@given(CADDY)
def test_no_labels_of_caddy_stop_the_others(labels: dict[str, str]) -> None:
    fragment = read(labels, Language(dialects=("caddy",)))
    for problem in fragment.problems if fragment else ():
        assert problem.what
