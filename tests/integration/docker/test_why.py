"""`tidegate why` about real containers, those that it does not watch included."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.crowd import Crowd
from tests.program import ROOT, Program, eventually

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def crowd(engine_url) -> Iterator[Crowd]:
    with Crowd(engine_url) as crowd:
        yield crowd


@pytest.fixture(scope="module")
def tidegate(engine_url, crowd) -> Iterator[Program]:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        with Program(data, "--docker", engine_url, "--acme-ca", "off") as program:
            crowd.start("blog", {"tidegate.host": "blog.test"})
            crowd.start("wrong", {"tidegate.host": "wrong.test", "tidegate.port": "9999"})
            crowd.start("plain", {"com.example.note": "none of our business"})
            crowd.start("gone", {"tidegate.host": "gone.test"}).stop(timeout=0)
            eventually(
                lambda: routed(program) >= {"blog", "wrong"} and "gone" not in routed(program), within=20
            )
            # A container runs before its app does.
            eventually(lambda: listens(program, "blog.test"), within=20)
            yield program


def routed(program: Program) -> set[str]:
    return {row["router"].partition("_")[0] for row in program.api("routes") if row["servers"]}


def listens(program: Program, host: str) -> bool:
    """Whether the first server of a site's answers accepts connections."""
    return why(program, host)[1]["servers"][0]["probe"] == "accepts"


def why(tidegate: Program, word: str) -> tuple[int, dict]:
    command = [sys.executable, "-m", "tidegate", "why", "--json", "--data", str(tidegate.data), word]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    return ran.returncode, json.loads(ran.stdout)


def test_a_served_container_is_named_with_its_state_and_network(tidegate, crowd):
    status, answer = why(tidegate, "blog.test")
    [server] = answer["servers"]
    assert (status, server["state"], server["network"], server["probe"]) == (
        0, "running", crowd.network.name, "accepts",
    )  # fmt: skip
    assert f"is served by container {server['container']} (router blog_" in answer["answer"]
    status, about = why(tidegate, server["container"])
    assert (status, about["containers"][0]["asks"][0].partition(" ->")[0]) == (0, "Host(`blog.test`)")
    assert why(tidegate, about["containers"][0]["id"])[1]["containers"] == about["containers"]


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("wrong.test", "gets 502: container "),
        ("wrong", ", connection refused. Its visitors get 502."),
        ("gone.test", "asks for it, but gets no requests. It is not running: it has exited."),
        ("gone", "gets no requests: It is not running: it has exited."),
        ("plain", "gets no requests: It has no label that begins with tidegate."),
        ("plian", 'No container is called "plian". Did you mean "plain"?'),
    ],
)
def test_what_is_in_the_way(tidegate, word, words):
    status, answer = why(tidegate, word)
    assert status == 1
    assert words in answer["answer"]
