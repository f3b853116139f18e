import asyncio
import subprocess
import sys
import threading
import time

import pytest

from acme_client.worker import Worker


async def test_a_call_returns_what_the_function_returns_and_raises_what_it_raises():
    worker = Worker("test", 2)
    assert await worker.call(divmod, 7, 3) == (2, 1)
    with pytest.raises(ZeroDivisionError):
        await worker.call(divmod, 1, 0)
    worker.stop()


async def test_work_never_runs_in_the_loops_thread():
    worker = Worker("test", 1)
    assert await worker.call(threading.get_ident) != threading.get_ident()
    worker.stop()


async def test_one_thread_does_one_thing_after_the_other():
    worker, seen = Worker("test", 1), []
    await asyncio.gather(*(worker.call(seen.append, number) for number in range(20)))
    assert seen == list(range(20))
    worker.stop()


async def test_what_was_cancelled_before_it_began_is_not_done():
    worker, gate, done = Worker("test", 1), threading.Event(), []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.call(gate.wait))
        late = tasks.create_task(worker.call(done.append, "late"))
        await asyncio.sleep(0)
        late.cancel()
        await asyncio.sleep(0)
        gate.set()
    assert await worker.call(len, done) == 0
    worker.stop()


STOP = """
import asyncio, time
from acme_client.worker import Worker
async def main():
    worker = Worker("test", 1)
    try:
        async with asyncio.timeout(0.05):
            await worker.call(time.sleep, 30)
    except TimeoutError:
        print("stopping", flush=True)
asyncio.run(main())
"""


def test_a_program_stops_at_once_whatever_hangs_in_a_thread():
    began = time.monotonic()
    finished = subprocess.run(
        [sys.executable, "-c", STOP], capture_output=True, text=True, timeout=20, check=True
    )
    assert (finished.stdout, finished.stderr) == ("stopping\n", "")
    assert time.monotonic() - began < 10
