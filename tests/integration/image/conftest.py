"""The image, built from this tree on a Debian base; a town around it; a fresh Tidegate for each test.

With TIDEGATE_TEST_ARCHITECTURE=arm64 the image is another machine's, emulated; the town is this one's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest

from compose.image import debian
from compose.image.building import Workshop, workshop
from compose.image.emulation import emulation
from tests.integration.crowd import Crowd
from tests.integration.image.town import ARCHITECTURE, Town

IMAGE = "tidegate-under-test"


@pytest.fixture(scope="session")
def shop() -> Iterator[Workshop]:
    with emulation(ARCHITECTURE), workshop() as shop:
        yield shop


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Seen at once: before the first test minutes go by."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            print(f"image: {text}", flush=True)

    return say


@pytest.fixture(scope="session")
def built_town(
    shop: Workshop, tmp_path_factory: pytest.TempPathFactory, say: Callable[[str], None]
) -> Iterator[Town]:
    base = shop.debian_base(debian.machine(), say)
    shop.build(shop.debian_base(ARCHITECTURE, say), IMAGE, say, architecture=ARCHITECTURE)
    with Crowd(shop.url):  # builds the image of the app
        town = Town(shop.url, IMAGE, base, tmp_path_factory.mktemp("town"))
        try:
            town.authority()
            town.visitor()
            yield town
        finally:
            town.close()


@pytest.fixture
def town(built_town: Town) -> Iterator[Town]:
    yield built_town
    built_town.clear(keep=2)
