"""A visitor for the demo: asks a site by name on this machine, and checks certificates as a browser does."""

from __future__ import annotations

import base64
import http.client
import os
import re
import socket
import ssl
import time
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"


class Visitor(http.client.HTTPSConnection):
    """HTTPS to a name that no DNS has to know: it connects to this machine and checks for the name."""

    def connect(self) -> None:
        plain = socket.create_connection((LOOPBACK, self.port), self.timeout)
        self.sock = self.context.wrap_socket(plain, server_hostname=self.host)

    def __init__(self, host: str, port: int, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=10, context=context)
        self.context = context


@dataclass(frozen=True, slots=True)
class Visit:
    status: int
    issuer: str
    body: str

    @property
    def summary(self) -> str:
        heading = re.search(r"<h1>(.*?)</h1>", self.body)
        return f"{self.status} {heading[1] if heading else self.body.strip()[:60]}"


def issuer_of(connection: ssl.SSLSocket) -> str:
    certificate = connection.getpeercert() or {}
    names = dict(pair[0] for pair in certificate.get("issuer", ()))
    return str(names.get("commonName", "?"))


def visit(host: str, port: int, trust: ssl.SSLContext, target: str = "/") -> Visit:
    """One GET.  Raises OSError (of which ssl.SSLError is one) when the site cannot be reached or trusted."""
    connection = Visitor(host, port, trust)
    try:
        connection.request("GET", target)
        issuer = issuer_of(connection.sock)
        answer = connection.getresponse()
        return Visit(answer.status, issuer, answer.read().decode(errors="replace"))
    finally:
        connection.close()


def redirect_of(host: str, port: int) -> tuple[int, str]:
    """What plain HTTP answers: the status and where it points."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": f"{host}:{port}"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location", "")
    finally:
        connection.close()


def echo(host: str, port: int, trust: ssl.SSLContext, text: str) -> str:
    """Send one WebSocket message and return what comes back (RFC 6455)."""
    connection = Visitor(host, port, trust)
    connection.connect()
    with connection.sock as stream:
        key = base64.b64encode(os.urandom(16)).decode()
        stream.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        answers = stream.makefile("rb")
        status = answers.readline().decode()
        if " 101 " not in status:
            raise OSError(f"the WebSocket was refused: {status.strip()}")
        while answers.readline().strip():
            continue
        mask, payload = os.urandom(4), text.encode()
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        stream.sendall(bytes([0x81, 0x80 | len(payload)]) + mask + masked)
        _, length = answers.read(2)
        return answers.read(length).decode()


def arrivals(host: str, port: int, trust: ssl.SSLContext, target: str) -> list[float]:
    """Seconds after the request at which each event of a stream arrived."""
    connection = Visitor(host, port, trust)
    try:
        started = time.monotonic()
        connection.request("GET", target)
        answer = connection.getresponse()
        return [
            time.monotonic() - started for line in iter(answer.readline, b"") if line.startswith(b"data:")
        ]
    finally:
        connection.close()
