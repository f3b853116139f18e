"""Apps: a server that says hi, for tests of the whole program."""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.program import LOOPBACK, ROOT, Program


class Hi(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"hi")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def running() -> Iterator[int]:
    """Its port."""
    server = HTTPServer((LOOPBACK, 0), Hi)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def visit(program: Program, host: str, path: str = "/", **fields: str) -> http.client.HTTPResponse:
    """The answer over plain HTTP, its content read as `.text`."""
    connection = http.client.HTTPConnection(LOOPBACK, program.web, timeout=10)
    try:
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        connection.request("GET", path, headers={"Host": host, **headers})
        response = connection.getresponse()
        response.text = response.read().decode()  # type: ignore[attr-defined]
        return response
    finally:
        connection.close()


def typed(program: Program, *words: str) -> tuple[int, str]:
    """A command beside the program: its exit status, and all that it said."""
    command = [sys.executable, "-m", "tidegate", words[0], "--data", str(program.data), *words[1:]]
    ran = subprocess.run(
        command, cwd=ROOT, env=program.environment, capture_output=True, text=True, check=False, timeout=60
    )
    return ran.returncode, ran.stdout + ran.stderr
