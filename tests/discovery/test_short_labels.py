"""Short labels and the long ones that they stand for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.container import Container
from discovery.dialects.expansion import Site, expand, rule_for
from discovery.dialects.long_form import long_form
from discovery.dialects.short import ShortLabels
from discovery.dialects.short_values import FormerName, HostName
from discovery.fragment import Fragment
from discovery.labels import read_container
from discovery.merge import merge
from discovery.networks import Own
from proxy.rule import parse_rule
from proxy.schema import options_of, parse_options, parse_text
from proxy.table import Entrypoint, compile_table
from tests.proxy.heads import head


def short(**labels: str) -> ShortLabels:
    read, flaws = parse_options(ShortLabels, labels)
    assert read is not None, flaws
    return read


def test_the_expansion_can_be_printed() -> None:
    long = expand(Site(short(host="a.test, b.test", path="/x/", port="80", scheme="https"), "blog", "web"))
    assert [f"{label.name}={label.value}" for label in long] == [
        "tidegate.http.routers.blog.rule=(Host(`a.test`) || Host(`b.test`)) && PathPrefix(`/x/`)",
        "tidegate.http.services.web.loadbalancer.server.port=80",
        "tidegate.http.services.web.loadbalancer.server.scheme=https",
    ]


@pytest.mark.parametrize(
    ("labels", "router", "service"),
    [
        ({}, "blog_demo", "blog_demo"),
        ({"tidegate.http.routers.web.middlewares": "x"}, "web", "blog_demo"),
        ({"tidegate.http.routers.web.rule": "Host(`w`)"}, "blog_demo", "blog_demo"),
        ({"tidegate.http.services.app.loadbalancer.passhostheader": "false"}, "blog_demo", "app"),
        ({"tidegate.http.services.a.x": "1", "tidegate.http.services.b.x": "1"}, "blog_demo", "blog_demo"),
    ],
)
def test_short_labels_speak_of_the_one_router_and_service_there_is(
    labels: dict[str, str], router: str, service: str
) -> None:
    rule, port = long_form(labels, short(host="a.test", port="80"), {}, "blog_demo")[len(labels) :]
    assert rule.name == f"tidegate.http.routers.{router}.rule"
    assert port.name == f"tidegate.http.services.{service}.loadbalancer.server.port"


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("/api", "Host(`a.test`) && (Path(`/api`) || PathPrefix(`/api/`))"),
        ("/api/", "Host(`a.test`) && PathPrefix(`/api/`)"),
        ("/", "Host(`a.test`) && PathPrefix(`/`)"),
    ],
)
def test_a_path_stands_for_itself_and_what_is_below_it(written: str, rule: str) -> None:
    assert rule_for(short(host="a.test", path=written)) == rule


@pytest.mark.parametrize(
    ("path", "taken"), [("/api", True), ("/api/", True), ("/api/x", True), ("/apix", False), ("/", False)]
)
def test_a_path_does_not_take_its_neighbours(path: str, taken: bool) -> None:
    rule = parse_rule(rule_for(short(host="a.test", path="/api")))
    assert rule.matches(head(path, "a.test")) is taken


@pytest.mark.parametrize("hosts", ["a.test", "a.test, b.test, *.c.test, a-long-name-of-a-host.example.org"])
def test_a_host_with_a_path_goes_before_the_host_alone_however_many_hosts_that_has(hosts: str) -> None:
    """The longer rule is asked first, and several hosts make one long."""
    site = Container("a" * 64, "a-site", labels={"tidegate.host": hosts}, networks={"web": "172.18.0.5"})
    labels = {"tidegate.host": "a.test", "tidegate.path": "/api"}
    api = Container("b" * 64, "b-api", labels=labels, networks={"web": "172.18.0.6"}, created="2")
    fragments = [read_container(each, Own(networks=frozenset({"web"}))) for each in (site, api)]
    table = compile_table(merge(each for each in fragments if each), [Entrypoint("websecure", tls=True)])
    found = [table.find("websecure", head(path, "a.test")) for path in ("/api/x", "/x")]
    assert [route.name for route in found if route] == ["b-api@docker", "a-site@docker"]


@pytest.mark.parametrize("option", ["rule", "priority"])
def test_what_the_long_form_says_of_a_routers_rank_counts(option: str) -> None:
    labels = {f"tidegate.http.routers.blog.{option}": "1"}
    long = long_form(labels, short(host="a.test, b.test"), {}, "blog")
    assert [label.name.rpartition(".")[2] for label in long] == [option, "rule"]


@pytest.mark.parametrize(
    "name", ["a", "a.test", "*.a.test", "A.Test.", "my_app.lan", "xn--bcher-kva.test", "1.2.3.4"]
)
def test_a_host_name(name: str) -> None:
    assert HostName.parse(name) == name.lower().rstrip(".")
    parse_rule(f"Host(`{HostName.parse(name)}`)")


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a`b", "*", "*.*.a", "a..b", "-a", "a:80", "a/b", "http://a", "a" * 300, "ä", "[::1]"],
)
def test_no_host_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"Expected a host name|Write"):
        HostName.parse(name)


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (
            "https://blog.lan:8444/X?y#z",
            "Write only the host name: blog.lan; "
            "beside it tidegate.port=8444, if the app listens there, and tidegate.path=/X",
        ),
        (
            "blog.lan:8444",
            "Write only the host name: blog.lan; beside it tidegate.port=8444, if the app listens there",
        ),
        ("blog.lan/x/", "Write only the host name: blog.lan; beside it tidegate.path=/x"),
        ("https://blog.lan:443/", "Write only the host name: blog.lan"),
        (f"blog.lan:{'9' * 5000}", "Write only the host name: blog.lan"),
        ("blog.lan:99999", "Write only the host name: blog.lan"),
        ("blog.lan:", "Write only the host name: blog.lan"),
        ("Host(`blog.lan`)", "Write only the host name: blog.lan"),
        ('host("a.lan") || Host(`b.lan`) && PathPrefix(`/x`)', "Write only the host name: a.lan, b.lan"),
        ("a.lan  b.lan", "Write commas between host names: a.lan, b.lan"),
        ("a.lan; b.lan", "Write commas between host names: a.lan, b.lan"),
    ],
)
def test_who_writes_more_than_a_host_name_is_told_what_to_write(written: str, instead: str) -> None:
    with pytest.raises(ValueError, match=re.escape(instead) + "$"):
        HostName.parse(written)


@pytest.mark.parametrize("name", ["192.168.1.300", "192.168.01.5", "1.2.3.1000", "1.2.3.300."])
def test_four_numbers_are_an_address_or_a_mistake(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"^[0-9.]+ is no IPv4 address: each of its four numbers is 0 to 255"
    ):
        HostName.parse(name)
    assert HostName.parse("192.168.1.30") == "192.168.1.30"
    assert HostName.parse("1.2.3.300.nip.io") == "1.2.3.300.nip.io"


def test_a_name_that_is_redirected_has_no_port_and_no_path_of_an_app() -> None:
    with pytest.raises(ValueError, match=r"^Write only the host name: old\.lan$"):
        FormerName.parse("http://old.lan:8080/blog")


@pytest.mark.parametrize("option", options_of(ShortLabels).values(), ids=lambda option: option.name)
def test_every_example_parses(option) -> None:
    parse_text(option.type, option.example)


NAMES = st.lists(
    st.sampled_from(
        ["http", "routers", "services", "middlewares", "r", "R", "rule", "host", "", "[0]", "tls", "x@y"]
    ),
    min_size=1,
    max_size=6,
).map(lambda parts: "tidegate." + ".".join(parts))
VALUES = st.sampled_from(["", "true", "false", "Host(`a`)", "80", "a,b", "\n", "((", "\N{SNOWMAN}"])


@given(st.dictionaries(NAMES, VALUES, max_size=8))
def test_no_labels_stop_the_others(labels: dict[str, str]) -> None:
    container = Container("a" * 64, "blog", labels=labels, networks={"web": "172.18.0.5"}, exposed=(80,))
    fragment = read_container(container, Own(networks=frozenset({"web"})))
    assert fragment is None or isinstance(fragment, Fragment)
    for problem in fragment.problems if fragment else ():
        assert problem.what
        assert "\n" not in problem.where
