"""Labels of test sites, and waiting until a site is answered by the right app."""

from __future__ import annotations

import asyncio
import time

from docker.models.containers import Container

from tests.integration.visitor import Visitor


def plain(app: str, host: str) -> dict[str, str]:
    """Labels of a site that is served in the clear, so that a load test needs no certificate."""
    router = f"tidegate.http.routers.{app}"
    return {f"{router}.rule": f"Host(`{host}`)", f"{router}.entrypoints": "web"}


def address_of(container: Container) -> str:
    (network,) = container.attrs["NetworkSettings"]["Networks"].values()
    return str(network["IPAddress"])


async def busy(container: Container, count: int) -> None:
    """Wait until its app is in the middle of so many exchanges."""
    async with asyncio.timeout(30), Visitor(8000, "app", address=address_of(container)) as visitor:
        while (await visitor.get("/busy")).body != b"%d" % count:
            await asyncio.sleep(0.02)


async def known_to_all(port: int, host: str) -> None:
    """Wait until a site is served by whichever worker a visitor meets: what one knows, others soon know."""
    in_a_row = 0
    async with asyncio.timeout(30):
        while in_a_row < 12:
            async with Visitor(port, host) as visitor:
                in_a_row = in_a_row + 1 if (await visitor.get()).status == 200 else 0


async def answers(port: int, host: str, app: str, within: float = 30) -> None:
    """Wait until `host` is answered by `app`; with an empty `app`, until no app answers any more."""
    deadline = time.monotonic() + within
    async with Visitor(port, host) as visitor:
        while (seen := await visitor.get()).app != app:
            assert time.monotonic() < deadline, f"{host}: still {seen.status} {seen.app!r}, expected {app!r}"
            await asyncio.sleep(0.02)
