"""The compose files that people copy, on a real engine: other programs stand in for the apps."""

from __future__ import annotations

import http.client
import uuid
from urllib.parse import urlsplit

import pytest

from discovery.container import Container
from tests.compose.files import APPS, COMPOSE, document, with_labels
from tests.integration.docker.conftest import Yard
from tests.integration.docker.socket_proxy import socket_proxy
from tests.integration.docker.watching import watching

pytestmark = pytest.mark.docker

STANDING_IN = [app for file in APPS for app in with_labels(file)]
SERVE = "echo $TEXT > /www/index.html; exec httpd -f -p {port} -h /www"


def filtered() -> str:
    """What the filter in front of the hardened one's engine lets through."""
    command = document(COMPOSE / "installations" / "hardened.yaml")["services"]["socket-proxy"]["command"]
    [allowed] = [word for word in command if word.startswith("-allow") and not word.startswith("-allowfrom")]
    assert allowed.startswith("-allowGET=")
    return allowed.removeprefix("-allowGET=")


async def test_what_the_hardened_ones_filter_allows_is_enough(yard, aside):
    with socket_proxy(yard.url, reading=filtered()) as proxy:
        async with watching(proxy.url) as seen:
            app = await aside(yard.start, "hello", {"tidegate.host": "blog.test"})
            await seen.eventually("blog.test", "hello")
            await aside(app.restart, timeout=0)
            await seen.eventually("blog.test", "hello")
            await aside(app.kill)
            await seen.eventually("blog.test", "[no route]")
        assert proxy.asked
        assert proxy.refused == []


async def test_it_lets_nothing_else_through(yard, aside):
    app = await aside(yard.start, "hello", {})
    of_app = ("export", "archive?path=/etc", "logs?stdout=1", "top", "json/../export", "stats", "changes")
    reading = ("info", "images/json", "secrets", "volumes", "system/df", "containers/json/../../images/json")
    other = [
        *(("GET", f"/containers/{app.id}/{what}") for what in of_app),
        *(("GET", f"/{what}") for what in reading),
        *(("POST", f"/containers/{what}") for what in ("create", f"{app.id}/exec", f"{app.id}/kill")),
        ("DELETE", f"/containers/{app.id}"),
        ("HEAD", f"/containers/{app.id}/archive?path=/"),
        ("PUT", "/containers/json"),
    ]
    with socket_proxy(yard.url, reading=filtered()) as proxy:
        at = urlsplit(proxy.url).netloc

        def ask(method: str, path: str) -> int:
            connection = http.client.HTTPConnection(at, timeout=10)
            connection.request(method, path)
            status = connection.getresponse().status
            connection.close()
            return status

        for method, path in other:
            for version in ("", "/v1.41"):
                assert await aside(ask, method, version + path) == 403, path
        assert await aside(ask, "GET", f"/v1.41/containers/{app.id}/json") == 200


async def test_every_apps_labels_lead_to_it(yard, aside):
    """All of them at once; those in the host's network are left out, for its ports are not ours to take."""
    project = f"tg-{uuid.uuid4().hex[:8]}"
    yard.networks.append(yard.client.networks.create(f"{project}_front"))
    standing_in = [app for app in STANDING_IN if app.network_mode != "host"]
    async with watching(yard.url) as seen:
        for app in standing_in:
            await aside(stand_in, yard, app, project)
        for app in standing_in:
            await seen.eventually(host_of(app), app.name, within=15)
    assert len(standing_in) == len(APPS) - 1
    assert not [each for each in seen.config.problems if each.severity != "notice" and project in each.where]


def host_of(app: Container) -> str:
    return f"{app.compose_service}.test"


def stand_in(yard: Yard, app: Container, project: str) -> None:
    """A container with the app's labels that listens where they say, and answers with its name."""
    ports = [value for label, value in app.labels.items() if label.endswith(".port")]
    labels = {
        label: host_of(app) if label.endswith(".host") else value for label, value in app.labels.items()
    }
    serve = SERVE.format(port=ports[0] if ports else app.exposed[0])
    told = labels | {"com.docker.compose.project": project}
    yard.start(app.name, told, network=yard.networks[0].name, command=["/bin/sh", "-c", serve])
