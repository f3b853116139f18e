"""Player: a small HTTP server that plays a provider by its rules, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Player:
    """`rules` answers with a status and a body, JSON unless it is text."""

    rules: Callable[[Asked], tuple[int, Any]]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    more: dict[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> list[str]:
        return [f"{each.method} {each.path}" for each in self.asked]


@contextmanager
def playing(rules: Callable[[Asked], tuple[int, Any]]) -> Iterator[Player]:
    player = Player(rules)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
            player.asked.append(asked)
            status, said = player.rules(asked)
            data = (
                b"" if said is None else said.encode() if isinstance(said, str) else json.dumps(said).encode()
            )
            self.send_response(status)
            for name, value in player.more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    player.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield player
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
