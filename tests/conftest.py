"""What holds for every test: nothing blocks the loop, and in CI nothing real is skipped."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

# How fast the machine is at the moment is nothing that a test may fail for.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

REAL_THINGS = ("docker", "acme", "browser", "tls")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs an engine shares one with its folder, however many processes test."""
    for item in items:
        if item.get_closest_marker("docker"):
            item.add_marker(pytest.mark.xdist_group(f"engine for {item.path.parent.name}"))


@pytest.fixture(autouse=True)
def no_blocking_calls() -> Iterator[None]:
    guard = BlockBuster(["discovery", "proxy", "acme_client", "tidegate"])
    guard.activate()
    yield
    guard.deactivate()


@pytest.fixture(autouse=True)
def nothing_is_kept_from_being_loaded() -> Iterator[None]:
    """`tidegate run`, played in this process, keeps modules that it does without from being loaded."""
    yield
    for name in ("rich", "charset_normalizer"):
        if name in sys.modules and sys.modules[name] is None:
            del sys.modules[name]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A skipped meeting with the engine, the CA or a browser is a failure in CI."""
    outcome: Any = yield
    report = outcome.get_result()
    real = [name for name in REAL_THINGS if item.get_closest_marker(name)]
    if report.skipped and real and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where {', '.join(real)} must be there: {report.longrepr}"
