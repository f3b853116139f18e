"""Blocking calls in threads of our own."""

from __future__ import annotations

import asyncio
import threading

import pytest

from discovery.workers import Workers


async def test_results_and_errors_come_back_to_whoever_asked() -> None:
    workers = Workers("test")
    assert await workers.run(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 // 0)
    workers.close()


async def test_no_more_than_so_many_at_once_and_all_of_them_daemons() -> None:
    workers, together, most, lock = Workers("test", most=3), 0, 0, threading.Lock()
    gate = threading.Barrier(3, timeout=5)

    def call() -> bool:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        gate.wait()
        with lock:
            together -= 1
        return threading.current_thread().daemon

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(workers.run(call)) for _ in range(9)]
    assert all(task.result() for task in tasks)
    assert most == 3
    workers.close()


async def test_whoever_no_longer_waits_disturbs_nobody() -> None:
    workers, gate = Workers("test"), threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await workers.run(gate.wait)
    gate.set()
    assert await workers.run(lambda: "next") == "next"
    workers.close()
