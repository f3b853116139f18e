"""Unique requests through a running Tidegate: every answer is its own, and no 5xx lacks a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.soak.app import apps
from tests.soak.chaos import chaos
from tests.soak.site import APP, FLAKY, serving

SHORT = 3000
LONG = int(os.environ.get("TIDEGATE_TEST_CHAOS", "0"))
"""How many requests the long form makes; `make soak` has it as well."""
LANES = pytest.mark.parametrize("lane", [True, False], ids=["fast", "aiohttp"])


@LANES
async def test_every_answer_is_its_own(lane: bool, tmp_path: Path) -> None:
    await check(SHORT, lane, tmp_path)


@LANES
@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not LONG, reason="TIDEGATE_TEST_CHAOS says how many requests")
async def test_every_answer_of_many_is_its_own(lane: bool, tmp_path: Path) -> None:
    await check(LONG, lane, tmp_path)


async def check(requests: int, lane: bool, folder: Path) -> None:
    async with apps(APP, FLAKY) as (both, ports):
        with serving(folder, ports, lane) as site:
            tally = await chaos(site, both, requests)
            assert "Traceback" not in site.program.log
    assert not tally.mismatches
    assert not tally.faults
    assert tally.requests >= requests
    assert tally.outcomes["right"] > requests / 2
