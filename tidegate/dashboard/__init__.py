"""Dashboard: what the running instance is doing, as JSON under /api and as one page; it only shows."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from aiohttp import web

from tidegate.dashboard.page import STYLE_HASH, render_page
from tidegate.status import Status, as_json

HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src '{STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

PARTS = ("routes", "services", "certificates", "problems", "entrypoints", "tasks", "workers")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def dashboard(status: Callable[[], Status], *, local_only: bool = True) -> web.Application:
    """The application; `local_only` where it is bound to loopback: no web page may reach it by a name."""
    app = web.Application(middlewares=[only_local_names, only_reading] if local_only else [only_reading])
    app.on_response_prepare.append(set_headers)

    async def whole(_: web.Request) -> web.Response:
        return json_response(status())

    async def part(request: web.Request) -> web.Response:
        name = request.match_info["part"]
        if name not in PARTS:
            raise web.HTTPNotFound(text=f"There is no such list. Known: status, {', '.join(PARTS)}.\n")
        return json_response(getattr(status(), name))

    async def health(_: web.Request) -> web.Response:
        now = status()
        return json_response({"health": now.health, "reasons": now.reasons})

    async def page(_: web.Request) -> web.Response:
        # A route file's "\uD800" is no character; the page shows the rest all the same.
        body = render_page(status()).encode("utf-8", "replace")
        return web.Response(body=body, content_type="text/html", charset="utf-8")

    async def healthz(_: web.Request) -> web.Response:
        # Degraded is 200 as well: sites are served, and a restart would bring no engine back.
        now = status()
        text = "".join(f"{line}\n" for line in (now.health, *now.reasons))
        return web.Response(status=503 if now.health == "down" else 200, text=text)

    app.router.add_get("/", page)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/api/status", whole)
    app.router.add_get("/api/health", health)
    app.router.add_get("/api/{part}", part)
    return app


def json_response(value: object) -> web.Response:
    return web.Response(text=json.dumps(as_json(value), indent=1) + "\n", content_type="application/json")


@web.middleware
async def only_reading(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.method not in ("GET", "HEAD"):
        raise web.HTTPMethodNotAllowed(request.method, ("GET", "HEAD"))
    return await handler(request)


@web.middleware
async def only_local_names(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a name that a stranger's DNS can point at this machine (DNS rebinding); an address cannot be."""
    if not is_local_name(request.headers.get("Host", "")):
        raise web.HTTPForbidden(text="Ask for this by its address, or as localhost.\n")
    return await handler(request)


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


async def set_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)
    response.headers.popall("Server", None)
