"""The demo's containers go, also where somebody has tried out more than it has."""

from __future__ import annotations

from collections.abc import Callable

import docker
import pytest
from docker.models.containers import Container

from compose.demo import apps
from tests.integration.crowd import Crowd

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_a_container_of_somebody_else_on_the_demos_network_keeps_running_without_it(
    engine_url: str, crowd: Crowd, start: Callable[..., Container]
) -> None:
    guest = start("guest", {})
    with apps.running(engine_url) as sites:
        assert {site.container.status for site in sites} <= {"created", "running"}
        crowd.engine.networks.get(apps.NETWORK).connect(guest)
    guest.reload()
    assert guest.status == "running"
    assert apps.NETWORK not in guest.attrs["NetworkSettings"]["Networks"]
    with pytest.raises(docker.errors.NotFound):
        crowd.engine.networks.get(apps.NETWORK)
