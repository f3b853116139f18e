"""A real engine for the session, a Tidegate and containers for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.models.containers import Container

from tests.engine import running_engine
from tests.integration.crowd import Crowd
from tests.program import Program


@pytest.fixture(scope="session")
def engine_url() -> Iterator[str]:
    with running_engine() as url:
        yield url


@pytest.fixture(scope="session")
def crowd(engine_url: str) -> Iterator[Crowd]:
    with Crowd(engine_url) as crowd:
        yield crowd


@pytest.fixture
def start(crowd: Crowd) -> Iterator[Callable[..., Container]]:
    yield crowd.start
    crowd.clear()


@pytest.fixture
def tidegate(engine_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Program]:
    """Tidegate beside the engine, with its own authority.

    The parameter is the number of workers, or "aiohttp": one that serves everything through aiohttp.
    """
    way = getattr(request, "param", "1")
    ways = ("--fast-lane", "off") if way == "aiohttp" else ("--workers", way)
    flags = ("--docker", engine_url, "--acme-ca", "off", *ways)
    with Program(tmp_path / "data", *flags) as program:
        yield program


@pytest.fixture
def cycles(request: pytest.FixtureRequest) -> int:
    """How often an address changes hands under load; fewer when time is short, or when it is done again."""
    most = int(os.environ.get("TIDEGATE_TEST_CYCLES", "100"))
    again = request.node.callspec.params.get("tidegate", "1") != "1"
    return min(most, 31) if again else most
