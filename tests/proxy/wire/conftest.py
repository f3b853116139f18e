"""Every test of the wire runs over both lanes and demands the same outcome."""

from __future__ import annotations

import pytest

from tests.proxy.wire import stage


@pytest.fixture(autouse=True, params=[True, False], ids=["fast", "aiohttp"])
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "FAST_LANE", request.param)
