"""A running Tidegate, over both lanes: those parts of the corpora that no test plays in process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.site import trusting
from tests.peers import playing
from tests.peers.backend import backend
from tests.peers.judging import Verdict
from tests.peers.playing import Address, play_all
from tests.soak.site import serving

GROUPS = ("octet by octet", "over TLS", "each octet", "WebSocket")


@pytest.mark.slow
@pytest.mark.parametrize("lane", [True, False], ids=["fast", "aiohttp"])
@pytest.mark.parametrize("group", GROUPS)
async def test_everything_comes_out_as_expected(
    group: str, lane: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "QUIET", 5.0)  # a process may have to wait for a core
    async with backend() as behind:
        with serving(tmp_path, {"localhost": behind.port, "a.test": behind.port}, lane) as site:
            address = Address(site.program.web, site.program.websecure, trusting(), behind)
            outcomes = [(case.name, outcome) async for case, outcome in play_all(address, group)]
            assert "Traceback" not in site.program.log
    assert len(outcomes) > 50
    assert [each for each in outcomes if each[1][0] is not Verdict.AS_EXPECTED] == []
