"""Copying: requests that are answered by one service are sent to others too, whose answers are dropped."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from proxy.exchange import BodyMiddleware, Handler, Request, RequestHead, Response, UpstreamError
from proxy.frozen import frozen
from proxy.held_body import Held, hold
from proxy.piping import close
from proxy.surroundings import Surroundings

MOST_UNDER_WAY = 64
"""Copies of one router that nobody has answered yet; more are not made: a slow mirror holds no memory."""
ABOUT_CONTENT = ("Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Expect")


@frozen
class Copying:
    """`shares` are the services that get copies, of so many of a hundred requests."""

    shares: tuple[tuple[str, int], ...]
    with_content: bool
    most: int

    def begin(self, around: Surroundings) -> BodyMiddleware:
        return Copier(self, around)


class Copier:
    def __init__(self, options: Copying, around: Surroundings) -> None:
        self._options = options
        self._around = around
        self._seen = 0
        self._copied = [0] * len(options.shares)
        self._under_way: set[asyncio.Task[None]] = set()

    def wrap(self, next_handler: Handler) -> Handler:
        async def copied(request: Request) -> Response:
            names = self._due()
            if not names:
                return await next_handler(request)
            content = Held(b"")
            if self._options.with_content and request.body.length != 0:
                content, rest = await hold(request.body, self._options.most)
                if rest is not None:  # there is more than is kept: it passes by
                    return await next_handler(replace(request, body=rest))
                request = replace(request, body=content)
            copy = Request(self._head(request.head), content)
            for name in names:
                self._send(name, copy)
            return await next_handler(request)

        return copied

    def _head(self, head: RequestHead) -> RequestHead:
        return head if self._options.with_content else head.without(*ABOUT_CONTENT)

    def _due(self) -> list[str]:
        """Who gets a copy of this one: over a hundred requests each has its share."""
        self._seen += 1
        names = []
        for place, (name, percent) in enumerate(self._options.shares):
            if self._copied[place] * 100 < self._seen * percent:
                self._copied[place] += 1
                names.append(name)
        return names

    def _send(self, name: str, request: Request) -> None:
        if len(self._under_way) < MOST_UNDER_WAY:
            task = asyncio.get_running_loop().create_task(self._ask(name, request))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _ask(self, name: str, request: Request) -> None:
        try:
            response = await self._around.ask(name, request)
            await close(response.body)
        except UpstreamError:
            return  # nobody waits for it, and that its server does not answer is told elsewhere
