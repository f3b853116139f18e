"""docs/troubleshooting.md, played: each answer that it shows is what `tidegate why` says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.models.containers import Container

from tests.docs.pages import ROOT, Block, blocks
from tests.integration.crowd import Crowd
from tests.program import Program, eventually

pytestmark = pytest.mark.docker
ANSWERS = [
    block
    for block in blocks(ROOT / "docs" / "troubleshooting.md")
    if not block.language and block.text.startswith("$ tidegate why")
]
UNHEALTHY = {"test": ["CMD", "/there-is-no-such-program"], "interval": 500_000_000, "retries": 1}
SILENT = """
http:
  routers:
    nas: {{ rule: Host(`nas.example.com`), service: nas }}
  services:
    nas: {{ loadBalancer: {{ servers: [{{ url: "http://{address}:5000" }}] }} }}
"""
"""An address of the containers' network that nobody has."""


@pytest.fixture(scope="module")
def town(engine_url: str) -> Iterator[Program]:
    with Crowd(engine_url) as crowd, tempfile.TemporaryDirectory() as folder:

        def start(name: str, **labels: str) -> Container:
            health = {"healthcheck": UNHEALTHY} if name == "wiki" else {}
            said = {f"tidegate.{label}": value for label, value in labels.items()}
            container = crowd.start(name, said, **health)
            container.rename(f"{name}-1")
            return container

        routes = Path(folder, "routes.yaml")
        subnet = crowd.network.attrs["IPAM"]["Config"][0]["Subnet"].rpartition(".")[0]
        routes.write_text(SILENT.format(address=f"{subnet}.201"))
        flags = ("--docker", engine_url, "--acme-ca", "off", "--routes", str(routes))
        with Program(Path(folder, "data"), *flags) as program:
            start("blog", host="blog.example.com")
            start("shop", host="shop.example.com").stop(timeout=0)
            start("cloud", host="example.com", path="/cloud")
            start("photos", hots="photos.example.com")
            start("database")
            start("cameras", host="cameras.example.com", allow="lan")
            start("notes", host="notes.example.com", auth="anna:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/")
            start("forum", host="forum.example.com", port="8080")
            start("wiki", host="wiki.example.com")
            start("files", host="files.example.com", middlewares="authelia")
            start("shut", host="shut.example.com")
            start("blog-old", host="blog.example.com")
            eventually(lambda: "unhealthy" in said_by(program, "why wiki-1"), within=30)
            eventually(lambda: "served" in said_by(program, "why shut-1"), within=30)
            said_by(program, "maintenance shut.example.com on")
            yield program


def said_by(program: Program, typed: str) -> str:
    command = [sys.executable, "-m", "tidegate", *shlex.split(typed), "--data", str(program.data)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    return ran.stdout + ran.stderr


def without_chance(text: str) -> str:
    """Without what is another one each time: addresses, ids, and what the project is called."""
    text = re.sub(r"crowd-[0-9a-f]{8}", "home", text)
    text = re.sub(r"\b\d{1,3}(\.\d{1,3}){3}\b", "ADDRESS", text)
    return re.sub(r"\([0-9a-f]{12}\)", "(ID)", text)


@pytest.mark.parametrize("block", ANSWERS, ids=str)
def test_the_answer_is_the_one_that_the_page_shows(town: Program, block: Block) -> None:
    typed, _, shown = block.text.removeprefix("$ tidegate ").partition("\n")
    pattern = re.escape(without_chance(shown)).replace(r"\.\.\.", ".*")
    # The page is about the usual ports.
    printed = without_chance(said_by(town, typed).replace(f":{town.websecure}", ""))
    assert re.fullmatch(pattern, printed.rstrip("\n") + "\n", re.DOTALL), printed


def test_there_are_answers() -> None:
    assert len(ANSWERS) > 10
