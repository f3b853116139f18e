"""An app that somebody else wrote, in a container with labels, behind the image, certified by Pebble."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compose.image.building import Workshop
from tests.integration.image.apps.browser import Page, browser
from tests.integration.image.apps.site import Site, app_image
from tests.integration.image.town import Town


@pytest.fixture
def serve(shop: Workshop, town: Town, tmp_path: Path) -> Callable[..., Site]:
    """Serve an app of images/ at NAME.test, by one label or those given; return when it is certified."""

    def serve(name: str, labels: dict[str, str] | None = None, **options: object) -> Site:
        image = app_image(shop, town.base, name)
        return Site.open(town, image, name, labels or {"tidegate.host": f"{name}.test"}, tmp_path, **options)

    return serve


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Callable[[Site], Page]]:
    """A page of a real browser, which trusts the site's authority and finds the site by its name."""
    with browser(tmp_path) as open_page:
        yield open_page
