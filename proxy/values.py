"""Values: what one piece of text in a label, a flag or a file can stand for.

A type of one's own takes part by a classmethod `parse(text)` that returns the
value or raises ValueError, best `Unfit`, with a sentence for the owner.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args, get_origin

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network

TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""Go's ParseBool, which people who bring Traefik labels are used to."""


class Unfit(ValueError):
    """The text does not say what is wanted here."""

    def __init__(self, expected: str, value: object) -> None:
        hint = " Leave out the quotes: they are part of the value." if _in_quotes(value) else ""
        super().__init__(f"Expected {expected}, not {quote(value)}.{hint}")
        self.expected = expected


def _in_quotes(value: object) -> bool:
    """As a list of labels in YAML has it: `- tidegate.port="80"`."""
    return isinstance(value, str) and len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]


def quote(value: object) -> str:
    """The value as it may stand in a message: short, on one line, never a whole structure."""
    match value:
        case str():
            return repr(value if len(value) <= 80 else value[:77] + "...")
        case bool():
            return str(value).lower()
        case None:
            return "nothing"
        case int() if value.bit_length() > 64:
            return "a number that large"
        case int() | float():
            return str(value)
        case Mapping():
            return "options below it"
        case list() | tuple():
            return "a list"
    return f"a {type(value).__name__}"


def short(text: str, most: int = 80) -> str:
    """Somebody's text, fit for the middle of a message."""
    shown = text if len(text) <= most else text[: most - 3] + "..."
    return shown if shown.isprintable() else "".join(c if c.isprintable() else "?" for c in shown)


def plain_text(value: object) -> str:
    """A leaf as the text that a label would have.

    YAML's numbers and booleans arrive typed; whatever has no one text form is refused.
    """
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case int() if value.bit_length() <= 64:
            return str(value)
        case float():
            return repr(value)
    raise Unfit("one value", value)


class Duration(float):
    """Seconds; written as a number of seconds or as in Go, 1m30s."""

    LIMIT = 100 * 365 * 86400.0
    UNITS: Mapping[str, float] = {
        "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3,
        "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0,
    }  # fmt: skip
    _PART = re.compile(r"([0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(ns|us|µs|μs|ms|s|m|h|d)")
    _SECONDS = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")

    @classmethod
    def parse(cls, text: str) -> Duration:
        if cls._SECONDS.fullmatch(text):
            seconds = float(text)
        else:
            parts = list(cls._PART.finditer(text[:200]))
            if not parts or "".join(part.group() for part in parts) != text:
                raise Unfit("a duration such as 90, 30s or 1m30s", text)
            seconds = sum(float(part[1]) * cls.UNITS[part[2]] for part in parts)
        if seconds > cls.LIMIT:
            raise Unfit("a duration of at most 100 years", text)
        return cls(seconds)

    def __str__(self) -> str:
        rest, shown = float(self), ""
        for unit, size in (("h", 3600), ("m", 60)):
            if rest >= size:
                shown += f"{int(rest // size)}{unit}"
                rest %= size
        return f"{shown}{rest:g}s" if rest or not shown else shown


class ByteSize(int):
    """Bytes; k, m and g (also KB, KiB, ...) are powers of 1024, as Docker reads them."""

    _TEXT = re.compile(r"([0-9]{1,15}) ?(?:([kmgt]?)i?b?)", re.IGNORECASE)

    @classmethod
    def parse(cls, text: str) -> ByteSize:
        found = cls._TEXT.fullmatch(text)
        if not found:
            raise Unfit("a size such as 65536, 64KiB or 10m", text)
        return cls(int(found[1]) << 10 * " kmgt".index(found[2].lower() or " "))


PRIVATE = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),  # RFC 1918, RFC 4193
    *("127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10"),
)
"""The networks that `lan` stands for."""


class FileName(str):
    """A file of the machine that Tidegate runs on; nothing that came with an image may name one."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> FileName:
        return cls(text)


class Port(int):
    """A TCP port."""

    @classmethod
    def parse(cls, text: str) -> Port:
        if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
            raise Unfit("a port between 1 and 65535", text)
        return cls(text)


def parse_bool(text: str) -> bool:
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise Unfit("true or false", text)


def parse_int(text: str) -> int:
    if not re.fullmatch("[+-]?[0-9]{1,19}", text):
        raise Unfit("a whole number", text)
    return int(text)


def parse_float(text: str) -> float:
    if not re.fullmatch(r"[+-]?([0-9]{1,300}\.?[0-9]{0,300}|\.[0-9]{1,300})(e[+-]?[0-9]{1,3})?", text):
        raise Unfit("a number", text)
    if not math.isfinite(number := float(text)):
        raise Unfit("a smaller number", text)
    return number


def parse_address(text: str) -> IPAddress:
    try:
        if "%" in text:
            raise ValueError  # a scope means something on one machine only
        return ip_address(text)
    except ValueError:
        raise Unfit("an address such as 192.168.1.7 or fd00::7", text) from None


def parse_network(text: str) -> IPNetwork:
    """A network; an address alone means just itself, and host bits do no harm (10.1.2.3/8)."""
    try:
        _, slash, prefix = text.partition("/")
        if "%" in text or (slash and not re.fullmatch("[0-9]{1,3}", prefix)):
            raise ValueError  # Python would take host masks too, which read like the opposite
        return ip_network(text, strict=False)
    except ValueError:
        raise Unfit("a network such as 192.168.1.0/24", text) from None


def parse_choice(choices: Mapping[str, Any], text: str) -> Any:
    for name, value in choices.items():
        if name.lower() == text.lower():
            return value
    raise Unfit(f"one of {', '.join(choices)}", text)


def parse_path(text: str) -> Path:
    if not text or "\0" in text:
        raise Unfit("a path", text)  # an empty one would be wherever the program was started
    return Path(text)


_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    bool: parse_bool,
    int: parse_int,
    float: parse_float,
    Path: parse_path,
    IPv4Address | IPv6Address: parse_address,
    IPv4Network | IPv6Network: parse_network,
}


def has_text_form(type_: Any) -> bool:
    return type_ in _PARSERS or hasattr(type_, "parse")


def parse_leaf(type_: Any, value: object) -> Any:
    """The value that one leaf stands for; raises ValueError."""
    if type_ is str and isinstance(value, float):
        raise Unfit("text in quotes", value)  # YAML has already made 1.1 of 1.10
    text = plain_text(value)
    if type_ is str:
        return text
    text = text.strip()
    if get_origin(type_) is Literal:
        return parse_choice({str(choice): choice for choice in get_args(type_)}, text)
    if type_ in _PARSERS:
        return _PARSERS[type_](text)
    if isinstance(type_, type) and issubclass(type_, Enum):
        return parse_choice({str(member.value): member for member in type_}, text)
    return type_.parse(text)
