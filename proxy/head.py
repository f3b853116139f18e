"""Head: the head of an HTTP/1.x message, read strictly.  Bytes in, values out.

Where RFC 9112 leaves a recipient the choice between refusing and repairing,
this one refuses: a message that two readers understand differently is how
requests are smuggled past a proxy.  Each decision names its section.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from proxy.authority import AUTHORITY
from proxy.exchange import Fields
from proxy.fields import (
    BadHead,
    check_beginning,
    check_octets,
    is_token,
    members,
    scan_field,
)
from proxy.framing import CHUNKED, CR, NO_BODY, UNTIL_CLOSE, Framing

__all__ = (
    "LIMITS",
    "BadHead",
    "HeadLimits",
    "ScannedRequest",
    "ScannedResponse",
    "scan_request",
    "scan_response",
)


@dataclass(frozen=True, slots=True)
class HeadLimits:
    """Octets of a request line and of a whole head, and field lines in it.

    nginx allows 8 KiB a line and 32 KiB in all, Go 1 MiB, Node 16 KiB; apps
    with several 4 KiB cookies need more than Node's.
    """

    request_line: int = 8 * 1024
    head: int = 64 * 1024
    fields: int = 200


LIMITS: Final = HeadLimits()
LONGEST_LENGTH: Final = 18  # decimal digits of a Content-Length: fits 64 bits with every reader

METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"))
VERSION: Final = re.compile(r"HTTP/[0-9]\.[0-9]")  # case counts (RFC 9112 2.3)
STATUS_LINE: Final = re.compile(r"HTTP/1\.(?P<minor>[01]) (?P<status>[1-5][0-9][0-9])(?: (?P<reason>.*))?")
PROTOCOL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(?:/[A-Za-z0-9!#$%&'*+.^_`|~-]+)?")

MEANT_FOR_US: Final = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "upgrade", "expect")
)
LOOK_ALIKES: Final = frozenset(("content_length", "transfer_encoding"))  # CGI and WSGI make one name of both
OTHER_HTTP: Final = frozenset(("h2c", "h2", "http", "tls"))


@dataclass(init=False)
class ScannedRequest:
    """A request's head as the client wrote it.

    `connection` are the options of Connection in lower case; some name fields.
    `upgrade` is the protocol asked for where that may be granted, else "".
    `size` is the number of octets that the head took.
    """

    method: str
    target: str
    http10: bool
    fields: Fields
    framing: Framing
    connection: tuple[str, ...]
    keep_alive: bool
    upgrade: str
    expects_continue: bool
    size: int

    def __init__(
        self,
        method: str,
        target: str,
        http10: bool,
        fields: Fields,
        framing: Framing,
        connection: tuple[str, ...],
        keep_alive: bool,
        upgrade: str,
        expects_continue: bool,
        size: int,
    ) -> None:
        self.method = method
        self.target = target
        self.http10 = http10
        self.fields = fields
        self.framing = framing
        self.connection = connection
        self.keep_alive = keep_alive
        self.upgrade = upgrade
        self.expects_continue = expects_continue
        self.size = size


@dataclass
class ScannedResponse:
    status: int
    reason: str
    http10: bool
    fields: Fields
    framing: Framing
    connection: tuple[str, ...]
    keep_alive: bool
    upgrade: str
    size: int


def scan_request(
    data: bytes | bytearray, limits: HeadLimits = LIMITS, seen: int = 0
) -> ScannedRequest | None:
    """The request that `data` begins with, None while its head is not whole, BadHead where it is malformed.

    `seen` octets were in an earlier call that said None; they are not read
    again, so that a client who sends single octets costs what they cost.
    """
    start = 2 if data.startswith(b"\r\n") else 0  # one empty line is ignored (RFC 9112 2.2)
    end = data.find(b"\r\n\r\n", max(start, seen - 3), start + limits.head)
    if end < 0:
        _check_unfinished(data, start, seen, limits)
        return None
    lines = _lines(data[start:end], limits.fields)
    method, target, http10 = _request_line(lines[0], limits.request_line)
    fields, ours = _scan_fields(lines)
    _check_host(ours.get("host"), http10)
    framing = _framing(ours, http10) or NO_BODY  # RFC 9112 6.3, case 7
    connection = _listed(ours, "connection")
    return ScannedRequest(
        method,
        target,
        http10,
        fields,
        framing,
        connection,
        _persists(connection, http10),
        "" if http10 or framing.length != 0 else _upgrade(ours, connection),
        # RFC 9110 10.1.1: ignored from an HTTP/1.0 client, and not meant for a request without content.
        not http10 and framing.length != 0 and "100-continue" in _listed(ours, "expect"),
        end + 4,
    )


def scan_response(
    data: bytes | bytearray, method: str, upgrade: str = "", limits: HeadLimits = LIMITS, seen: int = 0
) -> ScannedResponse | None:
    """The response to `method` that `data` begins with, None while its head is not whole.

    `upgrade` is the protocol that the request asked for; a server that switches
    without having been asked, or to another one, is broken (RFC 9110 7.8).
    """
    try:
        return _scan_response(data, method, upgrade, limits, seen)
    except BadHead as bad:
        raise BadHead(502, bad.reason) from None


def _scan_response(
    data: bytes | bytearray, method: str, upgrade: str, limits: HeadLimits, seen: int
) -> ScannedResponse | None:
    end = data.find(b"\r\n\r\n", max(0, seen - 3), limits.head)
    if end < 0:
        if not b"HTTP/1."[: len(data)] == data[:7]:
            raise BadHead(400, "not an HTTP/1 response")
        _check_new(data, 0, seen, limits)
        return None
    lines = _lines(data[:end], limits.fields)
    line = STATUS_LINE.fullmatch(lines[0])
    if not line:
        raise BadHead(400, "a malformed status line")
    status, http10 = int(line["status"]), line["minor"] == "0"
    fields, ours = _scan_fields(lines)
    announced = _framing(ours, http10)
    connection = _listed(ours, "connection")
    protocol = _upgrade(ours, connection) if status == 101 else ""
    if status == 101 and (not upgrade or protocol.lower() != upgrade.lower()):
        raise BadHead(400, "a switch of protocols that nobody asked for")
    framing, reusable = _response_framing(method, status, announced)
    return ScannedResponse(
        status,
        line["reason"] or "",
        http10,
        fields,
        framing,
        connection,
        reusable and _persists(connection, http10),
        protocol,
        end + 4,
    )


def _lines(head: bytes | bytearray, most: int) -> list[str]:
    check_octets(head)
    lines = head.decode("latin-1").split("\r\n")
    if len(lines) > most + 1:
        raise BadHead(431, "too many fields")
    return lines


def _check_unfinished(data: bytes | bytearray, start: int, seen: int, limits: HeadLimits) -> None:
    """Refuse at once what cannot become a good head: nobody should wait ten seconds to hear it."""
    line_end = data.find(b"\r\n", start, start + limits.request_line + 2)
    if line_end < 0 and len(data) - start > limits.request_line + 1:
        raise BadHead(414, "the request line is too long")
    _check_new(data, start, seen, limits)
    if line_end + 2 > seen and line_end >= 0:
        _request_line(data[start:line_end].decode("latin-1"), limits.request_line)


def _check_new(data: bytes | bytearray, start: int, seen: int, limits: HeadLimits) -> None:
    if len(data) - start >= limits.head:
        raise BadHead(431, "the head is too large")
    # A CR that came last in an earlier call was not judged yet.
    check_beginning(data[max(start, seen - 1 if seen and data[seen - 1] == CR else seen) :])


def _request_line(line: str, longest: int) -> tuple[str, str, bool]:
    """Method, target, and whether the version is 1.0.

    Exactly one space stands between them (RFC 9112 3): readers that split at
    any white space and readers that do not see different targets.
    """
    if len(line) > longest:
        raise BadHead(414, "the request line is too long")
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    if version != "HTTP/1.1" and version != "HTTP/1.0":
        if VERSION.fullmatch(version):
            raise BadHead(505, "a version of HTTP that is not served here")
        raise BadHead(400, "a malformed request line")
    if method not in METHODS:
        if not is_token(method):
            raise BadHead(400, "a malformed method")
        if method == "CONNECT":
            raise BadHead(501, "tunnels are not served here")  # RFC 9110 9.3.6; a gateway has no use for it
    _check_target(method, target)
    return method, target, version == "HTTP/1.0"


def _check_target(method: str, target: str) -> None:
    """One of the forms of RFC 9112 3.2, without a fragment; authority-form is CONNECT's alone.

    Browsers send `|`, `"`, `^` and braces as they are, against RFC 3986, and so
    do they pass; octets above 0x7F and controls do not.
    """
    if not (target.isascii() and target.isprintable()) or "#" in target:
        raise BadHead(400, "a character that no request target has")
    if target.startswith("/") or (target == "*" and method == "OPTIONS"):
        return
    scheme, sign, rest = target.partition("://")
    authority = rest.partition("?")[0].partition("/")[0]
    # RFC 9110 4.2.4: a user name in an authority is there to deceive.
    if not sign or scheme.lower() not in ("http", "https") or not _is_authority(authority):
        raise BadHead(400, "a malformed request target")


def _is_authority(text: str) -> bool:
    """Narrower than RFC 3986 3.2.2: no site has escapes or sub-delimiters in its name, and apps print it."""
    return AUTHORITY.fullmatch(text) is not None


def _check_host(hosts: Sequence[str] | None, http10: bool) -> None:
    """RFC 9112 3.2: one valid Host; 1.0 may leave it out.  An empty one names nothing (RFC 9110 4.2.1)."""
    if hosts is None:
        if not http10:
            raise BadHead(400, "no Host")
    elif len(hosts) > 1:
        raise BadHead(400, "more than one Host")
    elif not _is_authority(hosts[0]):
        raise BadHead(400, "a malformed Host")


def _scan_fields(lines: list[str]) -> tuple[Fields, dict[str, list[str]]]:
    """The field lines after the first line, and the values of those that say how the message is read."""
    fields: list[tuple[str, str]] = []
    ours: dict[str, list[str]] = {}
    for index in range(1, len(lines)):
        lower, name, value = scan_field(lines[index])
        fields.append((name, value))
        if lower in MEANT_FOR_US:
            ours.setdefault(lower, []).append(value)
        elif lower in LOOK_ALIKES:
            raise BadHead(400, "a field that some apps take for one that frames the message")
    return tuple(fields), ours


def _listed(ours: dict[str, list[str]], name: str) -> tuple[str, ...]:
    """The members of a list field, whose lines are one list (RFC 9110 5.3)."""
    return members(",".join(ours[name])) if name in ours else ()


def _framing(ours: dict[str, list[str]], http10: bool) -> Framing | None:
    """How the message says that it is framed (RFC 9112 6.1 to 6.3); None where it says nothing."""
    codings, lengths = ours.get("transfer-encoding"), ours.get("content-length")
    if codings is not None:
        if http10:
            raise BadHead(400, "Transfer-Encoding in HTTP/1.0")  # 6.1: its framing is faulty
        if lengths is not None:
            raise BadHead(400, "both Transfer-Encoding and Content-Length")  # 6.1: ought to be an error
        return _chunked(codings)
    if lengths is None:
        return None
    # 6.3, case 5: several equal lengths may be taken for one; who sends several is broken or probing.
    if len(lengths) > 1:
        raise BadHead(400, "more than one Content-Length")
    digits = lengths[0]
    if not digits.isdecimal() or len(digits) > LONGEST_LENGTH:  # in latin-1 only 0 to 9 are decimal
        raise BadHead(400, "a malformed Content-Length")
    return Framing("length", int(digits))


def _chunked(codings: Sequence[str]) -> Framing:
    """`chunked` and nothing else: another coding would have to be undone or passed on, and is never sent."""
    if len(codings) == 1 and codings[0].lower() == "chunked":
        return CHUNKED
    names = [coding.strip(" \t").lower() for coding in ",".join(codings).split(",")]
    if (
        len(names) > 1
        and names[-1] == "chunked"
        and names.count("chunked") == 1
        and all(map(is_token, names))
    ):
        raise BadHead(501, "a transfer coding that is not known here")  # 6.1
    raise BadHead(400, "a malformed Transfer-Encoding")  # 6.3, case 4: the end cannot be told


def _response_framing(method: str, status: int, announced: Framing | None) -> tuple[Framing, bool]:
    """The framing, and whether the connection can be trusted after it (RFC 9112 6.3, cases 1 and 8).

    Many apps send `Content-Length: 0` with 204 against RFC 9110 8.6, harmless.
    One that announces content there may send it too, later, into another
    answer's place.
    """
    if status < 200 or status == 204:
        return NO_BODY, announced is None or announced.length == 0
    if method == "HEAD" or status == 304:
        return NO_BODY, True
    return announced or UNTIL_CLOSE, announced is not None


def _persists(connection: tuple[str, ...], http10: bool) -> bool:
    """RFC 9112 9.3: 1.1 unless told otherwise, 1.0 only when told so."""
    if not connection:
        return not http10
    return "close" not in connection and (not http10 or "keep-alive" in connection)


def _upgrade(ours: dict[str, list[str]], connection: tuple[str, ...]) -> str:
    """The one protocol that Connection and Upgrade name (RFC 9110 7.8), "" where there is none to obey.

    Never another HTTP: requests inside an h2c connection would pass unseen.
    """
    if "upgrade" not in connection:
        return ""
    values = ours.get("upgrade", ())
    if len(values) != 1 or not PROTOCOL.fullmatch(values[0]):
        return ""
    return "" if values[0].partition("/")[0].lower() in OTHER_HTTP else values[0]
