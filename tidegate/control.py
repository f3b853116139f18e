"""Control: asking the running instance, through the socket in its data directory or the dashboard's address.

The socket needs no settings and no password: whoever may write the data
directory may ask, which is also what `docker exec` gives.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tidegate.addresses import Address, Off

NAME = "control.sock"
LONGEST = 100
"""A socket's path has room for 108 bytes (unix(7), sun_path)."""


class NotAnswering(Exception):
    """No running instance was reached; the text says what was tried."""


class AlreadyRunning(Exception):
    """Another instance uses this data directory."""


@contextmanager
def socket_path(data: Path) -> Iterator[str]:
    """A path to the control socket that fits into an address; a long one goes through its open directory."""
    path = str(data / NAME)
    if len(os.fsencode(path)) <= LONGEST:
        yield path
        return
    directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{NAME}"
    finally:
        os.close(directory)


class ControlConnection(http.client.HTTPConnection):
    def __init__(self, data: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._data = data

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        with socket_path(self._data) as path:
            self.sock.connect(path)


def tell(what: str, data: Path, timeout: float = 5.0) -> Any:
    """The running instance's answer to POST /api/`what`; only its own user may, through the socket."""
    try:
        return get(ControlConnection(data, timeout), f"/api/{what}", "POST")
    except (OSError, http.client.HTTPException, ValueError) as error:
        tried = f"  {data / NAME}: {in_words(error)}"
        raise NotAnswering(f"No running Tidegate answers here.\n{tried}\n{HINT}") from None


def ask(what: str, data: Path, dashboard: Address | Off, timeout: float = 5.0) -> Any:
    """The running instance's answer to GET /api/`what`."""
    ways: list[tuple[str, http.client.HTTPConnection]] = [
        (str(data / NAME), ControlConnection(data, timeout))
    ]
    if isinstance(dashboard, Address) and dashboard.port:
        way = http.client.HTTPConnection(dashboard.reachable_host, dashboard.port, timeout=timeout)
        ways.append((f"http://{Address(dashboard.reachable_host, dashboard.port)}", way))
    tried = []
    for name, connection in ways:
        try:
            return get(connection, f"/api/{what}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            tried.append(f"  {name}: {in_words(error)}")
    raise NotAnswering("\n".join(["No running Tidegate answers here.", *tried, HINT]))


HINT = (
    "If it runs with another data directory or dashboard, say so here as well: --data DIR, --dashboard ADDR."
)


def get(connection: http.client.HTTPConnection, target: str, method: str = "GET") -> Any:
    try:
        connection.request(method, target)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200 or response.headers.get_content_type() != "application/json":
        raise ValueError("something else than Tidegate answers there")
    return json.loads(body)


def in_words(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "there is no such socket"
        case PermissionError():
            return "you may not open it; try as its user, or as root"
        case ConnectionRefusedError():
            return "nobody listens there"
        case TimeoutError():
            return "no answer in time"
        case OSError():
            return (error.strerror or str(error)).lower()
    return str(error) or "something else than Tidegate answers there"
