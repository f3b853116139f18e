"""Known: where another reader differs from ours with good reason.  Whatever is not here is a finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from proxy.head import ScannedRequest, ScannedResponse

Head = ScannedRequest | ScannedResponse


class Known(NamedTuple):
    """A kind of difference, the readers that show it, and whether a head, as these bytes, is such a one."""

    what: str
    readers: tuple[str, ...]
    when: Callable[[Head, bytes], bool]
    reason: str
    example: bytes
    """Bytes that show it: an entry that nothing shows any more has to go."""
    method: str = "GET"
    """What an answer is to."""


BOTH = ("aiohttp", "httptools")

# What llhttp has a name for and lets pass in HTTP; PRI and SOURCE it keeps for HTTP/2 and Icecast.
_METHODS = (
    "GET HEAD POST PUT DELETE OPTIONS PATCH TRACE ACL BIND CHECKOUT COPY LINK LOCK M-SEARCH MERGE"
    " MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY PROPFIND PROPPATCH PURGE QUERY REBIND REPORT SEARCH SUBSCRIBE"
    " UNBIND UNLINK UNLOCK UNSUBSCRIBE"
)
LLHTTP_METHODS: Final = frozenset(_METHODS.split())


def values(head: Head, name: str) -> list[str]:
    return [value for key, value in head.fields if key.lower() == name]


def odd_method(head: Head, _: bytes) -> bool:
    return isinstance(head, ScannedRequest) and head.method not in LLHTTP_METHODS


def several_options(head: Head, _: bytes) -> bool:
    return len(head.connection) > 1


def bodiless_with_content(head: Head, _: bytes) -> bool:
    """An answer that has no content by its status, and announces some."""
    return (
        isinstance(head, ScannedResponse)
        and (head.status < 200 or head.status == 204)
        and bool(values(head, "transfer-encoding") or values(head, "content-length"))
    )


def silent_about_content(head: Head, _: bytes) -> bool:
    """An answer to HEAD (nothing else is complete so) that does not tell how GET's would be framed."""
    framed = values(head, "transfer-encoding") or values(head, "content-length")
    return isinstance(head, ScannedResponse) and head.framing.kind == "none" and not framed


TAB_BEHIND: Final = re.compile(rb"(?i)\r\ntransfer-encoding:[ \t]*chunked *\t")


def tab_behind_the_coding(_: Head, block: bytes) -> bool:
    return TAB_BEHIND.search(block) is not None


def repeated(head: Head, _: bytes) -> bool:
    names = [name.lower() for name, _ in head.fields]
    return len(set(names)) < len(names)


def passed_over(head: Head, _: bytes) -> bool:
    """Asks for an upgrade which Tidegate does not grant, or not so."""
    return not head.upgrade and bool(values(head, "upgrade"))


_GET = b"GET / HTTP/1.1\r\nHost: a.test\r\n%b\r\n"
_OK = b"HTTP/1.1 200 OK\r\n%b\r\n"
_PADDED = _OK % b"Transfer-Encoding: chunked\t\r\n"
_TAB = "llhttp strips a space behind `chunked` and no tab; white space is both (RFC 9112 5, RFC 9110 5.6.3)"

KNOWN: tuple[Known, ...] = (
    Known(
        "refused",
        BOTH,
        odd_method,
        "llhttp has a list of methods; RFC 9110 9.1 lets the origin decide which it serves, not a gateway",
        b"HELLO / HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ),
    Known(
        "refused",
        ("aiohttp",),
        repeated,
        "aiohttp has a list of names that may stand once, ETag among them",
        _GET % b"ETag: a\r\nETag: a\r\n",
    ),
    Known("refused", BOTH, tab_behind_the_coding, _TAB, _GET % b"Transfer-Encoding: chunked\t\r\n"),
    Known("content", BOTH, tab_behind_the_coding, _TAB, _PADDED),
    Known("closes", BOTH, tab_behind_the_coding, _TAB, _PADDED, "HEAD"),
    Known(
        "content",
        BOTH,
        bodiless_with_content,
        "llhttp reads content after 1xx where it is announced; there is none (RFC 9112 6.3, case 1)",
        b"HTTP/1.1 126 Wait\r\nContent-Length: 70000\r\n\r\n",
    ),
    Known(
        "content",
        ("httptools",),
        passed_over,
        "httptools reads no content of a request for an upgrade; it comes before the switch (RFC 9110 7.8)",
        _GET % b"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n",
    ),
    Known(
        "closes",
        ("aiohttp",),
        silent_about_content,
        "llhttp is not told what was asked; an answer to HEAD ends with its head (RFC 9112 6.3, case 1)",
        _OK % b"",
        "HEAD",
    ),
    Known(
        "keeps",
        BOTH,
        several_options,
        "to llhttp keep-alive wins over close in 1.0; RFC 9112 9.3 has close decide, first of all",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 5\r\n\r\n",
    ),
    Known(
        "keeps",
        BOTH,
        bodiless_with_content,
        "who announces content where none may be (RFC 9110 8.6) may send it later: not trusted again",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
    ),
    Known(
        "upgrades",
        BOTH,
        passed_over,
        "an upgrade may be passed over (RFC 9110 7.8): h2c, TLS, with content, in 1.0, one of several",
        _GET % b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    ),
)


def is_known(what: str, reader: str, head: Head, block: bytes) -> bool:
    return any(each.what == what and reader in each.readers and each.when(head, block) for each in KNOWN)


SPELLED: Final = re.compile(rb'(;[!#$%&\'*+.^_`|~0-9A-Za-z-]+(=([!#$%&\'*+.^_`|~0-9A-Za-z-]+|"[^"\\]*"))?)*')
"""Extensions as RFC 9112 7.1.1 has them, without white space that nobody need send."""
OF_THE_HEAD: Final = frozenset((b"content-length", b"transfer-encoding", b"host", b"connection", b"upgrade"))


def size_lines(raw: bytes) -> Iterator[tuple[bytes, int]]:
    """The extensions of each chunk of a body that was accepted, and where its line ends."""
    at = 0
    while True:
        end = raw.index(b"\r\n", at)
        digits, mark, extension = raw[at:end].partition(b";")
        yield mark + extension, end + 2
        size = int(digits, 16)
        if not size:
            return
        at = end + 2 + size + 2


def odd_extension(raw: bytes) -> bool:
    return any(not SPELLED.fullmatch(extension) for extension, _ in size_lines(raw))


def trailer_names(raw: bytes) -> list[bytes]:
    *_, (_, begins) = size_lines(raw)
    return [line.partition(b":")[0] for line in raw[begins:].lower().split(b"\r\n") if line]


def trailer_of_the_head(raw: bytes) -> bool:
    return not OF_THE_HEAD.isdisjoint(trailer_names(raw))


def trailer_repeated(raw: bytes) -> bool:
    names = trailer_names(raw)
    return len(set(names)) < len(names)


class KnownBody(NamedTuple):
    what: str
    when: Callable[[bytes], bool]
    reason: str
    example: bytes


KNOWN_BODIES: tuple[KnownBody, ...] = (
    KnownBody(
        "chunks, refused",
        odd_extension,
        "llhttp wants extensions as they are spelled; here they are bounded, looked through and left out",
        b"5; a=b\r\nhello\r\n0\r\n\r\n",
    ),
    KnownBody(
        "chunks, refused",
        trailer_of_the_head,
        "llhttp takes such a trailer for a field of the head; here it is left out (RFC 9110 6.5.1)",
        b"0\r\nContent-Length: 5\r\n\r\n",
    ),
    KnownBody(
        "chunks, refused",
        trailer_repeated,
        "aiohttp has a list of names that may stand once",
        b"0\r\nETag: a\r\nETag: a\r\nX: b\r\n\r\n",
    ),
)


def is_known_body(what: str, raw: bytes) -> bool:
    return any(each.what == what and each.when(raw) for each in KNOWN_BODIES)
