"""A post that is given up while a worker is on its way to it."""

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL

import pytest
import structlog

from proxy.listening import Listener
from tidegate.workers import post


class Nobody:
    """An employer without orders."""

    def greeting(self, sockets):
        return ()

    def looked(self):
        return None

    def write_log(self, line):
        return None


async def crash(channel, log_end, sockets):
    """Started as a worker is, with the sockets of the post, and dead at once."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-S", "-c", "raise SystemExit(3)"),
        stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, pass_fds=[sock.fileno() for sock in sockets],
    )  # fmt: skip


@pytest.mark.parametrize("turns", range(12))
async def test_a_post_that_is_left_while_a_worker_starts_ends_without_a_fault(monkeypatch, turns):
    monkeypatch.setattr(post, "start", crash)
    bound = socket.create_server(("127.0.0.1", 0))
    place = post.Post(0, [(Listener("web", "127.0.0.1", 0), bound)], Nobody())
    with structlog.testing.capture_logs() as events:
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(place.keep())
            for _ in range(turns):
                await asyncio.sleep(0)
            place.leave(0)
    assert place.state.state == "stopped"
    assert [event for event in events if event["log_level"] == "error"] == []
