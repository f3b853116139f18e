"""Labels of test sites, and waiting until a site is answered by the right app."""

from __future__ import annotations

import asyncio
import time

from tests.integration.visitor import Visitor


def plain(app: str, host: str) -> dict[str, str]:
    """Labels of a site that is served in the clear, so that a load test needs no certificate."""
    router = f"tidegate.http.routers.{app}"
    return {f"{router}.rule": f"Host(`{host}`)", f"{router}.entrypoints": "web"}


async def answers(port: int, host: str, app: str, within: float = 10) -> None:
    """Wait until `host` is answered by `app`; with an empty `app`, until no app answers any more."""
    deadline = time.monotonic() + within
    async with Visitor(port, host) as visitor:
        while (seen := await visitor.get()).app != app:
            assert time.monotonic() < deadline, f"{host}: still {seen.status} {seen.app!r}, expected {app!r}"
            await asyncio.sleep(0.02)
