"""Socket proxy: passes on the few reading calls that discovery may make, and answers 403 to all others.

It stands for the filters that people put before the engine's socket, and its
event streams can be cut to see what happens then.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

READING = "version|_ping|events|networks|containers/json|containers/[0-9a-f]{64}/json"
ALLOWED = re.compile(rf"GET (/v1\.[0-9]+)?/({READING})(\?\S*)? ")
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class SocketProxy(ThreadingTCPServer):
    daemon_threads = True

    def __init__(
        self,
        engine: str,
        forbidden: str,
        tls: ssl.SSLContext | None,
        reading: str | None = None,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        super().__init__(address, Exchange)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.engine = engine.removeprefix("unix://")
        self.forbidden = forbidden
        self.allowed = re.compile(rf"GET {reading}(\?\S*)? ") if reading else ALLOWED
        self.asked: list[str] = []
        self.refused: list[str] = []
        self.streams: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.server_address[1]}"

    def cut(self) -> None:
        """Break every event stream, as a proxy's own timeout does."""
        streams, self.streams = self.streams, []
        for stream in streams:
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)


class Exchange(BaseRequestHandler):
    """One request a connection: what is asked first decides, and nothing else gets through."""

    server: SocketProxy

    def handle(self) -> None:
        with suppress(OSError):  # the client does not trust us, or has gone
            self.answer()

    def answer(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.request.recv(65536)
            if not data:
                return
            head += data
        line = head.decode("latin-1").partition("\r\n")[0]
        self.server.asked.append(line)
        if self.server.allowed.match(line) and self.server.forbidden not in line:
            self.pass_on(line)
        else:
            self.server.refused.append(line)
            print("403", line, flush=True)
            self.request.sendall(REFUSED)

    def pass_on(self, line: str) -> None:
        with socket.socket(socket.AF_UNIX) as upstream, suppress(OSError):
            upstream.connect(self.server.engine)
            if "/events" in line:
                self.server.streams += [self.request, upstream]
            upstream.sendall(f"{line}\r\nHost: engine\r\nConnection: close\r\n\r\n".encode())
            while data := upstream.recv(65536):
                self.request.sendall(data)


@contextmanager
def socket_proxy(
    engine: str, forbidden: str = "\n", tls: ssl.SSLContext | None = None, reading: str | None = None
) -> Iterator[SocketProxy]:
    """`reading` is an expression for the paths that may be read, in place of the usual ones."""
    with SocketProxy(engine, forbidden, tls, reading) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.cut()
            proxy.shutdown()
