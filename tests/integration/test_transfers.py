"""Large transfers through the running program: nothing is kept, nothing grows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from docker.models.containers import Container

from tests.integration.sites import answers, plain
from tests.integration.visitor import Visitor
from tests.program import Program

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SIZE = int(os.environ.get("TIDEGATE_TEST_TRANSFER", 2 << 30))
GROWTH = 12 * 1024
"""KiB that a transfer may add: the buffers of one connection and the allocator's slack."""
PIECE = bytes(1 << 20)


def resident(program: Program) -> int:
    """KiB of memory in use now."""
    assert program.process is not None
    lines = Path(f"/proc/{program.process.pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS:")))


async def warm_up(tidegate: Program, start: Callable[..., Container]) -> int:
    """A served app, and the memory after some transfers of the kind that follows."""
    start("store", plain("store", "store.test"))
    await answers(tidegate.web, "store.test", "store")
    for _ in range(3):
        assert await download(tidegate, 64 << 20) == 64 << 20
        assert await upload(tidegate, 64 << 20) == 64 << 20
    return resident(tidegate)


async def download(tidegate: Program, size: int) -> int:
    async with Visitor(tidegate.web, "store.test") as visitor:
        assert visitor.writer is not None
        visitor.writer.write(f"GET /download?bytes={size} HTTP/1.1\r\nHost: store.test\r\n\r\n".encode())
        status, _ = await visitor.head()
        assert status == 200
        received = 0
        while received < size and (piece := await visitor.reader.read(1 << 20)):
            received += len(piece)
        return received


async def upload(tidegate: Program, size: int) -> int:
    """The number of bytes that the app says it got."""
    async with Visitor(tidegate.web, "store.test") as visitor:
        assert visitor.writer is not None
        visitor.writer.write(
            f"PUT /upload HTTP/1.1\r\nHost: store.test\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        for sent in range(0, size, len(PIECE)):
            visitor.writer.write(PIECE[: size - sent])
            await visitor.writer.drain()
        return int((await visitor.answer()).body)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("transfer", [download, upload])
async def test_a_large_transfer_does_not_change_memory(
    tidegate: Program, start: Callable[..., Container], transfer: Callable[..., asyncio.Future[int]]
) -> None:
    before = await warm_up(tidegate, start)
    assert await transfer(tidegate, SIZE) == SIZE
    assert resident(tidegate) - before < GROWTH
