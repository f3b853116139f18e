import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.program import ROOT
from tidegate import commands
from tidegate.cli import COMMANDS, MODULES

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


READ = """
import sys
import tidegate.app, discovery.watch, tidegate.label_language
from discovery.container import Container
from discovery.labels import read_container
from discovery.merge import merge
from discovery.networks import Own
from proxy.table import Entrypoint, compile_table
labels = dict(each.split("=") for each in sys.argv[1:])
app = Container(id="1" * 64, name="blog", labels=labels, networks={"web": "10.0.0.2"}, exposed=(80,))
config = merge([read_container(app, Own(frozenset({"web"})))])
[route] = compile_table(config, [Entrypoint("web")]).routes["web"]
assert route.action == "serve", route
rare = (
    "proxy.middlewares. proxy.http2_line proxy.multiplexed proxy.copying proxy.failing_over "
    "discovery.dialects. discovery.template discovery.ssh acme_client.order tidegate.commands."
)
print(*sorted(name for name in sys.modules if name.startswith(tuple(rare.split()))))
"""
USUAL = ("doubtful", "expansion", "long_form", "long_only", "native", "not_needed", "short", "short_values")


@pytest.mark.parametrize(
    ("labels", "loaded"),
    [
        ((), ()),
        (("tidegate.strip=true", "tidegate.path=/x"), ("proxy.middlewares.stripprefix",)),
        (("tidegate.http.middlewares.x.chain.middlewares=",), ("proxy.middlewares.chain",)),
        (("traefik.enable=true", "tidegate.enable=true"), ()),
    ],
)
def test_what_few_containers_ask_for_is_loaded_by_those(labels, loaded):
    line = [sys.executable, "-c", READ, "tidegate.host=a.test", *labels]
    ran = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    always = {f"discovery.dialects.{name}" for name in (*USUAL, "traefik_names")}
    assert {*ran.stdout.split()} - always == {*loaded}


def test_every_command_is_known_by_its_module():
    files = {path.stem for path in Path(commands.__file__).parent.glob("*.py")} - {"__init__"}
    found = {
        name: file
        for file in files
        for name in getattr(import_module(f"tidegate.commands.{file}"), "COMMANDS", ())
    }
    assert found == MODULES
    assert all(command.about for command in COMMANDS.values())
