"""Matchers: the words that a rule is made of, each turned into a predicate over a request's head.

They mean what they mean in Traefik v3.  Heads are text over bytes (latin-1), so
what a rule says is brought into the same form once, when the rule is compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

from proxy.authority import normal_host
from proxy.exchange import RequestHead
from proxy.frozen import frozen
from proxy.regex import NotARegex, compiled
from proxy.values import parse_network, short

Predicate: TypeAlias = Callable[[RequestHead], bool]

STRUCTURE = b"/?#%"
"""These stay encoded in what a rule sees: decoded they would make another path of it.  The other reserved
characters are decoded, as apps do, so that no `%40` slips past a rule about `@`."""
LONGEST_HOST = 255
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_NAMED = re.compile(r"\{[A-Za-z_]\w*:([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}", re.ASCII)
_HOST = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


class BadArgument(ValueError):
    """What a matcher was given is not what it takes; `index` says which argument."""

    def __init__(self, message: str, index: int = 0) -> None:
        super().__init__(message)
        self.index = index


@frozen
class MatcherKind:
    name: str
    example: str
    most: int
    least: int
    build: Callable[..., Callable[[Any], bool]]


def routing_path(path: str) -> str:
    """The path as rules see it: escapes decoded, but for those that structure a URL."""
    return _ESCAPE.sub(_decode, path) if "%" in path else path


def _decode(escape: re.Match[str]) -> str:
    byte = int(escape[1], 16)
    return escape[0].upper() if byte in STRUCTURE else chr(byte)


def as_bytes(text: str) -> str:
    """Text of a rule in the form that heads have: one character a byte."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def compile_regex(pattern: str, index: int = 0) -> Callable[[str], bool]:
    """A search for the pattern, in time linear in the text whatever the pattern is."""
    try:
        search: Any = compiled(pattern).search
    except NotARegex as error:
        raise BadArgument(str(error), index) from None
    return lambda text: search(text.encode("latin-1")) is not None


def check_host(text: str) -> str:
    """The host name of a rule; whoever writes more than a name is told how to say it."""
    if "{" in text:
        raise BadArgument("Host takes no pattern. Write HostRegexp(`^[a-z]+\\.example\\.com$`).")
    if "/" in text:
        raise BadArgument(f"Host takes a name, not a URL. Write {_apart(text)}.")
    if not text.isascii():
        raise BadArgument(f"Host takes ASCII only. Write it in punycode{_punycode(text)}.")
    try:
        host = normal_host(text)
    except ValueError:
        raise BadArgument(f"Host takes no port. Write Host(`{short(text.partition(':')[0])}`).") from None
    if host == "*" or ":" in host or (len(host) <= LONGEST_HOST and _HOST.fullmatch(host)):
        return host
    names = [name for name in re.split(r"[\s,;]+", host[:LONGEST_HOST]) if _HOST.fullmatch(name)]
    written = " || ".join(f"Host(`{name}`)" for name in names[:3]) + " ..." * (len(names) > 3)
    instead = written or "Host(`example.com`) or Host(`*.example.com`)"
    raise BadArgument(f"Host takes one host name. Write {instead}.")


def _apart(url: str) -> str:
    """Host and path of a URL as a rule says them."""
    host, _, path = url.rpartition("://")[2].partition("/")
    name = host.partition(":")[0].lower()
    if len(url) > LONGEST_HOST or not _HOST.fullmatch(name) or not path.isprintable() or "`" in path:
        return "Host(`example.com`) && PathPrefix(`/path`)"
    return f"Host(`{name}`)" + (f" && PathPrefix(`/{path}`)" if path else "")


def _punycode(host: str) -> str:
    try:
        return f": Host(`{host[:LONGEST_HOST].encode('idna').decode()}`)"
    except UnicodeError:
        return ""


def _host(text: str) -> Predicate:
    host = check_host(text)
    if host == "*":
        return lambda head: True
    if host.startswith("*."):
        parent = host[1:]  # one label only: a.example.com, not a.b.example.com
        return lambda head: (
            head.host.endswith(parent) and 0 < head.host.find(".") == len(head.host) - len(parent)
        )
    return lambda head: head.host == host


def _refuse_braces(kind: str, text: str) -> None:
    """`{name:expression}` is how version 2 of Traefik wrote it; here it would stand for its own braces."""
    if _NAMED.search(text):
        expression = _NAMED.sub(r"\1", text)
        raise BadArgument(f"Leave out the braces and the name: {kind}(`^{short(expression.lstrip('^'))}`).")


def _host_regexp(pattern: str) -> Predicate:
    _refuse_braces("HostRegexp", pattern)
    if not pattern.isascii():
        raise BadArgument("HostRegexp takes ASCII only. Write names in punycode.")
    search = compile_regex(pattern)
    return lambda head: search(head.host)


def _check_path(kind: str, text: str) -> str:
    _refuse_braces("PathRegexp", text)
    if not text.startswith("/"):
        raise BadArgument(f"A path begins with a slash. Write {kind}(`/{short(text)}`).")
    return routing_path(as_bytes(text))


def _path(text: str) -> Predicate:
    path = _check_path("Path", text)
    return lambda head: routing_path(head.path) == path


def _path_prefix(text: str) -> Predicate:
    prefix = _check_path("PathPrefix", text)
    return lambda head: routing_path(head.path).startswith(prefix)


def _path_regexp(pattern: str) -> Predicate:
    _refuse_braces("PathRegexp", pattern)
    search = compile_regex(pattern)
    return lambda head: search(routing_path(head.path))


def _field_values(head: RequestHead, name: str) -> list[str]:
    return [value for key, value in head.fields if key.lower() == name]


def _check_field(name: str) -> str:
    if name.lower() == "host":
        raise BadArgument("The Host field is matched by Host(`example.com`).")
    return name.lower()


def _header(name: str, text: str) -> Predicate:
    field, wanted = _check_field(name), as_bytes(text)
    return lambda head: wanted in _field_values(head, field)


def _header_regexp(name: str, pattern: str) -> Predicate:
    field, search = _check_field(name), compile_regex(pattern, 1)
    return lambda head: any(search(value) for value in _field_values(head, field))


def _method(text: str) -> Predicate:
    method = text.upper()
    return lambda head: head.method == method


def query_values(query: str, name: str) -> list[str]:
    """The values of a parameter; a pair with a semicolon is nobody's (servers disagree about its meaning)."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair and ";" not in pair)
    return [_form_decode(value) for key, _, value in pairs if _form_decode(key) == name]


def _form_decode(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode("latin-1")


def _query(name: str, text: str = "") -> Predicate:
    if "=" in name:
        key, _, value = name.partition("=")
        raise BadArgument(f"Query takes name and value apart. Write Query(`{short(key)}`, `{short(value)}`).")
    key, wanted = as_bytes(name), as_bytes(text)
    return lambda head: wanted in query_values(head.query, key)


def _query_regexp(name: str, pattern: str) -> Predicate:
    key, search = as_bytes(name), compile_regex(pattern, 1)
    return lambda head: any(search(value) for value in query_values(head.query, key))


def _client_ip(text: str) -> Predicate:
    try:
        network = parse_network(text)
    except ValueError as error:
        raise BadArgument(str(error)) from None
    return lambda head: head.client_ip in network


MATCHERS: Mapping[str, MatcherKind] = {
    kind.name.lower(): kind
    for kind in (
        MatcherKind("Host", "Host(`example.com`)", 1, 1, _host),
        MatcherKind("HostRegexp", r"HostRegexp(`^[a-z]+\.example\.com$`)", 1, 1, _host_regexp),
        MatcherKind("Path", "Path(`/login`)", 1, 1, _path),
        MatcherKind("PathPrefix", "PathPrefix(`/api`)", 1, 1, _path_prefix),
        MatcherKind("PathRegexp", r"PathRegexp(`\.(css|js)$`)", 1, 1, _path_regexp),
        MatcherKind("Header", "Header(`X-Kind`, `test`)", 2, 2, _header),
        MatcherKind("HeaderRegexp", "HeaderRegexp(`X-Kind`, `^te`)", 2, 2, _header_regexp),
        MatcherKind("Method", "Method(`POST`)", 1, 1, _method),
        MatcherKind("Query", "Query(`name`, `value`)", 2, 1, _query),
        MatcherKind("QueryRegexp", "QueryRegexp(`name`, `^val`)", 2, 2, _query_regexp),
        MatcherKind("ClientIP", "ClientIP(`192.168.1.0/24`)", 1, 1, _client_ip),
    )
}
PATH_MATCHERS = ("Path", "PathPrefix", "PathRegexp")
FORMER_NAMES: Mapping[str, str] = {"headers": "Header", "headersregexp": "HeaderRegexp", "hostheader": "Host"}
"""Traefik v2's names, which people still paste."""
