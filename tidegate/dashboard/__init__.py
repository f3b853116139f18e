"""Dashboard: what the running instance is doing, as JSON under /api and as one page.

It only shows; the same door in the data directory, the control socket, also takes orders.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field, replace
from ipaddress import ip_address
from typing import TypeAlias

from proxy.exchange import Response, get
from proxy.frozen import frozen
from proxy.head import ScannedRequest
from tidegate.dashboard.door import plain
from tidegate.dashboard.frame import STYLE_HASH
from tidegate.metrics import METRICS, metrics_text
from tidegate.status import Status, as_json

HEADERS = (
    (
        "Content-Security-Policy",
        f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)

Why: TypeAlias = Callable[[str], Awaitable[object]]
"""Answers the query of /api/why (`tidegate.why`)."""
Act: TypeAlias = Callable[[str], Awaitable[object]]
"""Does what the query of a POST says, and tells what came of it."""
PARTS = ("routes", "services", "certificates", "authorities", "problems", "entrypoints", "tasks", "workers")


@frozen
class Dashboard:
    """`local_only` where it is bound to loopback: no web page may reach it by a name.

    `acts`, by their paths, only behind the control socket: whoever may open that owns the data directory.
    `certs` has everything about certificates, which takes a look at the disk.
    """

    status: Callable[[], Status]
    why: Why | None = None
    local_only: bool = True
    acts: Mapping[str, Act] = field(default_factory=dict)
    certs: Callable[[], Awaitable[object]] | None = None

    async def answer(self, asked: ScannedRequest) -> Response:
        response = await self._answer(asked)
        return replace(response, fields=(*response.fields, *HEADERS))

    async def _answer(self, asked: ScannedRequest) -> Response:
        if self.local_only and not is_local_name(get(asked.fields, "Host")):
            # A stranger's DNS can point a name at this machine (DNS rebinding); an address cannot be.
            return plain(403, "Ask for this by its address, or as localhost.")
        path, _, query = asked.target.partition("?")
        if asked.method == "POST" and (act := self.acts.get(path)):
            return json_response(await act(query))
        if asked.method not in ("GET", "HEAD"):
            return plain(405, "This only shows.", Allow="GET,HEAD")
        if path == "/api/why" and self.why:
            return json_response(await self.why(query))
        if path == "/api/certs" and self.certs:
            return json_response(await self.certs())
        return self._shown(path)

    def _shown(self, path: str) -> Response:
        match path.split("/"):
            case ["", ""]:
                from tidegate.dashboard.page import render_page  # half a megabyte, if nobody looks

                # A route file's "\uD800" is no character; the page shows the rest all the same.
                body = render_page(self.status()).encode("utf-8", "replace")
                return Response(200, (("Content-Type", "text/html; charset=utf-8"),), body=body)
            case ["", "healthz"]:
                # Degraded is 200 as well: sites are served, and a restart would bring no engine back.
                now = self.status()
                return plain(503 if now.health == "down" else 200, "\n".join((now.health, *now.reasons)))
            case ["", "metrics"]:
                return Response(200, (("Content-Type", METRICS),), body=metrics_text(self.status()).encode())
            case ["", "api", "status"]:
                return json_response(self.status())
            case ["", "api", "health"]:
                now = self.status()
                return json_response({"health": now.health, "reasons": now.reasons})
            case ["", "api", name] if name in PARTS:
                return json_response(getattr(self.status(), name))
            case ["", "api", _]:
                return plain(404, f"There is no such list. Known: status, {', '.join(PARTS)}.")
        return plain(404, "There is nothing here.")


def json_response(value: object) -> Response:
    body = json.dumps(as_json(value), indent=1).encode() + b"\n"
    return Response(200, (("Content-Type", "application/json; charset=utf-8"),), body=body)


def is_local_name(host: str) -> bool:
    name = host.lower()
    if not name.endswith("]"):
        front, colon, port = name.rpartition(":")
        name = front if colon and port.isdecimal() else name
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return bool(ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        return False
