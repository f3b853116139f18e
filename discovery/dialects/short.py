"""Short labels: `tidegate.host=blog.example.com` and its siblings, for the usual case.

They are a shorthand for the long tree and nothing more.  The expansion is a
value that can be printed:

    tidegate.host=blog.example.com   ->   tidegate.http.routers.blog.rule=Host(`blog.example.com`)
    tidegate.port=8080               ->   tidegate.http.services.blog.loadbalancer.server.port=8080
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from proxy.schema import Port, Unfit, option, options

_HOST = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?")
_HOST_IN_RULE = re.compile(r"host\(\s*[`\"']?([a-z0-9._*-]+)[`\"']?\s*\)")
_WITH_PORT = re.compile(r"[a-z0-9._*-]+:[0-9]*")
_LONGEST_HOST = 253  # RFC 1035 2.3.4


class HostName(str):
    """A host name as visitors type it, `*.` in front for every name one level below."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> HostName:
        name = text.strip().lower()
        if ruled := _HOST_IN_RULE.findall(name):
            raise ValueError(f"Write only the host name: {', '.join(ruled)}")
        if "://" in name or "/" in name or _WITH_PORT.fullmatch(name):
            raise ValueError(f"Write only the host name: {_bare(name) or 'blog.example.com'}")
        if " " in name:
            raise ValueError(f"Write commas between host names: {', '.join(re.split('[ ;]+', name)[:9])}")
        if not name.isascii():
            raise ValueError(f"Write the name in its ASCII form: {_ascii(name)}")
        if len(name) > _LONGEST_HOST or not _HOST.fullmatch(name):
            raise Unfit("a host name such as blog.example.com", text)
        return cls(name.rstrip("."))


class PathStart(str):
    """The beginning of a path."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> PathStart:
        if not re.fullmatch(r"/[^\s`?#]*", text):
            raise Unfit("a path such as /blog", text)
        return cls(text)


@options
class ShortLabels:
    """The labels of a container that do not name a router or a service."""

    enable: bool | None = option(
        doc="Whether the container is served; naming a host is enough to say yes.",
        example="false",
        default=None,
    )
    host: tuple[HostName, ...] = option(
        doc="Host names under which visitors reach the container.",
        example="blog.example.com, www.example.com",
        default=(),
    )
    path: tuple[PathStart, ...] = option(
        doc="Only this path and those below it are this container's; the app sees it, it is not stripped.",
        example="/blog",
        default=(),
    )
    port: Port | None = option(
        doc="The port that the app listens on, where the image exposes none or several.",
        example="8080",
        default=None,
    )
    scheme: Literal["http", "https"] | None = option(
        doc="How the app is spoken to.", example="https", default=None
    )
    network: str | None = option(
        doc="The network to reach the container on, where it shares several with Tidegate.",
        example="proxy",
        default=None,
    )


@dataclass(frozen=True, slots=True)
class LongLabel:
    """A label of the long tree, and the short one that it comes from."""

    name: str
    value: str
    written: str


def expand(short: ShortLabels, router: str, service: str, *, ranked: bool = True) -> tuple[LongLabel, ...]:
    """The long labels that the short ones stand for; `ranked` is off where a long one ranks the router."""
    server = f"tidegate.http.services.{service}.loadbalancer.server"
    long = []
    if short.host:
        element = f"tidegate.http.routers.{router}"
        long.append(LongLabel(f"{element}.rule", rule_for(short), "tidegate.host"))
        if ranked and len(short.host) > 1 and not short.path:
            long.append(LongLabel(f"{element}.priority", str(_rank(short.host)), "tidegate.host"))
    if short.port is not None:
        long.append(LongLabel(f"{server}.port", str(short.port), "tidegate.port"))
    if short.scheme is not None:
        long.append(LongLabel(f"{server}.scheme", short.scheme, "tidegate.scheme"))
    return tuple(long)


def rule_for(short: ShortLabels) -> str:
    hosts = _any_of("Host", short.host)
    paths = " || ".join(map(_below, short.path))
    if not paths:
        return hosts
    return " && ".join(f"({part})" if " || " in part else part for part in (hosts, paths))


def element_name(app: str) -> str:
    """The app's name as a step of a label: a dot would begin the next step."""
    return re.sub(r"[.\[\]@\s]+", "-", app)


def _below(path: str) -> str:
    """The path and what is below it: `/api` and `/api/users`, but not `/apix`."""
    return f"PathPrefix(`{path}`)" if path.endswith("/") else f"Path(`{path}`) || PathPrefix(`{path}/`)"


def _rank(hosts: Iterable[str]) -> int:
    """That of the shortest host alone: a rule is not the more special one for naming many hosts.

    By its length it would come before another container's rule for a path of one of them.
    """
    return min(len(_any_of("Host", (host,))) for host in hosts)


def _any_of(matcher: str, values: Iterable[str]) -> str:
    return " || ".join(f"{matcher}(`{value}`)" for value in values)


def _bare(name: str) -> str:
    return name.rpartition("://")[2].partition("/")[0].partition(":")[0]


def _ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return "xn--..."
