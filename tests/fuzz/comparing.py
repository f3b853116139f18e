"""Comparing: one input through Tidegate's reader and through the others'; a difference is a Finding."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from ipaddress import ip_address
from itertools import pairwise

from proxy.asked import AskedMemo
from proxy.exchange import Fields
from proxy.fields import MessageError
from proxy.framing import BadBody, ChunkReader, Framing, allowed_trailers
from proxy.head import BadHead, ScannedRequest, scan_request, scan_response
from proxy.headers import BadRequest, TrustedProxies, received, to_server
from proxy.model import Server, Service
from proxy.ordinary import UNKEPT, LineMemo, Reader
from proxy.writing import frame_request, write_request
from tests.fuzz.known import Head, is_known, is_known_body
from tests.fuzz.reading import Reading, RefusedError, by_aiohttp, by_httptools
from tests.proxy.wire.corpus_reading import Malformed, read_requests

PEER = ip_address("192.0.2.7")
SERVER = Server("app", "192.0.2.1", 8080)
SERVICE = Service("app", (SERVER,))
PROBE = b"GET /probe HTTP/1.1\r\nHost: a.test\r\n\r\n"
PROBED = b"HTTP/1.1 299 Probe\r\nContent-Length: 0\r\n\r\n"
LONGEST_PLAYED = 4096
CHUNKS = b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Read = Callable[[Iterable[bytes]], list[Reading]]
Body = tuple[bytes, Fields, int]
"""Content, trailers, and how many octets they took."""

SIDES: tuple[tuple[str, Read, bytes, bytes, tuple[str, str]], ...] = (
    ("aiohttp", by_aiohttp, POST, PROBE, ("GET", "/probe")),
    ("httptools", by_httptools, POST, PROBE, ("GET", "/probe")),
    ("aiohttp, as an answer", partial(by_aiohttp, answers=True), OK, PROBED, ("299", "Probe")),
    ("httptools, as an answer", partial(by_httptools, answers=True), OK, PROBED, ("299", "Probe")),
)


class Finding(AssertionError):
    """Two readers understand the same bytes differently."""

    def __init__(self, what: str, reader: str, raw: bytes, ours: object, theirs: object) -> None:
        super().__init__(f"{what} ({reader}): {raw!r}\n  ours:   {ours!r}\n  theirs: {theirs!r}")
        self.kind = f"{what} ({reader})"
        self.raw = raw


def compare_request(raw: bytes, cuts: Sequence[int] = ()) -> bool:
    """Whether it was accepted, and so compared."""
    try:
        head = scan_request(raw)
    except BadHead:
        return False
    if head is None:
        return False
    block = raw[: head.size]
    start = head.method, head.target
    for name, read in (("aiohttp", by_aiohttp), ("httptools", by_httptools)):
        _compare(name, read, block, head, start, cuts, PROBE, ("GET", "/probe"))
    compare_written(block, head)
    return True


def compare_response(raw: bytes, method: str, upgrade: str = "", cuts: Sequence[int] = ()) -> bool:
    try:
        head = scan_response(raw, method, upgrade)
    except BadHead:
        return False
    if head is None:
        return False
    block = raw[: head.size]
    start = str(head.status), head.reason
    bodiless = method == "HEAD"
    aiohttp = partial(by_aiohttp, answers=True, bodiless=bodiless)
    _compare("aiohttp", aiohttp, block, head, start, cuts, PROBED, ("299", "Probe"))
    if not bodiless:  # nobody can tell httptools what was asked
        httptools = partial(by_httptools, answers=True)
        _compare("httptools", httptools, block, head, start, cuts, PROBED, ("299", "Probe"))
    return True


def _compare(
    name: str,
    read: Read,
    block: bytes,
    head: Head,
    start: tuple[str, str],
    cuts: Sequence[int],
    probe: bytes,
    probed: tuple[str, str],
) -> None:
    def differ(what: str, ours: object, theirs: object) -> None:
        if ours != theirs and not is_known(what, name, head, block):
            raise Finding(what, name, block, ours, theirs)

    sent, content, whole = played(head.framing)
    try:
        (theirs,) = read(cut(block + sent, cuts))
    except RefusedError as refused:
        differ("refused", "accepted", str(refused))
        return
    except ValueError as several:
        raise Finding("messages", name, block, "one", str(several)) from None
    differ("start", start, theirs.start)
    differ("version", "1.0" if head.http10 else "1.1", theirs.version)
    differ("fields", head.fields, theirs.fields)
    if head.upgrade or theirs.upgrades:
        differ("upgrades", bool(head.upgrade), theirs.upgrades)
    differ("content", (content, whole), (theirs.content, theirs.whole))
    if theirs.upgrades:
        return  # what follows is another protocol to it
    if head.keep_alive is not theirs.keeps:
        differ("closes" if head.keep_alive else "keeps", head.keep_alive, theirs.keeps)
        return
    if whole and head.keep_alive:
        # The next message begins where we say that it does.
        behind = read(cut(block + sent + probe, cuts))[1:]
        differ("the next message", [(probed, True)], [(each.start, each.whole) for each in behind])


def played(framing: Framing) -> tuple[bytes, bytes, bool]:
    """Content as it stands in the stream, the content itself, and whether that is all of it."""
    if framing.kind == "chunked":
        return CHUNKS, b"hello!", True
    if framing.kind == "close":
        return b"until the end", b"until the end", False
    length = framing.length or 0
    content = b"x" * min(length, LONGEST_PLAYED)
    return content, content, length <= LONGEST_PLAYED


def cut(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(each for each in cuts if 0 < each < len(data))})
    return [data[start:end] for start, end in pairwise(edges)]


def compare_written(block: bytes, head: ScannedRequest) -> None:
    """What the server gets must be one plain request, with the same method, content and end."""
    try:
        asked = received(head, peer=PEER, tls=False, local_port=8000, trusted=TrustedProxies())
    except (BadRequest, MessageError):
        return
    framing = frame_request(asked.method, head.framing.length)
    written = write_request(
        asked.method, asked.target, to_server(asked, SERVICE, SERVER), framing, host="app.test"
    )
    check_written(block, head, written)
    receipt = Reader(LineMemo(), AskedMemo(tls=False, port=8000), PEER).read(block)
    if receipt is not None:
        if receipt.written != written:
            raise Finding("written", "the quick reader", block, written, receipt.written)
        if receipt.scanned != replace(head, fields=UNKEPT):
            raise Finding("scanned", "the quick reader", block, head, receipt.scanned)


def check_written(block: bytes, head: ScannedRequest, written: bytes) -> None:
    sent, content, whole = played(head.framing)
    try:
        (plain,) = read_requests(written + sent.replace(b";x=y", b""))
    except (Malformed, ValueError) as malformed:
        raise Finding("written", "the strict reader", block, written, str(malformed)) from None
    seen = plain.line.split(" ")[0], plain.body, plain.whole
    if seen != (head.method, content, whole):
        raise Finding("written", "the strict reader", block, (head.method, content, whole), seen)
    for name, read in (("aiohttp", by_aiohttp), ("httptools", by_httptools)):
        try:
            (theirs,) = read([written + sent])
        except RefusedError as refused:
            if is_known("refused", name, head, block):
                continue
            raise Finding("written, refused", name, block, written, str(refused)) from None
        seen = theirs.start[0], theirs.content, theirs.whole
        if seen != (head.method, content, whole):
            raise Finding("written", name, block, (head.method, content, whole), seen)


def read_chunks(raw: bytes, cuts: Sequence[int]) -> Body | None:
    """None where chunks are malformed or unfinished."""
    reader = ChunkReader()
    content, taken = [], 0
    try:
        for piece in cut(raw, cuts):
            content.append(reader.feed(piece))
            taken += len(piece)
            if reader.done:
                return b"".join(content), reader.trailers, taken - len(reader.surplus)
    except BadBody:
        pass
    return None


def compare_chunks(raw: bytes, cuts: Sequence[int] = ()) -> bool:
    """Content, trailers and end, for this split and for none."""
    ours = read_chunks(raw, ())
    if read_chunks(raw, cuts) != ours:
        raise Finding("split", "ourselves", raw, ours, (read_chunks(raw, cuts), list(cuts)))
    if ours is None:
        return False
    for name, read, before, probe, probed in SIDES:
        whole = before + raw[: ours[2]] + probe
        moved = [len(before) + each for each in cuts]
        _compare_body(name, partial(read, cut(whole, moved)), raw, ours, probed)
    return True


def _compare_body(
    name: str, read: Callable[[], list[Reading]], raw: bytes, ours: Body, probed: tuple[str, str]
) -> None:
    content, trailers, taken = ours

    def differ(what: str, mine: object, theirs: object) -> None:
        if mine != theirs and not is_known_body(what, raw[:taken]):
            raise Finding(what, name, raw, mine, theirs)

    try:
        found = read()
    except RefusedError as refused:
        differ("chunks, refused", "accepted", str(refused))
        return
    seen = [(each.content, each.whole) for each in found[:1]], [each.start for each in found[1:]]
    differ("chunks", ([(content, True)], [probed]), seen)
    if found and found[0].trailers is not None:
        differ("trailers", trailers, allowed_trailers(found[0].trailers))


__all__ = ["Finding", "compare_chunks", "compare_request", "compare_response", "cut"]
