"""Servers that take messages on loopback: HTTP of any kind, and mail."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class Inbox:
    """What came, each with its path and fields; `status` is how the next ones are answered."""

    def __init__(self) -> None:
        self.came: list[tuple[str, Any, dict[str, str]]] = []
        self.status = 200
        self.port = 0

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [document for _, document, _ in self.came]


@contextmanager
def taking() -> Iterator[Inbox]:
    inbox = Inbox()

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inbox.came.append((self.path, json.loads(body), dict(self.headers)))
            self.send_response(inbox.status)
            if inbox.status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Take)
    inbox.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
