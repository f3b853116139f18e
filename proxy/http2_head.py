"""HTTP/2 heads: what a server of HTTP/2 is told of a request, and what it may say (RFC 9113 8.2, 8.3).

Text is latin-1, as in `fields`.  h2 checks what leaves once more; what comes is
checked here, because a head that is malformed costs its own request alone and
not all others on the connection (RFC 9113 8.1.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from proxy.exchange import Fields, ResponseHead, get
from proxy.fields import CONTROLS, TOKEN, BadHead, is_token
from proxy.framing import MOST_TRAILERS, NO_BODY, allowed_trailers
from proxy.head import LIMITS, LONGEST_LENGTH
from proxy.writing import OF_THIS_HOP, frame_request, frame_response

Line: TypeAlias = tuple[bytes, bytes]
LOWER: Final = TOKEN - frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
BREAKS: Final = re.compile("[\r\n" + re.escape(CONTROLS.decode("latin-1")) + "]")
SECRET: Final = frozenset((b"authorization", b"cookie"))
"""Never into the memory that all requests of a connection share: its sizes would tell one of another's."""
STATUS: Final = re.compile("[1-5][0-9][0-9]")
NOT_HERE: Final = frozenset(
    ("connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings")
)
"""RFC 9113 8.2.2: an answer with one of them is malformed."""


def request_lines(method: str, target: str, fields: Fields, length: int | None, host: str) -> list[Line]:
    """The fields of a request as they go into a header block.

    `length` is that of its content, None where nobody knows; `host` is for a
    request that names none.  What concerns one hop alone is left out.
    ValueError rather than a malformed one.
    """
    if not is_token(method) or not target or not (target.isascii() and target.isprintable()) or " " in target:
        raise ValueError(f"not a request: {method!r} {target!r}")
    hosts = [value for name, value in fields if name.lower() == "host"]
    if len(hosts) > 1 or not (hosts or [host])[0]:
        raise ValueError("a request has one Host")
    authority = (hosts or [host])[0]
    lines = [(":method", method), (":scheme", "http"), (":authority", authority), (":path", target)]
    framing = frame_request(method, length)
    if framing.kind == "length":
        lines.append(("content-length", str(framing.length)))
    for name, value in fields:
        lower = name.lower()
        if lower == "host" or (lower in OF_THIS_HOP and (lower, value) != ("te", "trailers")):
            continue
        if not is_token(lower):
            raise ValueError(f"not a field name: {name!r}")
        lines.append((lower, value))
    return _written(lines)


def trailer_lines(trailers: Fields) -> list[Line]:
    """The trailers of a request as they go into a header block."""
    return _written([(name.lower(), value) for name, value in allowed_trailers(trailers)])


def _written(lines: Iterable[tuple[str, str]]) -> list[Line]:
    written = []
    for name, value in lines:
        if BREAKS.search(value):
            raise ValueError("a control character")
        written.append((name.encode("latin-1"), value.strip(" \t").encode("latin-1")))
    return written


def read_head(lines: Iterable[Line]) -> ResponseHead:
    """The head of a response, interim or final; BadHead where it is malformed (RFC 9113 8.1.1)."""
    pseudo, fields = _read(lines, LIMITS.fields)
    if len(pseudo) != 1 or pseudo[0][0] != ":status":
        raise BadHead(502, "a response has :status and no other such field")
    status = pseudo[0][1]
    if not STATUS.fullmatch(status) or status == "101":  # 8.6: HTTP/2 switches to nothing
        raise BadHead(502, "not a status")
    return ResponseHead(int(status), fields)


def read_trailers(lines: Iterable[Line]) -> Fields:
    """The trailers of a response, without those that may not stand there."""
    pseudo, fields = _read(lines, MOST_TRAILERS)
    if pseudo:
        raise BadHead(502, "trailers have no field such as :status")
    return allowed_trailers(fields)


def announced_length(method: str, head: ResponseHead) -> int | None:
    """How long the content will be; None where the response does not say."""
    if frame_response(method, head.status, None) is NO_BODY:
        return 0
    lengths = [value for name, value in head.fields if name == "content-length"]
    if not lengths:
        return None
    if len(lengths) > 1 or not lengths[0].isdecimal() or len(lengths[0]) > LONGEST_LENGTH:
        raise BadHead(502, "a malformed Content-Length")
    return int(lengths[0])


def takes_trailers(fields: Fields) -> bool:
    """Whether whoever asks can take trailers (RFC 9110 10.1.4)."""
    return get(fields, "TE") == "trailers"


def _read(lines: Iterable[Line], most: int) -> tuple[list[tuple[str, str]], Fields]:
    """The pseudo-fields, which come first (RFC 9113 8.3), and the others."""
    pseudo: list[tuple[str, str]] = []
    fields: list[tuple[str, str]] = []
    for raw_name, raw_value in lines:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if BREAKS.search(value) or value != value.strip(" \t"):
            raise BadHead(502, "a malformed field value")
        if name.startswith(":"):
            if fields:
                raise BadHead(502, "a field such as :status behind others")
            pseudo.append((name, value))
        elif not name or not LOWER.issuperset(name):
            raise BadHead(502, "a malformed field name")
        elif name in NOT_HERE:
            raise BadHead(502, "a field that has no meaning in HTTP/2")
        else:
            fields.append((name, value))
    if len(fields) > most:
        raise BadHead(502, "too many fields")
    return pseudo, tuple(fields)
