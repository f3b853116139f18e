from __future__ import annotations

import subprocess
import sys
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.exchange import RequestHead
from proxy.rule import RuleError, parse_rule
from tests.proxy.heads import head

EATEN = "A shell eats back-ticks between double quotes: put the whole label in single quotes."


@pytest.mark.parametrize(
    ("rule", "request_head", "matches"),
    [
        ("Host(`a.test`) || Host(`b.test`) && Path(`/x`)", head("/y", "a.test"), True),  # && binds tighter
        ("(Host(`a.test`) || Host(`b.test`)) && Path(`/x`)", head("/y", "a.test"), False),
        ("!!Host(`a.test`)", head("/", "a.test"), True),
        ("!(Host(`a.test`) || Path(`/x`))", head("/y", "b.test"), True),
        ("Host(`a.test`)\n  && Path(`/x`)\n", head("/x", "a.test"), True),  # as people write it in YAML
        ('Host("a.test")', head("/", "a.test"), True),
        (r'PathRegexp("\\.css$")', head("/a.css"), True),
        ("HOST(`a.test`) && pathprefix(`/x`)", head("/xyz", "a.test"), True),
        ("Host(`*.a.test`)", head("/", "x.a.test"), True),
        ("Host(`*.a.test`)", head("/", "x.y.a.test"), False),
        ("Host(`*.a.test`)", head("/", ".a.test"), False),
        ("Host(`*.a.test`)", head("/", "xa.test"), False),
        ("Host(`*`)", head("/", ""), True),
        ("Host(`[0:0::1]`)", head("/", "::1"), True),
        ("Path(`/caf\u00e9`)", head("/caf%C3%A9"), True),
        ("Path(`/caf%C3%A9`)", head("/caf%C3%A9"), True),
        ("PathRegexp(`^/caf.$`)", head("/caf%C3%A9"), True),
        ("Path(`/a b`)", head("/a%20b"), True),
        ("Path(`/a%20b`)", head("/a%20b"), True),
        ("Path(`/a/b`)", head("/a%2Fb"), False),
        ("Path(`/a%2fb`)", head("/a%2Fb"), True),
        ("PathPrefix(`/@a`)", head("/%40a"), True),
        ("Path(`/a%41`)", head("/a%2541"), False),  # decoded once, never twice
        ("PathPrefix(`/a`)", head("/b?x=/a"), False),
        ("Query(`a`, `1 2`)", head("/?b=2&a=1+2"), True),
        ("Query(`a`, `\u00e9`)", head("/?a=%C3%A9"), True),
        ("Query(`a`)", head("/?a"), True),
        ("Query(`a`)", head("/?a=1"), False),
        ("Query(`a`, `1`)", head("/?b;a=1&c"), False),
        ("Query(`a`, `1`)", head("/?a=2&a=1"), True),
        ("QueryRegexp(`a`, `^[0-9]+$`)", head("/?a=12"), True),
        ("Header(`X-Kind`, `b`)", head("/", "x", ("x-kind", "a"), ("X-KIND", "b")), True),
        ("Header(`X-Kind`, `a, b`)", head("/", "x", ("x-kind", "a"), ("X-KIND", "b")), False),
        ("HeaderRegexp(`X-Kind`, `^b`)", head("/", "x", ("x-kind", "\xe9")), False),
        ("Method(`post`)", head(method="POST"), True),
        ("ClientIP(`fd00::/8`)", head(client="fd00::1"), True),
        ("ClientIP(`10.1.2.3/8`)", head(client="10.0.0.1"), True),
        ("ClientIP(`10.0.0.0/8`)", head(client="fd00::1"), False),
    ],
)
def test_a_rule_takes_a_request(rule: str, request_head: RequestHead, matches: bool) -> None:
    assert parse_rule(rule).matches(request_head) is matches


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("", "The rule is empty. Example: Host(`example.com`)."),
        ("Host(`a`, `b`)", "Host takes one text. Write Host(`a`) || Host(`b`)."),
        ("Host()", f"Host takes one text: Host(`example.com`). {EATEN}"),
        ("Host(``)", "Host takes no empty text: Host(`example.com`)."),
        ("Hots(`a`)", 'There is no matcher "Hots". Did you mean Host(`example.com`)?'),
        ("Headers(`a`, `b`)", 'There is no matcher "Headers". Did you mean Header(`X-Kind`, `test`)?'),
        ("Host(`a.test:80`)", "Host takes no port. Write Host(`a.test`)."),
        (
            "Host(`https://a.test/x`)",
            "Host takes a name, not a URL. Write Host(`a.test`) && PathPrefix(`/x`).",
        ),
        ("Host(`{x:[a-z]+}.a.test`)", r"Host takes no pattern. Write HostRegexp(`^[a-z]+\.example\.com$`)."),
        (
            "Host(`b\u00fccher.test`)",
            "Host takes ASCII only. Write it in punycode: Host(`xn--bcher-kva.test`).",
        ),
        ("Host(`a b`)", "Host takes one host name. Write Host(`a`) || Host(`b`)."),
        ("Host(` a.test `)", "Host takes one host name. Write Host(`a.test`)."),
        ("Host(`a.test,b.test`)", "Host takes one host name. Write Host(`a.test`) || Host(`b.test`)."),
        (
            "Host(`*`) && Host(`a*`)",
            "Host takes one host name. Write Host(`example.com`) or Host(`*.example.com`).",
        ),
        (
            "HostRegexp(`{sub:[a-z]{1,9}}.a.test`)",
            "Leave out the braces and the name: HostRegexp(`^[a-z]{1,9}.a.test`).",
        ),
        ("Path(`/{id:[0-9]+}`)", "Leave out the braces and the name: PathRegexp(`^/[0-9]+`)."),
        (
            '"Host(`a.test`)"',
            'The " at both ends is part of the value. Leave it out: Host(`example.com`). '
            "In a compose file it stands around the whole line or nowhere.",
        ),
        ("Host(a.test)", f"Text stands in back-ticks: Host(`a.test`). {EATEN}"),
        ("Host('a.test')", "Text stands in back-ticks, not in single quotes: Host(`example.com`)."),
        ("Host(`a.test)", "This back-tick has no partner. Text stands between two: Host(`example.com`)."),
        ("Host(`a`) & Path(`/`)", "Write && for and."),
        ("Host(`a`) and Path(`/`)", "Write && for and, || for or."),
        ("Host(`a`) Path(`/`)", "Write && (and) or || (or) between two matchers."),
        ("Host(`a`) &&", "A matcher is missing here, such as Host(`example.com`)."),
        ("(Host(`a`)", "This parenthesis is not closed."),
        ("Host(`a`))", "This parenthesis closes nothing."),
        ("Host", "Host needs its text in parentheses: Host(`example.com`)."),
        ("Path(`x`)", "A path begins with a slash. Write Path(`/x`)."),
        ("Query(`a=b`)", "Query takes name and value apart. Write Query(`a`, `b`)."),
        ("Header(`Host`, `a`)", "The Host field is matched by Host(`example.com`)."),
        ("PathRegexp(`(a`)", "This is not a regular expression: missing ): (a."),
        ("PathRegexp(`a(?=b)`)", "This is not a regular expression: invalid perl operator: (?=."),
        (
            r'HostRegexp("a\.b")',
            r"Between double quotes \. means nothing. Use back-ticks: they keep a backslash.",
        ),
        ("ClientIP(`10.0.0`)", "Expected a network such as 192.168.1.0/24, not '10.0.0'."),
    ],
)
def test_a_mistake_is_answered_with_what_to_write(rule: str, message: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rule(rule)
    assert str(caught.value) == message


def test_a_mistake_is_pointed_at() -> None:
    rule = "Host(`a.test`) &&\n  Pth(`/x`)"
    with pytest.raises(RuleError) as caught:
        parse_rule(rule)
    assert caught.value.pointed(rule) == "  Pth(`/x`)\n  ^"


@pytest.mark.parametrize(
    ("rule", "hosts", "index"),
    [
        ("Host(`A.test.`)", ("a.test",), {"a.test"}),
        ("Host(`a.test`) || Host(`*.b.test`)", ("a.test", "*.b.test"), {"a.test", "*.b.test"}),
        ("Host(`a.test`) || Path(`/x`)", ("a.test",), None),
        ("Host(`a.test`) && Path(`/x`)", ("a.test",), {"a.test"}),
        ("Path(`/x`) && (Host(`a.test`) || Host(`b.test`))", ("a.test", "b.test"), {"a.test", "b.test"}),
        ("Host(`a.test`) && !Host(`b.test`)", ("a.test",), {"a.test"}),
        ("!Host(`a.test`)", (), None),
        ("!!Host(`a.test`)", ("a.test",), {"a.test"}),
        ("!(!Host(`a.test`))", ("a.test",), None),  # never wrong, only not as narrow as could be
        ("Host(`*`)", (), None),
        ("HostRegexp(`a`)", (), None),
    ],
)
def test_a_rule_knows_its_hosts(rule: str, hosts: tuple[str, ...], index: set[str] | None) -> None:
    parsed = parse_rule(rule)
    assert parsed.hosts == hosts
    assert parsed.index == index


@pytest.mark.parametrize(
    ("rule", "guards"),
    [
        ("Host(`a`)", False),
        ("Host(`a`) && PathPrefix(`/`)", False),
        ("Host(`a`) && PathPrefix(`/a`)", True),
        ("Host(`a`) && !Path(`/a`)", True),
        ("PathRegexp(`x`)", True),
    ],
)
def test_a_rule_knows_whether_the_path_decides(rule: str, guards: bool) -> None:
    assert parse_rule(rule).guards_path is guards


def test_priority_is_the_length_in_bytes() -> None:
    assert parse_rule("Host(`example.org`)").priority == 19
    assert parse_rule("Path(`/\u00e9`)").priority == 11


def test_re2_is_loaded_only_for_rules_with_an_expression() -> None:
    code = "import proxy.rule, sys; proxy.rule.parse_rule('Host(`a`)'); print('re2' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"


HOSTILE = [
    "!" * 65_536,
    "!" * 65_000 + "Host(`a`)",
    "(" * 65_536,
    "(" * 60 + "Host(`a`)" + ")" * 60,
    "(" * 30_000 + "Host(`a`)" + ")" * 30_000,
    "!(" * 30_000,
    "Host(`a`)||" * 5_900 + "Host(`a`)",
    "Host(`" + "a" * 65_000 + "!`)",
    "Host(`" + "a-" * 32_000 + "`)",
    '"' + "\\x41" * 16_000,
    "Host(" + "`a`," * 16_000,
    "PathRegexp(`" + "(" * 60_000 + "`)",
    "PathRegexp(`((((a{100}){100}){100}){100}){100}`)",
    " " * 65_000 + "'",
    "x" * 65_536,
    "`" * 65_536,
    "x" * 10_000_000,
]


@pytest.mark.parametrize("rule", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_rules_are_read_or_refused_at_once(rule: str) -> None:
    before = time.process_time()
    try:
        parse_rule(rule)
    except RuleError as error:
        assert len(str(error)) < 1_000
        assert len(error.pointed(rule)) < 300
    assert time.process_time() - before < 1.5


def test_a_hostile_expression_costs_linear_time() -> None:
    rule = parse_rule("PathRegexp(`^/(a+)+$`)")
    assert not rule.matches(head("/" + "a" * 100_000 + "!"))


@pytest.mark.parametrize("pattern", ["(x*)*" * 3_000, "(?:.?){999}z", "(.*a){200}"])
def test_an_expression_that_costs_much_for_every_character_is_refused(pattern: str) -> None:
    with pytest.raises(RuleError, match="too large"):
        parse_rule(f"PathRegexp(`{pattern}`)")


def test_an_expression_with_three_hundred_names_is_not_too_large() -> None:
    names = "|".join(f"host{number}" for number in range(300))
    assert parse_rule(f"HostRegexp(`^({names})\\.example\\.com$`)").matches(head("/", "host299.example.com"))


pieces = st.sampled_from(
    [*"()!,`\"'\\&| \n", "&&", "||", "Host", "Path", "Query", "HostRegexp", "`a`", "`/a`", '"a"', "{"]
)


@given(st.text() | st.lists(pieces, max_size=40).map("".join))
@example("Host(`\ud800`)")
@example("PathRegexp(`\ud800`)")
@example('Path("/\\ud800")')
def test_no_text_raises_anything_but_a_rule_error(text: str) -> None:
    try:
        rule = parse_rule(text)
    except RuleError as error:
        assert 0 <= error.position <= len(text)
        assert "\n" in error.pointed(text)
    else:
        assert rule.matches(head("/a", "a")) in (True, False)
