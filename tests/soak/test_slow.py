"""A crowd of slow clients is cut within the limits, costs little, and harms nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.app import apps
from tests.soak.site import APP, serving
from tests.soak.slow import HEAD_LIMIT, KINDS, crowd

GROWTH = 30.0
"""MiB for all of them: buffers of the kernel are not Tidegate's."""


@pytest.mark.parametrize("lane", [True, False], ids=["fast", "aiohttp"])
async def test_slow_clients_are_cut_and_the_good_ones_are_served(lane: bool, tmp_path: Path) -> None:
    async with apps(APP) as (_, ports):
        with serving(tmp_path, ports, lane) as site:
            await crowd(site, 0, 1)  # certificates and first buffers
            report = await crowd(site, 160, HEAD_LIMIT + 2)
            assert "Traceback" not in site.program.log
    quick = [each for each in report.slow if each.kind.limit == HEAD_LIMIT]
    assert quick
    assert [each.kind.name for each in quick if each.ended is None] == []
    assert not report.hasty
    assert not report.wrong
    assert report.growth < GROWTH
    assert {kind.limit for kind in KINDS} > {HEAD_LIMIT}
