"""Field lines: the ordinary ones of a request's head, known again when they come again.

Nothing is decided here that `head.py` and `headers.py` do not decide; what is
not plainly right or not ordinary is left to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from proxy.fields import CONTROLS, FAMILIAR, BadHead, scan_field
from proxy.head import LONGEST_LENGTH, LOOK_ALIKES
from proxy.headers import kind_of
from proxy.message import Fields

PASSED: Final = 0
LEFT_OUT: Final = 1
HOST: Final = 2
LENGTH: Final = 3
CONNECTION: Final = 4
UNUSUAL: Final = 5

SECRETS: Final = frozenset(("cookie", "authorization", "proxy-authorization"))
"""Not remembered: what is shared by all clients must not tell, by its speed, what another one has sent."""
MOST_LINES: Final = 2048
LONGEST_LINE: Final = 512

_NOT_IN_VALUES: Final = CONTROLS + b"\r\n"
_PASSED_NAMES: Final = {
    name.encode(): (name, lower)
    for name, lower in FAMILIAR.items()
    if kind_of(name) == "end-to-end" and lower not in ("content-length", "expect")
}


class Line:
    """One field line: what it is, what it says, and how it is written to a server.

    `one` is the field as Fields: compiled code would make a pair anew each time that it is taken out of here.
    """

    def __init__(self, kind: int, value: str, one: Fields, out: bytes, secret: bool) -> None:
        self.kind = kind
        self.value = value
        self.one = one
        self.out = out
        self.secret = secret


_UNUSUAL: Final = Line(UNUSUAL, "", (), b"", True)


@dataclass(eq=False)
class LineMemo:
    """Field lines that many requests have in common."""

    lines: dict[bytes, Line] = field(default_factory=dict)

    def read(self, raw: bytes) -> Line:
        """The line for the first time, or for the first time in a while."""
        line = read_line(raw)
        if line.kind != UNUSUAL and not line.secret and len(raw) <= LONGEST_LINE:
            if len(self.lines) >= MOST_LINES:
                self.lines.clear()
            self.lines[raw] = line
        return line


def read_line(line: bytes) -> Line:
    raw_name, colon, rest = line.partition(b":")
    raw = rest.strip(b" \t")
    if not colon or len(raw.translate(None, _NOT_IN_VALUES)) != len(raw):
        return _UNUSUAL
    canonical = len(rest) == len(raw) + 1 and rest.startswith(b" ")
    out = line + b"\r\n" if canonical else b"".join((raw_name, b": ", raw, b"\r\n"))
    known = _PASSED_NAMES.get(raw_name)
    if known is not None:
        text = raw.decode("latin-1")
        return Line(PASSED, text, ((known[0], text),), out, known[1] in SECRETS)
    try:
        lower, name, value = scan_field(line.decode("latin-1"))
    except BadHead:
        return _UNUSUAL
    return Line(_kind(lower, name, value), value, ((name, value),), out, lower in SECRETS)


def _kind(lower: str, name: str, value: str) -> int:
    kind = kind_of(name)
    if lower == "host":
        return HOST
    if lower == "content-length":
        # In latin-1 only 0 to 9 are decimal.
        return LENGTH if value.isdecimal() and len(value) <= LONGEST_LENGTH else UNUSUAL
    if lower == "connection":
        return CONNECTION if value.lower() in ("keep-alive", "close") else UNUSUAL
    if lower in LOOK_ALIKES or lower in ("transfer-encoding", "upgrade", "expect", "te"):
        return UNUSUAL
    return PASSED if kind == "end-to-end" else LEFT_OUT


class Section:
    """Some lines of a head, one after the other, and what they say.

    `count` says how many they are, `passed` are those for routing, `out` is what a server gets of them.
    `host`, `length` and `connection` are the values of these fields, None where there is none.
    """

    def __init__(
        self,
        block: bytes,
        count: int,
        passed: Fields,
        out: bytes,
        host: str | None,
        length: str | None,
        connection: str | None,
    ) -> None:
        self.block = block
        self.count = count
        self.passed = passed
        self.out = out
        self.host = host
        self.length = length
        self.connection = connection


EMPTY: Final = Section(b"", 0, (), b"", None, None, None)


def read_section(raw_lines: list[bytes], memo: LineMemo, *, remember: bool) -> Section | None:
    """What these lines say; None where one of them, or two together, are not ordinary.

    `remember` is for lines that others may have, too.
    """
    lines = memo.lines
    passed: list[tuple[str, str]] = []
    out: list[bytes] = []
    host: str | None = None
    length: str | None = None
    connection: str | None = None
    for raw in raw_lines:
        line = lines.get(raw)
        if line is None:
            line = memo.read(raw) if remember else read_line(raw)
        kind = line.kind
        if kind == PASSED:
            passed.extend(line.one)
            out.append(line.out)
        elif kind == HOST and host is None:
            host = line.value
        elif kind == LENGTH and length is None:
            length = line.value
            passed.extend(line.one)
        elif kind == CONNECTION and connection is None:
            connection = line.value.lower()
        elif kind != LEFT_OUT:
            return None
    block = b"\r\n".join(raw_lines) + b"\r\n" if remember and raw_lines else b""
    return Section(block, len(raw_lines), tuple(passed), b"".join(out), host, length, connection)


def split_lines(block: bytes) -> list[bytes]:
    lines = block.split(b"\r\n")
    del lines[-1]
    return lines


def read_usual(block: bytes) -> Section | None:
    """What these whole lines say where a server gets them just as they are; None for all others.

    What differs from request to request is mostly a Referer and a Cookie; nothing is remembered of them.
    """
    lines = split_lines(block)
    if len(block.translate(None, _NOT_IN_VALUES)) != len(block) - 2 * len(lines):
        return None
    passed: list[tuple[str, str]] = []
    for line in lines:
        raw_name, _, raw = line.partition(b": ")
        known = _PASSED_NAMES.get(raw_name)
        if known is None or not raw or len(raw.strip(b" \t")) != len(raw):
            return None
        passed.append((known[0], raw.decode("latin-1")))
    return Section(b"", len(lines), tuple(passed), block, None, None, None)
