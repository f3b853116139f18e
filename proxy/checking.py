"""Checking: ask servers now and then whether they are well.

One loop for all of them, which sleeps until the next check is due.  Checks go
over the pool, so they end with the container that they ask, and never meet
another one at its address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final, NoReturn
from urllib.parse import urljoin, urlsplit

from proxy.balancing import Balanced, HealthCheck
from proxy.exchange import Request, RequestHead, UpstreamError, get, without
from proxy.headers import authority_of
from proxy.held_body import Held
from proxy.http2_lane import SCHEME
from proxy.model import Server, Service
from proxy.piping import close
from proxy.upstream import Pool

MOST_AT_ONCE: Final = 32
MOST_REDIRECTS: Final = 10
OURSELVES: Final = ip_address("127.0.0.1")


@dataclass(slots=True)
class _Due:
    service: Service
    check: HealthCheck
    at: float
    under_way: bool = False


class Checker:
    def __init__(self, pool: Pool, judge: Callable[[Service, Server, bool], None]) -> None:
        """`judge` is told what each check has found."""
        self._pool = pool
        self._judge = judge
        self._due: dict[tuple[str, Server], _Due] = {}
        self._changed = asyncio.Event()

    def watch(self, services: Iterable[Service]) -> None:
        """Check the servers of these services from now on, and no others.  New ones are checked at once."""
        before, self._due = self._due, {}
        for service in services:
            how = service.how
            if not isinstance(how, Balanced) or how.health_check is None:
                continue
            for server in service.servers:
                key = service.name, server
                known = before.get(key)
                if known and known.check == how.health_check:
                    known.service = service
                    self._due[key] = known
                else:
                    self._due[key] = _Due(service, how.health_check, 0.0)
        if self._due:
            self._changed.set()

    async def run(self) -> NoReturn:
        self._changed.set()
        for due in self._due.values():
            due.under_way = False  # of a run before this one
        slots = asyncio.Semaphore(MOST_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                now = asyncio.get_running_loop().time()
                for key, due in self._due.items():
                    if due.at <= now and not due.under_way:
                        due.under_way = True
                        group.create_task(self._check(key, due, slots))
                await self._wait(now)

    async def _wait(self, now: float) -> None:
        """Until the next check is due, or something has changed."""
        waiting = [due.at for due in self._due.values() if not due.under_way]
        try:
            async with asyncio.timeout(max(min(waiting) - now, 0.0) if waiting else None):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _check(self, key: tuple[str, Server], due: _Due, slots: asyncio.Semaphore) -> None:
        server, check = key[1], due.check
        async with slots:
            well = await is_well(self._pool, server, check)
        interval = check.interval if well else check.unhealthy_interval or check.interval
        due.at = asyncio.get_running_loop().time() + interval
        due.under_way = False
        if self._due.get(key) is due:
            self._judge(due.service, server, well)
        self._changed.set()


async def is_well(pool: Pool, server: Server, check: HealthCheck) -> bool:
    """Whether the server answers as the check demands."""
    scheme, port = check.scheme or server.scheme, check.port or server.port
    asked = replace(server, port=port, scheme=scheme, path="")  # the check has a path of its own
    try:
        async with asyncio.timeout(check.timeout):
            if check.mode == "tcp":
                (await pool.connected(asked.address, asked.port)).close()
                return True
            if check.mode == "grpc":
                return await _serves_grpc(pool, replace(asked, scheme=SCHEME), check)
            status = await _status(pool, asked, check)
    except (UpstreamError, OSError, ValueError):  # a TimeoutError is an OSError
        return False
    return status == check.status if check.status is not None else 200 <= status < 400


async def _status(pool: Pool, server: Server, check: HealthCheck) -> int:
    """The status, that of the last answer where the server redirects to itself."""
    target = str(check.path)
    for _ in range(MOST_REDIRECTS):
        head = request_head(server, check, target)
        response = await pool.ask(server, head.fields, Request(head))
        await close(response.body)
        location = get(response.fields, "Location")
        if not (check.follow_redirects and 300 <= response.status < 400 and location):
            break
        onward = _same_server(server, check, target, location)
        if onward is None:
            break  # it has answered, and an app may not send us anywhere else
        target = onward
    return response.status


async def _serves_grpc(pool: Pool, server: Server, check: HealthCheck) -> bool:
    from proxy import grpc_health  # only who has such servers pays for it

    head = request_head(server, check, grpc_health.METHOD)
    told = (*without(head.fields, "Content-Type", "TE"), *grpc_health.FIELDS)
    asked = replace(head, method="POST", fields=told)
    response = await pool.ask(server, asked.fields, Request(asked, Held(grpc_health.QUESTION)))
    try:
        return await grpc_health.is_serving(response.status, response.fields, response.body)
    finally:
        await close(response.body)


def request_head(server: Server, check: HealthCheck, target: str) -> RequestHead:
    """What a server is asked."""
    given = {name.lower() for name in check.headers}
    fields = [("Host", check.hostname or authority_of(server))]
    if "user-agent" not in given:
        fields.append(("User-Agent", "Tidegate"))
    fields += [(name, value) for name, value in check.headers.items() if name.lower() != "host"]
    return RequestHead(check.method, target, tuple(fields), "", OURSELVES, server.scheme, server.port)


def _same_server(server: Server, check: HealthCheck, target: str, location: str) -> str | None:
    """The target of the redirect; None where it leads to another server."""
    known = {authority_of(server), server.url.partition("://")[2], check.hostname}
    parts = urlsplit(urljoin(f"{server.scheme}://{authority_of(server)}{target}", location))
    if parts.scheme != server.scheme or parts.netloc not in known:
        return None
    path = parts.path or "/"
    onward = f"{path}?{parts.query}" if parts.query else path
    return onward if onward.isascii() and onward.isprintable() and " " not in onward else None


def is_checked(service: Service) -> bool:
    """Whether its servers are asked at all."""
    return isinstance(service.how, Balanced) and service.how.health_check is not None
