"""What the door to `docker` makes of versions, events, addresses and faults."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from discovery import docker_api, engine_faults
from discovery.docker_api import Engine, choose_version
from discovery.engine import Change, EngineError
from discovery.engine_faults import explain
from discovery.event_stream import change_of
from discovery.networks import Own
from discovery.whereabouts import accepts


@pytest.mark.parametrize(
    ("newest", "oldest", "spoken"),
    [
        ("1.41", "1.12", "1.41"),  # an older engine: its own newest
        ("1.44", "1.24", "1.44"),
        ("1.52", "1.24", "1.44"),  # a newer one: what this was written against
        ("1.60", "1.50", "1.50"),  # one that no longer knows that
    ],
)
def test_the_api_version_is_one_that_both_know(newest: str, oldest: str, spoken: str) -> None:
    assert choose_version(newest, oldest) == spoken


def event(kind: str, action: str, ident: str, **attributes: str) -> dict[str, object]:
    return {"Type": kind, "Action": action, "Actor": {"ID": ident, "Attributes": attributes}}


@pytest.mark.parametrize(
    ("told", "change"),
    [
        (event("container", "start", "c1", name="blog"), Change("start", "c1")),
        (event("container", "kill", "c1", signal="15"), Change("kill", "c1", signal="15")),
        (event("container", "health_status: healthy", "c1"), Change("health_status", "c1")),
        (
            event("network", "disconnect", "n1", container="c1", name="web"),
            Change("disconnect", "c1", network="web"),
        ),
        (event("network", "create", "n1", name="web"), None),
        ({}, None),
    ],
)
def test_what_an_event_tells(told: dict[str, object], change: Change | None) -> None:
    assert change_of(told) == change


def wrapped(error: Exception) -> Exception:
    """As requests and docker wrap it: the real one in the arguments."""
    return RuntimeError("Error while fetching server API version", ConnectionError("aborted", error))


def test_a_socket_without_permission_names_the_group(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    path.touch(0o660)
    said = str(explain(wrapped(PermissionError(13, "Permission denied")), f"unix://{path}"))
    assert "usermod -aG docker" in said
    assert f'group_add: ["{path.stat().st_gid}"]' in said


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (FileNotFoundError(2, "No such file"), "There is no socket at /run/x.sock"),
        (ConnectionRefusedError(111, "refused"), "Nobody answers at unix:///run/x.sock"),
        (ValueError("odd"), "cannot be asked"),
    ],
)
def test_faults_in_a_sentence(error: Exception, part: str) -> None:
    assert part in str(explain(wrapped(error), "unix:///run/x.sock"))


@pytest.mark.parametrize(
    ("inside", "path", "advice"),
    [
        (False, "/nope.sock", "Start Docker, or say where it listens: --docker unix:///PATH"),
        (False, "/var/run/docker.sock", "Start Docker, or say where it listens: --docker unix:///PATH"),
        (True, "/var/run/docker.sock", 'volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"].'),
        (
            True,
            "/nope.sock",
            'volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"], and --docker unix:///var/run/docker.sock.',
        ),
    ],
)
def test_a_missing_socket_is_mended_otherwise_inside_a_container(
    monkeypatch, inside: bool, path: str, advice: str
) -> None:
    monkeypatch.setattr(engine_faults, "inside", lambda: inside)
    said = str(explain(wrapped(FileNotFoundError(2, "No such file")), f"unix://{path}"))
    assert said.startswith(f"There is no socket at {path}.")
    assert said.endswith(advice)


def test_a_socket_proxy_that_refuses_is_told_what_to_allow() -> None:
    error = RuntimeError("403")
    error.response = SimpleNamespace(status_code=403, url="http://proxy:2375/v1.41/events?filters=x")
    said = str(explain(error, "tcp://proxy:2375"))
    assert "refuses GET /v1.41/events" in said
    assert "EVENTS=1" in said


def test_a_listener_is_noticed_and_its_absence_too(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert not accepts(f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert accepts(f"unix://{path}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert accepts(f"tcp://127.0.0.1:{port}")
    assert not accepts(f"tcp://127.0.0.1:{port}")
    assert not accepts("ssh://host")


@pytest.mark.parametrize(
    ("url", "environ", "chosen"),
    [
        ("", {}, "unix:///var/run/docker.sock"),
        ("", {"DOCKER_HOST": "tcp://engine:2375"}, "tcp://engine:2375"),
        ("unix:///x", {"DOCKER_HOST": "tcp://engine:2375"}, "unix:///x"),
    ],
)
def test_where_the_engine_is(url: str, environ: dict[str, str], chosen: str) -> None:
    assert Engine(url, environ).url == chosen


async def test_an_engine_that_is_not_there_is_an_error_with_a_sentence(tmp_path: Path) -> None:
    engine = Engine(f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineError, match="There is no socket"):
        await engine.connect()
    await engine.close()


@dataclass
class FakeClient:
    """Answers as the library would."""

    mode: str = "web"

    def inspect_container(self, ident: str) -> dict[str, object]:
        if self.mode.startswith("container:") and not self.mode.endswith(ident):
            return {
                "Id": ident,
                "HostConfig": {"NetworkMode": self.mode},
                "NetworkSettings": {"Networks": {}},
            }
        networks = {"web": {"IPAddress": "172.18.0.2", "Gateway": "172.18.0.1"}, "db": {"Gateway": ""}}
        settings = {"Networks": networks}
        mode = "web" if self.mode.startswith("container:") else self.mode
        return {"Id": ident, "HostConfig": {"NetworkMode": mode}, "NetworkSettings": settings}

    def networks(self) -> list[dict[str, str]]:
        return [
            {"Name": "bridge", "Driver": "bridge"},
            {"Name": "web", "Driver": "bridge"},
            {"Name": "lan", "Driver": "macvlan"},
            {"Name": "host", "Driver": "host"},
        ]


BRIDGES = frozenset({"bridge", "web"})


@pytest.mark.parametrize(
    ("me", "mode", "own"),
    [
        ("", "", Own(BRIDGES)),  # on the host every bridge is near
        ("c" * 64, "web", Own(frozenset({"web", "db"}), "c" * 64, "172.18.0.1", "c" * 64)),
        ("c" * 64, "host", Own(BRIDGES, "c" * 64)),
        ("c" * 64, f"container:{'d' * 64}", Own(frozenset({"web", "db"}), "c" * 64, "172.18.0.1", "d" * 64)),
    ],
)
def test_where_the_proxy_itself_stands(monkeypatch, me: str, mode: str, own: Own) -> None:
    monkeypatch.setattr(docker_api, "own_container", lambda known: me)
    monkeypatch.setattr(docker_api, "host_alias", lambda: "")
    assert docker_api._own(FakeClient(mode), {}) == own
