"""ClientHello: what a client says before TLS begins: which name it wants and which protocols it speaks.

Read without taking it off the socket, so that the certificate is chosen first
and OpenSSL still sees every byte.  What cannot be read here is not judged
here: OpenSSL gets it and refuses it, or takes it, by its own rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HANDSHAKE: Final = 22
CLIENT_HELLO: Final = 1
SERVER_NAME: Final = 0
ALPN: Final = 16
LONGEST: Final = 16 * 1024
"""Octets that are looked at: with post-quantum key shares a hello has 2 KiB."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """`server_name` is None where the client named none (RFC 6066 3); `alpn` as in RFC 7301 3.1."""

    server_name: str | None = None
    alpn: tuple[bytes, ...] = ()


class Unreadable(Exception):
    """Not a ClientHello, or not one that we understand."""


def read_client_hello(data: bytes) -> ClientHello | None:
    """The hello that a connection begins with, None while it is not whole."""
    message = _message(data)
    return None if message is None else _read(message)


def read_hello_message(message: bytes) -> ClientHello:
    """The same of a whole handshake message, which begins with its type and length."""
    return _read(message[4:])


def _read(message: bytes) -> ClientHello:
    try:
        return _hello(message)
    except IndexError:
        raise Unreadable from None


def _message(data: bytes) -> bytes | None:
    """The first handshake message, which may be spread over several records (RFC 8446 5.1)."""
    message, at = b"", 0
    while at < len(data) and data[at] == HANDSHAKE:
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        message += data[at + 5 : at + 5 + size]
        at += 5 + size
    if message and message[0] != CLIENT_HELLO:
        raise Unreadable
    end = 4 + int.from_bytes(message[1:4], "big") if len(message) >= 4 else LONGEST
    if len(message) >= end:
        return message[4:end]
    if at < len(data) or end > LONGEST or len(data) >= LONGEST:
        raise Unreadable
    return None


def _hello(message: bytes) -> ClientHello:
    """RFC 8446 4.1.2: version, random, session id, cipher suites, compression, extensions."""
    at = 2 + 32
    at += 1 + message[at]
    at += 2 + _number(message, at)
    at += 1 + message[at]
    if at == len(message):
        return ClientHello()
    end = at + 2 + _number(message, at)
    if end != len(message):
        raise Unreadable
    at += 2
    name: str | None = None
    alpn: tuple[bytes, ...] = ()
    while at < end:
        kind, size = _number(message, at), _number(message, at + 2)
        content = message[at + 4 : at + 4 + size]
        if len(content) != size:
            raise Unreadable
        if kind == SERVER_NAME:
            name = _server_name(content)
        elif kind == ALPN:
            alpn = _protocols(content)
        at += 4 + size
    return ClientHello(name, alpn)


def _number(message: bytes, at: int) -> int:
    """Two octets, big-endian; IndexError where they are not there."""
    return message[at] << 8 | message[at + 1]


def _server_name(content: bytes) -> str | None:
    """The one host name of the list (RFC 6066 3): A-labels, without a final dot."""
    if _number(content, 0) + 2 != len(content) or content[2] != 0 or _number(content, 3) + 5 != len(content):
        raise Unreadable
    return content[5:].decode("latin-1")


def _protocols(content: bytes) -> tuple[bytes, ...]:
    if _number(content, 0) + 2 != len(content):
        raise Unreadable
    names, at = [], 2
    while at < len(content):
        name = content[at + 1 : at + 1 + content[at]]
        if len(name) != content[at] or not name:
            raise Unreadable
        names.append(name)
        at += 1 + len(name)
    return tuple(names)
