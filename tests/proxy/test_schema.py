from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from enum import Enum
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.schema import (
    ByteSize,
    Duration,
    Flaw,
    IPAddress,
    IPNetwork,
    Port,
    closest,
    label_name,
    option,
    options,
    options_of,
    parse_options,
    parse_text,
    reference,
)


class Level(Enum):
    DEBUG = "debug"
    INFO = "info"


@dataclass(frozen=True)
class Colour:
    """A value of somebody else's making."""

    name: str

    @classmethod
    def parse(cls, text: str) -> Colour:
        if text not in ("red", "blue"):
            raise ValueError(f"No paint is called {text}.")
        return cls(text)


@options
class Cookie:
    """A nested group that may be switched on with its defaults."""

    name: str = option(doc="Its name.", example="lb", default="lb")
    same_site: Literal["lax", "strict"] | None = option(doc="Who sends it.", example="lax", default=None)


@options
class Outer:
    cookie: Cookie = option(doc="Cookie.", example="true", default=Cookie())


@options
class Sample:
    source_range: tuple[IPNetwork, ...] = option(doc="Networks.", example="192.168.1.0/24, 10.0.0.0/8")
    status: int = option(doc="Answer.", example="403", default=403)
    wait: Duration = option(doc="How long.", example="1m30s", default=Duration(60))
    size: ByteSize = option(doc="How much.", example="64KiB", default=ByteSize(65536))
    port: Port | None = option(doc="Where.", example="8080", default=None)
    sticky: bool = option(doc="Whether.", example="true", default=False)
    headers: dict[str, str] = option(doc="Fields.", example="X-Frame-Options=DENY", default={})
    cookie: Cookie | None = option(doc="Cookie.", example="true", default=None)
    cookies: tuple[Cookie, ...] = option(doc="More of them.", example="true", default=())
    password: str = option(doc="Word.", example="correct horse", default="", secret=True)
    key: Port | None = option(doc="Number.", example="1", default=None, secret=True)
    level: Level = option(doc="How much to say.", example="debug", default=Level.INFO)
    methods: tuple[str, ...] = option(doc="Words.", example="GET, POST", default=())
    peer: IPAddress | None = option(doc="Who.", example="10.0.0.1", default=None)

    def __post_init__(self) -> None:
        if self.status == 200:
            raise ValueError("A refusal cannot be a success: status=403.")


def with_the_needed(tree: dict[str, Any]) -> Any:
    given = any(name.lower().replace("-", "") == "sourcerange" for name in tree)
    return tree if given else {"sourcerange": "10.0.0.0/8", **tree}


def good(tree: Any) -> Sample:
    value, flaws = parse_options(Sample, with_the_needed(tree))
    assert flaws == ()
    assert value is not None
    return value


def flaws_of(tree: Any) -> list[Flaw]:
    value, flaws = parse_options(Sample, with_the_needed(tree))
    assert value is None
    return list(flaws)


@pytest.mark.parametrize(
    ("tree", "name", "value"),
    [
        (
            {"sourceRange": "1.2.3.4, fd00::/8,"},
            "source_range",
            (ip_network("1.2.3.4/32"), ip_network("fd00::/8")),
        ),
        ({"SOURCERANGE": ["10.1.2.3/8"]}, "source_range", (ip_network("10.0.0.0/8"),)),
        ({"source-range": "10.0.0.0/8"}, "source_range", (ip_network("10.0.0.0/8"),)),
        (
            {"sourcerange": {"[10]": "::1", "[9]": "1.1.1.1"}},
            "source_range",
            (ip_network("1.1.1.1"), ip_network("::1")),
        ),
        ({"status": "404"}, "status", 404),
        ({"status": 404}, "status", 404),
        ({"wait": "1m30s"}, "wait", 90.0),
        ({"wait": "1.5h"}, "wait", 5400.0),
        ({"wait": "250ms"}, "wait", 0.25),
        ({"wait": 5}, "wait", 5.0),
        ({"wait": None}, "wait", 60.0),
        ({"size": "10m"}, "size", 10 << 20),
        ({"size": "4 KiB"}, "size", 4096),
        ({"size": 12}, "size", 12),
        ({"port": "8080"}, "port", 8080),
        ({"sticky": "T"}, "sticky", True),
        ({"sticky": True}, "sticky", True),
        ({"sticky": "0"}, "sticky", False),
        ({"headers": {"X-Foo": "a, b", "x-bar": ""}}, "headers", {"X-Foo": "a, b", "x-bar": ""}),
        (
            {"headers": {"X-Age": 5, "X-On": True, "X-Off": None}},
            "headers",
            {"X-Age": "5", "X-On": "true", "X-Off": ""},
        ),
        ({"headers": "A=1, B=2=3"}, "headers", {"A": "1", "B": "2=3"}),
        ({"cookie": ""}, "cookie", Cookie()),
        ({"cookie": None}, "cookie", Cookie()),
        ({"cookie": "TRUE"}, "cookie", Cookie()),
        ({"cookie": True}, "cookie", Cookie()),
        ({"cookie": {"Name": "x"}}, "cookie", Cookie(name="x")),
        ({"cookie": {"": "true", "Name": "x"}}, "cookie", Cookie(name="x")),
        ({"cookie": "false"}, "cookie", None),
        ({"cookie": {"": "false", "name": "x"}}, "cookie", None),  # off wins over what stands below it
        ({"cookie": {"sameSite": "Lax"}}, "cookie", Cookie(same_site="lax")),
        ({"cookies": {"[0]": {"name": "a"}, "[1]": {}}}, "cookies", (Cookie(name="a"), Cookie())),
        ({"level": "Debug"}, "level", Level.DEBUG),
        ({"methods": "GET,, POST "}, "methods", ("GET", "POST")),
        ({"methods": ["a,b", "c"]}, "methods", ("a,b", "c")),  # YAML has no need of commas
        ({"peer": "fd00::1"}, "peer", ip_address("fd00::1")),
    ],
)
def test_a_tree_becomes_the_value(tree: Any, name: str, value: Any) -> None:
    assert getattr(good(tree), name) == value


@pytest.mark.parametrize(
    ("tree", "path", "what"),
    [
        (
            {"sourcerange": "192.168.1.0/33"},
            ("sourcerange",),
            "Expected a network such as 192.168.1.0/24, not '192.168.1.0/33'. "
            "Example: 192.168.1.0/24, 10.0.0.0/8",
        ),
        ({"statsu": "1"}, ("statsu",), 'There is no "statsu" here. Did you mean "status"?'),
        ({"status": "many"}, ("status",), "Expected a whole number, not 'many'. Example: 403"),
        ({"status": True}, ("status",), "Expected a whole number, not 'true'. Example: 403"),
        ({"status": {"x": "1"}}, ("status",), "Expected one value, not options below it. Example: 403"),
        ({"status": "1", "Status": "1"}, ("Status",), "This is given twice, also as 'status'."),
        ({"status": "200"}, (), "A refusal cannot be a success: status=403."),
        ({"sticky": "yes"}, ("sticky",), "Expected true or false, not 'yes'. Example: true"),
        (
            {"wait": "soon"},
            ("wait",),
            "Expected a duration such as 90, 30s or 1m30s, not 'soon'. Example: 1m30s",
        ),
        (
            {"wait": "-1s"},
            ("wait",),
            "Expected a duration such as 90, 30s or 1m30s, not '-1s'. Example: 1m30s",
        ),
        (
            {"wait": "1000000000d"},
            ("wait",),
            "Expected a duration of at most 100 years, not '1000000000d'. Example: 1m30s",
        ),
        (
            {"size": "big"},
            ("size",),
            "Expected a size such as 65536, 64KiB or 10m, not 'big'. Example: 64KiB",
        ),
        ({"port": "0"}, ("port",), "Expected a port between 1 and 65535, not '0'. Example: 8080"),
        ({"cookie": "1"}, ("cookie",), "Expected true, false or options below it, not '1'. Example: true"),
        (
            {"cookie": {"samesite": "x"}},
            ("cookie", "samesite"),
            "Expected one of lax, strict, not 'x'. Example: lax",
        ),
        (
            {"cookies": {"[1]": {"nam": "x"}}},
            ("cookies", "[1]", "nam"),
            'There is no "nam" here. Did you mean "name"?',
        ),
        (
            {"headers": "X-Foo"},
            ("headers",),
            "Expected names with values, name=value, not 'X-Foo'. Example: X-Frame-Options=DENY",
        ),
        (
            {"headers": {"X": ["1"]}},
            ("headers", "X"),
            "Expected one value, not a list. Example: X-Frame-Options=DENY",
        ),
        (
            {"headers": {"X-V": 1.1}},
            ("headers", "X-V"),
            "Expected text in quotes, not 1.1. Example: X-Frame-Options=DENY",
        ),
        ({"level": "loud"}, ("level",), "Expected one of debug, info, not 'loud'. Example: debug"),
        (
            {"peer": "10.0.0"},
            ("peer",),
            "Expected an address such as 192.168.1.7 or fd00::7, not '10.0.0'. Example: 10.0.0.1",
        ),
        ({"key": "s3cret"}, ("key",), "Expected a port between 1 and 65535. Example: 1"),
    ],
)
def test_a_flaw_says_what_to_write_instead(tree: Any, path: tuple[str, ...], what: str) -> None:
    assert flaws_of(tree) == [Flaw(path, what)]


def test_a_missing_option_is_named_with_its_example() -> None:
    _, flaws = parse_options(Sample, {})
    assert flaws == (Flaw(("sourceRange",), "This is missing. Example: 192.168.1.0/24, 10.0.0.0/8"),)


def test_a_misspelt_option_is_not_reported_as_missing_too() -> None:
    _, flaws = parse_options(Sample, {"sourcerang": "10.0.0.0/8"})
    assert flaws == (Flaw(("sourcerang",), 'There is no "sourcerang" here. Did you mean "sourceRange"?'),)


def test_every_mistake_is_reported_at_once() -> None:
    assert [flaw.path for flaw in flaws_of({"status": "x", "port": "y", "zzz": ""})] == [
        ("status",),
        ("port",),
        ("zzz",),
    ]


def test_an_unlike_name_gets_the_list_of_known_ones() -> None:
    _, flaws = parse_options(Cookie, {"zzzz": "1"})
    assert flaws == (Flaw(("zzzz",), 'There is no "zzzz" here. Known: name, sameSite.'),)


def test_false_at_the_root_means_off() -> None:
    assert parse_options(Cookie, "false") == (None, ())


def test_a_group_that_must_be_there_cannot_be_switched_off() -> None:
    assert parse_options(Outer, {"cookie": "false"})[1] == (
        Flaw(("cookie",), "This cannot be switched off."),
    )


def test_options_are_frozen_and_shown_as_a_dataclass_is() -> None:
    cookie = Cookie(name="a'b")
    assert repr(Outer(cookie=cookie)) == 'Outer(cookie=Cookie(name="a\'b", same_site=None))'
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'name'"):
        cookie.name = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'name'"):
        del cookie.name
    assert (cookie, hash(cookie)) == (Cookie(name="a'b"), hash(Cookie(name="a'b")))


def test_a_secret_is_shown_neither_by_repr_nor_by_a_flaw() -> None:
    assert "hunter2" not in repr(good({"password": "hunter2"}))
    assert "hunter2" not in repr(flaws_of({"password": ["hunter2"], "key": "hunter2"}))


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (Path, "/data", Path("/data")),
        (Colour, "red", Colour("red")),
        (float, "1.5", 1.5),
        (Port | Literal["off"], "off", "off"),
        (Port | Literal["off"], "80", 80),
        (dict[str, Port], "web=80, websecure=443", {"web": 80, "websecure": 443}),
        (tuple[Port, ...], "80,81", (80, 81)),
    ],
)
def test_parse_text(type_: Any, text: str, value: Any) -> None:
    assert parse_text(type_, text) == value


@pytest.mark.parametrize(
    ("type_", "text", "message"),
    [
        (Colour, "green", "No paint is called green."),
        (Port | Literal["off"], "x", "Expected a port between 1 and 65535 or one of off, not 'x'."),
        (int, "1_000", "Expected a whole number, not '1_000'."),
        (float, "inf", "Expected a number, not 'inf'."),
        (
            IPNetwork,
            "10.0.0.0/0.0.0.255",
            "Expected a network such as 192.168.1.0/24, not '10.0.0.0/0.0.0.255'.",
        ),
        (
            IPAddress,
            "fe80::1%eth0",
            "Expected an address such as 192.168.1.7 or fd00::7, not 'fe80::1%eth0'.",
        ),
    ],
)
def test_parse_text_says_what_is_wrong(type_: Any, text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_text(type_, text)
    assert str(caught.value) == message


def test_every_example_parses() -> None:
    for opt in options_of(Sample).values():
        parse_text(opt.type, opt.example)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (90, "1m30s"), (3600, "1h"), (0.25, "0.25s")])
def test_a_duration_is_shown_as_it_may_be_written(seconds: float, text: str) -> None:
    assert str(Duration(seconds)) == text
    assert Duration.parse(text) == seconds


def test_names_are_spelled_for_labels() -> None:
    assert label_name("source_range") == "sourceRange"
    assert closest("souce-range", ["sourceRange", "status"]) == "sourceRange"
    assert closest("unlike", ["sourceRange", "status"]) is None
    assert closest("hosts", ["host", "hsts"]) == "host"
    assert closest("password", ["path", "auth"]) == "auth"
    assert closest("password", ["path", "port"]) is None


def test_the_reference_has_a_row_for_each_option_and_each_nested_one() -> None:
    rows = list(reference(Sample, "m"))
    assert rows[0] == "| `m.sourceRange` | Networks. | required | `192.168.1.0/24, 10.0.0.0/8` |"
    assert rows[2] == "| `m.wait` | How long. | `1m` | `1m30s` |"
    assert "| `m.headers.<name>` | Fields. |  | `X-Frame-Options=DENY` |" in rows
    assert "| `m.cookie.sameSite` | Who sends it. |  | `lax` |" in rows


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates()
names = st.sampled_from([opt.name for opt in options_of(Sample).values()]) | st.text()
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(names | st.integers() | st.none(), inner),
    max_leaves=20,
)


@given(trees)
def test_no_tree_raises(tree: Any) -> None:
    value, flaws = parse_options(Sample, tree)
    assert value is None or not flaws


@given(st.sampled_from([opt.type for opt in options_of(Sample).values()]), st.text())
def test_no_text_raises_anything_but_a_value_error(type_: Any, text: str) -> None:
    try:
        parse_text(type_, text)
    except ValueError as error:
        assert str(error)


def test_a_deep_or_wide_tree_is_refused_quickly() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = {"cookie": deep}
    assert parse_options(Sample, deep)[0] is None
    wide = {f"statu{n}": "x" for n in range(5_000)}
    assert len(parse_options(Sample, with_the_needed(wide))[1]) == 5_000
    huge: Any = {"status": 10**5_000, "source-range": "1.1.1.1"}
    assert (
        parse_options(Sample, huge)[1][0].what == "Expected one value, not a number that large. Example: 403"
    )
