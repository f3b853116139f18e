"""Ordinary: request heads that are plainly right, read in one pass with the help of what was seen before.

Nothing is decided here that `head.py` and `headers.py` do not decide: for each
head that is taken, they say exactly the same (a test holds both side by side),
and for each other the answer is None and they are asked.
"""

from __future__ import annotations

from typing import Final

from proxy.asked import Asked, AskedMemo
from proxy.field_lines import EMPTY, LineMemo, Section, read_section, read_usual, split_lines
from proxy.framing import NO_BODY, Framing
from proxy.head import LIMITS, METHODS, ScannedRequest
from proxy.message import Fields, IPAddress, RequestHead
from proxy.receipt import Receipt
from proxy.target import needs_no_change
from proxy.writing import says_length

UNKEPT: Final[Fields] = ()
"""Instead of the fields as the client wrote them: whoever comes after us looks at those for routing."""
LONGEST_LEARNT: Final = 4 * 1024
"""Octets of a head that a connection remembers at most, to know the beginning of the next one."""

_METHODS: Final = {method.encode(): method for method in METHODS}
_HOST: Final = b"host:"


class Reader:
    """Reads the ordinary heads of one connection, whose client is not a trusted proxy.

    A client's heads begin with a Host line and go on with the same lines: only
    what comes after them is read anew.  That stem is this connection's own, so
    it may hold secrets.
    """

    def __init__(self, lines: LineMemo, hosts: AskedMemo, peer: IPAddress) -> None:
        self._lines = lines
        self._hosts = hosts
        self._peer = peer
        self._asked: Asked | None = None
        self._stem: Section = EMPTY
        self._before: list[bytes] = []
        """The lines of the last head that had another stem."""
        self._front: Fields = ()
        """What the fields of the next head begin with, while these two stay the same."""
        self._front_asked: Asked | None = None
        self._front_stem: Section = EMPTY

    def read(self, block: bytes) -> Receipt | None:
        """The head that is exactly this block, final empty line included; None where it is not ordinary."""
        first = block.find(b"\r\n")
        start = block[:first].split(b" ")
        if len(start) != 3 or start[2] != b"HTTP/1.1" or first > LIMITS.request_line:
            return None
        method = _METHODS.get(start[0])
        target = start[1].decode("latin-1")
        if method is None or not needs_no_change(target):
            return None
        begin = first + 2
        asked = self._asked
        if asked is None or not block.startswith(asked.line, begin):
            asked = self._asked_first(block, begin)
        if asked is not None:
            begin += len(asked.line)
        stem = self._stem
        rest: Section | None
        if begin == len(block) - 2:  # nothing else is said
            rest, stem = EMPTY, EMPTY
        elif stem is EMPTY or not block.startswith(stem.block, begin):
            rest, stem = self._read_all(block[begin:-2]), EMPTY
        else:
            lines = block[begin + len(stem.block) : -2]
            rest = read_usual(lines) or read_section(split_lines(lines), self._lines, remember=False)
        if rest is None or stem.count + rest.count >= LIMITS.fields:
            return None
        asked = self._asked_for(asked, stem.host, rest.host)
        if asked is None:
            return None
        return self._receipt(block, method, target, block[: first - 9], asked, stem, rest)

    def _asked_first(self, block: bytes, begin: int) -> Asked | None:
        """By the first line, which is where clients name the host."""
        if block[begin : begin + 5].lower() != _HOST:
            return None
        return self._hosts.get(self._peer, block[begin : block.find(b"\r\n", begin)])

    def _read_all(self, block: bytes) -> Section | None:
        """Lines of which none is known to stand where it stood in the head before."""
        raw_lines = split_lines(block)
        section = read_section(raw_lines, self._lines, remember=True)
        if section is not None and len(block) <= LONGEST_LEARNT:
            self._learn(raw_lines)
        return section

    def _learn(self, raw_lines: list[bytes]) -> None:
        """What this head and the one before it begin with will be what the next one begins with."""
        before, self._before = self._before, raw_lines
        common = 0
        for one, other in zip(before, raw_lines, strict=False):
            if one != other:
                break
            common += 1
        stem = read_section(raw_lines[:common], self._lines, remember=True) if common else None
        self._stem = stem or EMPTY

    def _asked_for(self, first: Asked | None, *named: str | None) -> Asked | None:
        """The one host that the head names; None where it names none, or two."""
        further = [name for name in named if name is not None]
        if first is None and len(further) == 1:
            first = self._hosts.get(self._peer, f"Host: {further[0]}".encode("latin-1"))
        elif further:
            return None
        self._asked = first
        return first

    def _receipt(
        self, block: bytes, method: str, target: str, start: bytes, asked: Asked, stem: Section, rest: Section
    ) -> Receipt | None:
        if (stem.length is not None and rest.length is not None) or (
            stem.connection is not None and rest.connection is not None
        ):
            return None
        length = rest.length if stem.length is None else stem.length
        size = 0 if length is None else int(length)
        framing = NO_BODY if length is None else Framing("length", size)
        connection = stem.connection or rest.connection
        scanned = ScannedRequest(
            method, target, False, UNKEPT, framing,
            () if connection is None else (connection,), connection != "close", "", False, len(block),
        )  # fmt: skip
        if asked is not self._front_asked or stem is not self._front_stem:
            self._front_asked, self._front_stem = asked, stem
            self._front = asked.named + stem.passed
        head = RequestHead(
            method, target, self._front + rest.passed + asked.about, asked.host, asked.address,
            asked.scheme, asked.port,
        )  # fmt: skip
        end = b"\r\nContent-Length: %d\r\n\r\n" % size if says_length(method, size) else b"\r\n\r\n"
        written = b"".join((start, asked.opening, stem.out, rest.out, asked.closing, end))
        return Receipt(block, scanned, head, asked.client, head.path, written)
