import subprocess
import sys

LOOK = """
import asyncio, sys
from proxy.aiohttp_later import AiohttpLater
from proxy.balancer import Balancer
from proxy.limits import Limits
from proxy.upstream import Pool
from tidegate import app

async def main():
    lane = AiohttpLater(Pool(), Balancer(), Limits())
    await lane.close()
    before = "aiohttp" in sys.modules
    lane.new_protocol()
    print(before, "aiohttp" in sys.modules)

asyncio.run(main())
"""


def test_the_program_loads_aiohttp_with_the_first_request_that_needs_it():
    ran = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=False)
    assert (ran.stdout.split(), ran.stderr) == (["False", "True"], "")
