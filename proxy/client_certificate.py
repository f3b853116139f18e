"""Client certificate: what a certificate says of its owner (RFC 5280 4.1), read from its DER form.

OpenSSL has verified it before; what is read here decides nothing, it is only
told to an app.  Written down here because `cryptography` is 10 MB of memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address

from proxy.frozen import frozen

INTEGER, OBJECT, SEQUENCE = 0x02, 0x06, 0x30
UTC_TIME = 0x17
VERSION, EXTENSIONS = 0xA0, 0xA3
EMAIL, DNS, URI, IP = 0x81, 0x82, 0x86, 0x87
TEXTS = {0x14: "latin-1", 0x1C: "utf-32-be", 0x1E: "utf-16-be"}
"""Encodings of the string types that are not UTF-8 or part of it."""
ALTERNATIVE_NAMES = bytes.fromhex("551d11")
ATTRIBUTES = {
    bytes.fromhex("550406"): "C",
    bytes.fromhex("550408"): "ST",
    bytes.fromhex("550407"): "L",
    bytes.fromhex("55040a"): "O",
    bytes.fromhex("55040b"): "OU",
    bytes.fromhex("550405"): "SN",
    bytes.fromhex("550403"): "CN",
    bytes.fromhex("0992268993f22c640119"): "DC",
}

Name = tuple[tuple[str, str], ...]
"""The attributes of a subject or an issuer that are known here, in their order."""


class Unreadable(ValueError):
    """It is not a certificate in DER form."""


@frozen
class Certificate:
    serial: int
    issuer: Name
    subject: Name
    not_before: datetime
    not_after: datetime
    names: tuple[str, ...]
    """Subject alternative names: hosts, mail addresses, IP addresses, URIs, in this order."""


def read_certificate(der: bytes) -> Certificate:
    """Raises Unreadable."""
    try:
        return _read(der)
    except (ValueError, IndexError, StopIteration) as error:
        raise Unreadable("not a certificate in DER form") from error


def _read(der: bytes) -> Certificate:
    [(_, whole)] = _items(der)
    fields = [each for each in _items(next(_items(whole))[1]) if each[0] != VERSION]
    serial, _, issuer, validity, subject, *_ = (content for _, content in fields)
    begin, end = _items(validity)
    extensions = next((content for tag, content in fields if tag == EXTENSIONS), b"")
    return Certificate(
        int.from_bytes(serial, signed=True),
        tuple(_attributes(issuer)),
        tuple(_attributes(subject)),
        _time(*begin),
        _time(*end),
        tuple(_alternative_names(extensions)),
    )


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements that stand one behind the other: tag and content of each (X.690 8.1)."""
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size]), at + size
        if at + length > len(data):
            raise Unreadable("an element is longer than what holds it")
        yield tag, data[at : at + length]
        at += length


def _attributes(name: bytes) -> Iterator[tuple[str, str]]:
    for _, several in _items(name):
        for _, pair in _items(several):
            (_, kind), (tag, value) = _items(pair)
            if kind in ATTRIBUTES:
                yield ATTRIBUTES[kind], value.decode(TEXTS.get(tag, "utf-8"), "replace")


def _time(tag: int, content: bytes) -> datetime:
    """Two digits of a year are of 1950 to 2049 (RFC 5280 4.1.2.5.1)."""
    text = content.decode("ascii")
    if tag == UTC_TIME:
        text = ("19" if text >= "5" else "20") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _alternative_names(extensions: bytes) -> Iterator[str]:
    for _, several in _items(extensions):
        for _, extension in _items(several):
            (_, kind), *_, (_, value) = _items(extension)
            if kind == ALTERNATIVE_NAMES:
                names = list(_items(next(_items(value))[1]))
                for wanted in (DNS, EMAIL, IP, URI):
                    yield from (_name(tag, content) for tag, content in names if tag == wanted)


def _name(tag: int, content: bytes) -> str:
    return str(ip_address(content)) if tag == IP else content.decode("utf-8", "replace")
