"""Explainer: for people in the house, a page of the proxy's own says why it came.

Who is not there must never read it, and an address alone does not say who is:
behind Docker's userland proxy or a tunnel all the world has a private one.
So nobody is told who may be somebody's messenger.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from proxy.authority import url_host
from proxy.exchange import Fields, IPAddress, Response
from proxy.headers import TrustedProxies
from proxy.values import IPNetwork, Unfit, parse_address

if TYPE_CHECKING:
    from proxy.turn import Turn

STATUSES = frozenset((404, 502, 503, 504))
MESSENGERS = frozenset(
    (
        "x-forwarded-for",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
    )
)
"""Fields that hold the address of somebody else."""
UNREADABLE = frozenset(("forwarded", "via", "cdn-loop", "x-forwarded-by", "proxy-connection"))
"""Fields that somebody between us and the visitor has added, whoever the visitor is."""
AT_ONCE = 4
PATIENCE = 3.0
"""Seconds for the answer; the page comes without it after that."""
LONGEST_QUERY = 3000
"""A worker's word has 4 KiB; what a visitor says beyond this is left out of the question."""

Ask = Callable[[str], Awaitable[str]]
"""The answer of `tidegate why` to this query, or "" where there is none."""


async def silent(query: str) -> str:
    """Nobody knows."""
    return ""


@dataclass(slots=True, eq=False)
class Explainer:
    networks: tuple[IPNetwork, ...]
    trusted: TrustedProxies
    ask: Ask
    is_gateway: Callable[[IPAddress], bool]
    """Whether the address may stand for others; blocks."""
    asking: int = 0

    def concerns(self, said: Fields, client: IPAddress, peer: IPAddress) -> bool:
        """Whether the visitor is in the house for certain, as far as the request shows it.

        `said` are the fields as they came, `peer` is who is connected.
        """
        if client in self.trusted or not self._inside(client):
            return False
        spoken_for = peer in self.trusted
        for name, value in said:
            name = name.lower()
            if name in UNREADABLE or (name in MESSENGERS and not spoken_for):
                return False
            if name in MESSENGERS and not all(map(self._is_ours, value.split(","))):
                return False
        return True

    def _inside(self, address: IPAddress) -> bool:
        return any(address in network for network in self.networks)

    def _is_ours(self, text: str) -> bool:
        try:
            address = parse_address(text.strip())
        except Unfit:
            return False
        return self._inside(address) or address in self.trusted

    async def explained(self, turn: Turn, entrypoint: str, response: Response) -> Response:
        """The page with the answer below it; the page alone where that does not come in time."""
        if response.status not in STATUSES or self.asking >= AT_ONCE or not isinstance(response.body, bytes):
            return response
        self.asking += 1
        try:
            if await asyncio.to_thread(self.is_gateway, turn.head.client_ip):
                return response
            async with asyncio.timeout(PATIENCE):
                text = await self.ask(question(turn, entrypoint))
        except TimeoutError:
            return response
        finally:
            self.asking -= 1
        return with_text(response, text) if text else response


def question(turn: Turn, entrypoint: str) -> str:
    """The query of /api/why for this request."""
    head = turn.head
    query = [
        ("about", f"{head.scheme}://{url_host(head.host)}{turn.scanned.target}"),
        ("method", head.method),
        ("from", str(head.client_ip)),
        ("entrypoint", entrypoint),
    ]
    told = [("header", f"{name}: {value}") for name, value in head.fields if name.lower() != "host"]
    whole = urlencode([*query, *told], errors="replace")
    return whole if len(whole) <= LONGEST_QUERY else urlencode(query, errors="replace")[:LONGEST_QUERY]


def with_text(response: Response, text: str) -> Response:
    """The page of the proxy's own with this text below it, in the page's own form."""
    body = response.body if isinstance(response.body, bytes) else b""
    kind = response.get("Content-Type")
    if kind.startswith("text/html"):
        style = "text-align: left; white-space: pre-wrap; overflow-wrap: anywhere"
        from html import escape

        body += f'<pre style="{style}">{escape(text)}</pre>\n'.encode()
    elif kind.startswith("application/json"):
        body = json.dumps({**json.loads(body), "why": text.splitlines()}).encode() + b"\n"
    else:
        body += b"\n" + text.encode()
    return replace(response, body=body)
