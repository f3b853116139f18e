import subprocess
import sys

import pytest

HEAVY = "acme aiohttp bcrypt cryptography docker h2 josepy re2 requests rich yaml"
LOADED = """
import asyncio, sys
asyncio.run = lambda serving: serving.close()
from tidegate.cli import main
main(sys.argv[2:])
print(*(name for name in sys.argv[1].split() if sys.modules.get(name)), file=sys.stderr)
"""


@pytest.mark.parametrize("command", [("run", "--docker", "off"), ("routes",), ("settings",)])
def test_a_command_loads_nothing_heavy_before_it_is_needed(command, tmp_path):
    line = [sys.executable, "-c", LOADED, HEAVY, *command]
    if command != ("settings",):
        line += ["--data", str(tmp_path), "--dashboard", "off"]
    ran = subprocess.run(line, capture_output=True, text=True, check=False)
    assert ran.stderr.splitlines()[-1:] == [""]
