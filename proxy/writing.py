"""Writing: the heads that leave.  Canonical, and refused rather than malformed.

Labels and middlewares may have put anything into fields; what could add a
line, end the head early or frame the content anew must not leave.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from proxy.exchange import Fields, ResponseHead
from proxy.fields import FAMILIAR, is_token, write_section
from proxy.framing import CHUNKED, NO_BODY, UNTIL_CLOSE, Framing

WITH_CONTENT: Final = frozenset(("POST", "PUT", "PATCH"))
REASONS: Final = {int(status): status.phrase for status in HTTPStatus}
OF_THIS_HOP: Final = frozenset(
    ("connection", "content-length", "http2-settings", "keep-alive", "proxy-connection", "te",
     "transfer-encoding", "upgrade")
)  # fmt: skip
"""What every hop says for itself (RFC 9110 7.6.1, RFC 9112 6): written here, or left out."""


def frame_request(method: str, length: int | None) -> Framing:
    """How to frame a request of ours; 0 is said only where content has a meaning (RFC 9110 8.6)."""
    if length is None:
        return CHUNKED
    return Framing("length", length) if says_length(method, length) else NO_BODY


def says_length(method: str, length: int) -> bool:
    return length > 0 or method in WITH_CONTENT


def frame_response(method: str, status: int, length: int | None, http10: bool = False) -> Framing:
    """How to frame a response to a client; one of HTTP/1.0 knows no chunks (RFC 9112 6.1)."""
    if method == "HEAD" or status < 200 or status in (204, 304):
        return NO_BODY
    if length is not None:
        return Framing("length", length)
    return UNTIL_CLOSE if http10 else CHUNKED


def write_request(
    method: str, target: str, fields: Fields, framing: Framing, upgrade: str = "", host: str = ""
) -> bytes:
    """A request's head; ValueError rather than a malformed one.

    What concerns this hop alone is written here, whatever of it `fields` hold.
    `host` is for a request of HTTP/1.0 that named none: 1.1 has to (RFC 9112 3.2).
    """
    if not is_token(method) or not (target.isascii() and target.isprintable()) or " " in target or not target:
        raise ValueError(f"not a request: {method!r} {target!r}")
    lines, hosts = [], 0
    options: list[str] = []
    for line in fields:
        lower = FAMILIAR.get(line[0]) or line[0].lower()
        if lower not in OF_THIS_HOP:
            hosts += lower == "host"
            lines.append(line)
        elif lower == "te" and line[1] == "trailers" and not options:
            options.append("TE")  # this hop can take them, too (RFC 9110 10.1.4)
            lines.append(line)
    if not hosts and host:
        lines.insert(0, ("Host", host))
    elif hosts != 1:
        raise ValueError("a request has one Host")
    _add_framing(lines, framing)
    if upgrade:
        options.append("upgrade")
    if options:
        lines.append(("Connection", ", ".join(options)))
    if upgrade:
        lines.append(("Upgrade", upgrade))
    return write_section(f"{method} {target} HTTP/1.1", lines)


def write_response(
    head: ResponseHead, framing: Framing, *, keep_alive: bool = True, http10: bool = False, upgrade: str = ""
) -> bytes:
    """A response's head; ValueError rather than a malformed one.

    `http10` is the client's version; we say 1.1 all the same (RFC 9112 2.3) and
    name keep-alive, which 1.0 has only by name.  `upgrade` belongs to 101.
    """
    status = head.status
    if not 100 <= status <= 599:
        raise ValueError(f"not a status: {status}")
    lines = [line for line in head.fields if line[0].lower() not in OF_THIS_HOP]
    if framing is NO_BODY and status >= 200 and status != 204:
        lines += _length_of_the_other(head)
    _add_framing(lines, framing)
    if upgrade:
        lines += (("Connection", "upgrade"), ("Upgrade", upgrade))
    elif status >= 200 and (not keep_alive or framing.kind == "close"):
        lines.append(("Connection", "close"))
    elif status >= 200 and http10:
        lines.append(("Connection", "keep-alive"))
    return write_section(f"HTTP/1.1 {status} {head.reason or REASONS.get(status, '')}", lines)


def _add_framing(lines: list[tuple[str, str]], framing: Framing) -> None:
    if framing.kind == "length":
        lines.append(("Content-Length", str(framing.length)))
    elif framing.kind == "chunked":
        lines.append(("Transfer-Encoding", "chunked"))


def _length_of_the_other(head: ResponseHead) -> list[tuple[str, str]]:
    """HEAD and 304 may tell the length of the answer that they stand for (RFC 9110 8.6)."""
    return [line for line in head.fields if line[0].lower() == "content-length" and line[1].isdecimal()][:1]
