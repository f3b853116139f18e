"""Route: a router compiled for one entrypoint, and the two answers that the proxy itself gives for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from proxy.authority import url_host
from proxy.exchange import AtOnce, BodyMiddleware, Middleware, OnRequest, OnResponse, RequestHead, Response
from proxy.model import Router, Service
from proxy.pages import NOT_SET_UP, page
from proxy.rule import Rule

Action = Literal["serve", "redirect", "broken"]


@dataclass
class Route:
    """A router on one entrypoint, compiled.

    Redirects and refusals are `on_request` steps like any other, so whoever
    serves routes needs no case for them; `action` is for logs and lists.
    `on_response` is innermost first, the order in which a response passes.
    """

    name: str
    router: Router
    rule: Rule
    service: Service | None
    action: Action = "serve"
    reason: str = ""
    """Why the route is broken, in words for its owner."""
    middlewares: tuple[Middleware, ...] = ()
    on_request: tuple[OnRequest, ...] = ()
    on_response: tuple[OnResponse, ...] = ()
    steady: bool = True
    """What `on_request` makes of a head depends on nothing else: the same head, the same outcome."""
    steady_back: bool = True
    """So it is with `on_response`, a head of an answer and one of a request."""
    alike: bool = True
    """And with the head of an answer alone, whoever asked."""
    wrap: tuple[BodyMiddleware, ...] = ()
    hurried: tuple[AtOnce, ...] = ()
    """The same, where a request may do without waiting for any of them."""
    on_passage: tuple[OnResponse, ...] = ()
    """`on_response` in the fast lane, where those behind the hurried ones come first."""
    passes: tuple[str, ...] = ()
    """The names of its middlewares, those of the installation first; chains are one name."""
    picks: bool = False
    """Which server is asked depends on the request or on how the servers are, not on turns alone."""
    particular: bool = False
    """Its servers are limited or have paths, of which the usual passage of the fast lane knows nothing."""

    @property
    def plain(self) -> bool:
        """No middleware needs the body or has to wait."""
        return not self.wrap

    @property
    def priority(self) -> int:
        return self.router.priority or self.rule.priority  # an explicit 0 is none, as in Traefik


@dataclass(frozen=True, slots=True)
class ToHTTPS:
    port: int

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        if not request.host:
            return page(400, request)
        port = "" if self.port == 443 else f":{self.port}"
        location = f"https://{url_host(request.host)}{port}{request.target}"
        return Response(308, (("Location", location),), "Permanent Redirect")


@dataclass(frozen=True, slots=True)
class Refusal:
    def on_request(self, request: RequestHead) -> RequestHead | Response:
        return page(503, request, NOT_SET_UP)
