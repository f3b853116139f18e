"""Headers: what crosses a proxy and what does not.

A request's head is rebuilt here once, from what was scanned: whoever asked and
by which name is written anew, what only concerns one hop is left out (RFC 9110
7.6.1), and nobody but a trusted proxy may speak for somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, Protocol

from proxy.authority import parse_authority, url_host
from proxy.exchange import Fields, IPAddress, RequestHead, get, without
from proxy.model import Server, Service
from proxy.target import BadTarget, split_target
from proxy.visitor import DEFAULT_PORT, TrustedProxies, Visitor, forwarded, plain_address, visitor_of

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
     "transfer-encoding", "upgrade", "http2-settings")
)  # fmt: skip
OURS = frozenset(("host", "content-length"))
"""Not for `Connection` to take away: they decide where the message goes and where it ends."""
SPEAKS_FOR_OTHERS = frozenset(
    ("x-real-ip", "forwarded", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip",
     "x-original-url", "x-original-uri", "x-rewrite-url", "x-original-host", "x-host",
     "remote-user", "remote-groups", "remote-name", "remote-email", "x-remote-user", "x-webauth-user")
)  # fmt: skip
"""With X-Forwarded-*: what apps believe about visitor or path on the word of a proxy in front."""
NEVER = "proxy"  # CGI makes HTTP_PROXY of it, and apps then send their own requests through it
LONGEST_SPECIAL = 64  # characters; also keeps the memo small
Kind = Literal["end-to-end", "hearsay", "host", "connection", "te", "dropped"]
_ALONE: dict[str, Kind] = {
    "host": "host",
    "connection": "connection",
    "te": "te",
    "content-length": "end-to-end",
}
_ODD = re.compile("[^a-z0-9-]")


__all__ = [
    "BadRequest",
    "TrustedProxies",
    "authority_of",
    "from_server",
    "plain_address",
    "received",
    "to_server",
]


class BadRequest(Exception):
    """The request cannot be understood in one way only: 400."""


class Scanned(Protocol):
    """What is needed of a scanned head (`proxy.head.ScannedRequest`)."""

    @property
    def method(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def fields(self) -> Fields: ...
    @property
    def http10(self) -> bool: ...


def received(
    scanned: Scanned, *, peer: IPAddress, tls: bool, local_port: int, trusted: TrustedProxies
) -> RequestHead:
    """The head as routing, middlewares and the server see it; BadRequest where it has no one meaning."""
    peer = plain_address(peer)
    lines = _sorted(scanned.fields)
    said = tuple(lines["hearsay"]) if peer in trusted else ()
    authority, host, target = _asked_for(scanned.target, _joined(lines["host"]))
    visitor = visitor_of(said, peer, tls, authority, local_port, trusted)
    chain = get(said, "X-Forwarded-For")
    about = introduction(visitor, peer, chain)
    return RequestHead(
        method=scanned.method,
        target=target,
        fields=(*_full((("Host", authority),)), *_end_to_end(lines), *_others(said), *about),
        host=host,
        client_ip=visitor.address,
        scheme=visitor.scheme,
        port=visitor.port,
        http10=scanned.http10,
    )


def introduction(visitor: Visitor, peer: IPAddress, chain: str = "") -> Fields:
    """Who asks, for apps; `chain` is whom a trusted peer speaks for."""
    return _full(
        (
            ("X-Forwarded-For", f"{chain}, {peer}" if chain else str(peer)),
            ("X-Forwarded-Proto", visitor.scheme),
            ("X-Forwarded-Host", visitor.authority),
            ("X-Forwarded-Port", str(visitor.port)),
            ("X-Real-Ip", str(visitor.address)),
            ("Forwarded", forwarded(visitor)),
        )
    )


def host_and_authority(host_field: str) -> tuple[str, str]:
    """What the server gets as Host, and the host that routing sees."""
    try:
        host, port = parse_authority(host_field)
    except ValueError:
        raise BadRequest("The Host field does not name a host.") from None
    return url_host(host) + (f":{port}" if port else ""), host


def _asked_for(raw_target: str, host_field: str) -> tuple[str, str, str]:
    """Host field, host and target; an absolute target wins over the Host field (RFC 9112 3.2.2)."""
    try:
        named, target = split_target(raw_target)
        if not host_field and named is None:
            return "", "", target  # HTTP/1.0, or a client that has no name for us (RFC 9112 3.2)
    except BadTarget as error:
        raise BadRequest(str(error)) from None
    return *host_and_authority(host_field if named is None else named), target


def _sorted(fields: Fields) -> dict[Kind, list[tuple[str, str]]]:
    lines: dict[Kind, list[tuple[str, str]]] = {
        "end-to-end": [], "hearsay": [], "host": [], "connection": [], "te": [], "dropped": [],
    }  # fmt: skip
    for line in fields:
        lines[kind_of(line[0])].append(line)
    return lines


def _joined(lines: Iterable[tuple[str, str]]) -> str:
    return ", ".join(value for _, value in lines)


def _end_to_end(lines: Mapping[Kind, Sequence[tuple[str, str]]]) -> Iterator[tuple[str, str]]:
    """The client's lines that mean something behind us, too."""
    listed = _joined(lines["connection"]).lower()
    named = {name.strip() for name in listed.split(",")} - OURS
    for line in lines["end-to-end"]:
        if line[0].lower() not in named:
            yield line
    if any("trailers" in value.lower() for _, value in lines["te"]):
        yield "TE", "trailers"  # RFC 9110 10.1.4: the app may send trailers, and we pass them on


def kind_of(name: str) -> Kind:
    """What a request's field is to a proxy.

    CGI, WSGI and PHP cannot tell `X_Forwarded_For` from `X-Forwarded-For`, so an
    odd spelling of a name that matters is dropped, whoever sends it.
    """
    return _kind_of(name) if len(name) <= LONGEST_SPECIAL else "end-to-end"


@lru_cache(maxsize=1024)  # names come in few spellings
def _kind_of(name: str) -> Kind:
    name = name.lower()
    meant = _ODD.sub("-", name)
    if name in _ALONE:
        return _ALONE[name]
    if meant.startswith("x-forwarded") or meant in SPEAKS_FOR_OTHERS:
        return "hearsay" if name == meant else "dropped"
    return "dropped" if meant in HOP_BY_HOP or meant in OURS or meant == NEVER else "end-to-end"


def _named_by_connection(fields: Fields) -> frozenset[str]:
    if not (listed := get(fields, "Connection")):
        return frozenset()
    return frozenset(name.strip().lower() for name in listed.split(","))


def _full(fields: Fields) -> Fields:
    return tuple(line for line in fields if line[1])


def _others(said: Fields) -> Fields:
    """Without the lines that are written anew."""
    return without(
        said,
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Real-Ip",
        "Forwarded",
    )


def to_server(head: RequestHead, service: Service, server: Server, upgrade: str | None = None) -> Fields:
    """The fields for the server, without those that frame the body."""
    host = head.get("Host") if service.pass_host_header else ""
    lines = [("Host", host or authority_of(server))]
    hop = []
    for line in head.fields:
        name = line[0].lower()
        if name == "te" and line[1] == "trailers":
            hop.append("TE")
        elif name in HOP_BY_HOP or name in OURS:
            continue
        lines.append(line)
    if upgrade:
        hop.append("Upgrade")
        lines.append(("Upgrade", upgrade))
    if hop:
        lines.append(("Connection", ", ".join(hop)))
    return tuple(lines)


def target_at(server: Server, target: str) -> str:
    """The target as the server gets it: below its path, where it has one."""
    return server.path + target if target.startswith("/") else target


def authority_of(server: Server) -> str:
    """Host and port as they stand in a URL, without the port that goes without saying."""
    if server.is_socket:
        return server.host
    port = "" if server.port == DEFAULT_PORT.get(server.scheme) else f":{server.port}"
    return url_host(server.address) + port


def from_server(fields: Fields, upgrade: str = "") -> Fields:
    """What of the server's fields the client gets; `upgrade` is the protocol of a 101."""
    named = _named_by_connection(fields) - OURS
    dropped = HOP_BY_HOP | named
    kept = tuple(line for line in fields if line[0].lower() not in dropped)
    return (*kept, ("Connection", "Upgrade"), ("Upgrade", upgrade)) if upgrade else kept
