"""Field lines: the ordinary ones of a request's head, known again when they come again.

Nothing is decided here that `head.py` and `headers.py` do not decide; what is
not plainly right or not ordinary is left to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from proxy.fields import CONTROLS, FAMILIAR, BadHead, scan_field
from proxy.head import LONGEST_LENGTH, LOOK_ALIKES
from proxy.headers import kind_of
from proxy.message import Fields

Kind: TypeAlias = int
PASSED: Final = 0
LEFT_OUT: Final = 1
HOST: Final = 2
LENGTH: Final = 3
UNUSUAL: Final = 4

Line: TypeAlias = tuple[Kind, tuple[str, str], bytes]
"""What a field line is, its name and value, and how it is written to a server."""

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


@dataclass(eq=False)
class LineMemo:
    """Field lines that many requests have in common."""

    lines: dict[bytes, Line] = field(default_factory=dict)

    def read(self, line: bytes) -> Line:
        """The line for the first time, or for the first time in a while."""
        found, secret = _read(line)
        if found[0] != UNUSUAL and not secret and len(line) <= LONGEST_LINE:
            if len(self.lines) >= MOST_LINES:
                self.lines.clear()
            self.lines[line] = found
        return found


_UNUSUAL: Final[tuple[Line, bool]] = ((UNUSUAL, ("", ""), b""), True)


def _read(line: bytes) -> tuple[Line, bool]:
    raw_name, colon, rest = line.partition(b":")
    raw = rest.strip(b" \t")
    if not colon or len(raw.translate(None, _NOT_IN_VALUES)) != len(raw):
        return _UNUSUAL
    known = _PASSED_NAMES.get(raw_name)
    if known is not None:
        value = raw.decode("latin-1")
        return (PASSED, (known[0], value), b"%b: %b\r\n" % (raw_name, raw)), known[1] in SECRETS
    try:
        lower, name, value = scan_field(line.decode("latin-1"))
    except BadHead:
        return _UNUSUAL
    return (_kind(lower, name, value), (name, value), b"%b: %b\r\n" % (raw_name, raw)), lower in SECRETS


def _kind(lower: str, name: str, value: str) -> Kind:
    kind = kind_of(name)
    if lower == "host":
        return HOST
    if lower == "content-length":
        # In latin-1 only 0 to 9 are decimal.
        return LENGTH if value.isdecimal() and len(value) <= LONGEST_LENGTH else UNUSUAL
    if lower == "connection":
        return LEFT_OUT if value.lower() == "keep-alive" else UNUSUAL
    if lower in LOOK_ALIKES or lower in ("transfer-encoding", "upgrade", "expect", "te"):
        return UNUSUAL
    return PASSED if kind == "end-to-end" else LEFT_OUT


class Section:
    """Some lines of a head, one after the other, and what they say.

    `fields` are the lines as they came, `passed` those for routing, `out` what a server gets of them.
    """

    def __init__(
        self,
        block: bytes,
        fields: Fields,
        passed: Fields,
        out: bytes,
        host: str | None,
        length: str | None,
        persistent: bool,
    ) -> None:
        self.block = block
        self.fields = fields
        self.passed = passed
        self.out = out
        self.host = host
        self.length = length
        self.persistent = persistent


EMPTY: Final = Section(b"", (), (), b"", None, None, False)


def read_section(raw_lines: list[bytes], memo: LineMemo) -> Section | None:
    """What these lines say; None where one of them, or two together, are not ordinary."""
    lines = memo.lines
    # Comprehensions: half the time of one loop that does all of it (measured).
    known = [lines.get(raw) or memo.read(raw) for raw in raw_lines]
    host = length = None
    persistent = False
    for kind, pair, _ in [line for line in known if line[0]]:
        if kind == HOST:
            if host is not None:
                return None
            host = pair[1]
        elif kind == LENGTH:
            if length is not None:
                return None
            length = pair[1]
        elif kind == UNUSUAL:
            return None
        elif pair[0].lower() == "connection":
            if persistent:
                return None
            persistent = True
    return Section(
        b"\r\n".join(raw_lines) + b"\r\n" if raw_lines else b"",
        tuple([line[1] for line in known]),
        tuple([line[1] for line in known if line[0] == PASSED or line[0] == LENGTH]),
        b"".join([line[2] for line in known if line[0] == PASSED]),
        host,
        length,
        persistent,
    )
