"""Compose files, merged as compose merges them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.composefile.imagined import Imagined, all_imagined, proxy_of, standing
from tidegate.composefile.nodes import Place
from tidegate.composefile.project import load, with_override


class Written:
    """Files of one directory, loaded; what compose would refuse is in `refused`."""

    def __init__(self, directory: Path, **files: str) -> None:
        self.directory = directory
        for name, text in files.items():
            (directory / self.spelled(name)).write_text(text)
        self.refused: list[str] = []

    @staticmethod
    def spelled(name: str) -> str:
        return ".env" if name == "env" else f"{name.replace('_', '.')}.yaml"

    def load(self, *names: str, **environ: str) -> dict[str, Imagined]:
        paths = with_override([self.directory / self.spelled(name) for name in names])
        project = load(paths, environ, self.say)
        return {each.service.name: each for each in all_imagined([project])}

    def say(self, place: Place, what: str, consequence: str) -> None:
        self.refused.append(f"{place.line}:{place.column} {what}")


def test_labels_are_the_same_as_a_list_and_as_a_map(tmp_path: Path) -> None:
    written = Written(
        tmp_path,
        compose="""
services:
  a: {labels: {tidegate.host: a.test, tidegate.port: 80, tidegate.strip: true, tidegate.x: ,
               tidegate.tls: off}}
  b: {labels: [tidegate.host=a.test, tidegate.port=80, tidegate.strip=true, tidegate.x, "tidegate.tls=off"]}
""",
    )
    found = written.load("compose")
    labels = [
        {name: value for name, value in each.container.labels.items() if name.startswith("tidegate.")}
        for each in found.values()
    ]
    assert labels[0] == labels[1]
    assert labels[0]["tidegate.strip"] == "true"
    assert labels[0]["tidegate.tls"] == "off"


def test_a_later_file_adds_and_overrides(tmp_path: Path) -> None:
    written = Written(
        tmp_path,
        compose="""
services:
  a: {image: one, expose: [80], labels: {x: 1, y: 1}, ports: ["80:80"], networks: [front]}
networks: {front: }
""",
        compose_override="""
services:
  a: {image: two, labels: [y=2], ports: !reset [], networks: {back: {}}}
networks: {back: {name: other, external: true}}
""",
    )
    [a] = written.load("compose").values()
    assert a.service.image == "two"
    assert {"x": "1", "y": "2"}.items() <= a.container.labels.items()
    assert a.container.exposed == (80,)
    assert not a.service.ports
    assert set(a.container.networks) == {f"{a.project.name}_front", "other"}
    assert not written.refused


def test_a_service_extends_another_of_another_file(tmp_path: Path) -> None:
    written = Written(
        tmp_path,
        base="services: {web: {expose: ['3000'], labels: {a: 1, b: 1}}}",
        compose="services: {site: {extends: {file: base.yaml, service: web}, labels: {b: 2}}}",
    )
    [site] = written.load("compose").values()
    assert site.container.exposed == (3000,)
    assert {"a": "1", "b": "2"}.items() <= site.container.labels.items()
    assert site.service.labels["a"].place.file.endswith("base.yaml")


def test_who_extends_himself_is_told(tmp_path: Path) -> None:
    written = Written(tmp_path, compose="services: {a: {extends: b}, b: {extends: a}}")
    written.load("compose")
    assert any("extends itself" in each for each in written.refused)


def test_the_environment_wins_over_dotenv(tmp_path: Path) -> None:
    written = Written(
        tmp_path,
        env="DOMAIN=file.test\nPORT=81\nCOMPOSE_PROJECT_NAME=mine\n",
        compose="services: {a: {labels: {tidegate.host: 'a.${DOMAIN}', tidegate.port: $PORT}}}",
    )
    [a] = written.load("compose", DOMAIN="outside.test").values()
    assert a.container.labels["tidegate.host"] == "a.outside.test"
    assert a.container.labels["tidegate.port"] == "81"
    assert a.container.name == "mine-a-1"


def test_a_project_is_called_as_its_folder_however_that_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "home" / "sub"
    below.mkdir(parents=True)
    (tmp_path / "home" / "bad.yaml").write_text("services: {a: {image: a}}")
    monkeypatch.chdir(below)
    names = [load([Path(file)], {}, print).name for file in ("../bad.yaml", "../../home/sub/../bad.yaml")]
    assert names == ["home", "home"]


def test_ports_are_read_in_every_spelling(tmp_path: Path) -> None:
    written = Written(
        tmp_path,
        compose="""
services:
  a:
    expose: ["7000-7001"]
    ports: ["80", "81:8081", "127.0.0.1:82:8082", "[::1]:83:8083/tcp", "84-85:8084-8085", 86:8086/udp,
            {target: 8087, published: "87", host_ip: 127.0.0.1}, "x:y"]
""",
    )
    [a] = written.load("compose").values()
    assert a.container.exposed == (80, 7000, 7001, 8081, 8082, 8083, 8084, 8085, 8087)
    assert [port.published for port in a.service.ports if port.loopback] == [82, 83, 87]
    assert written.refused == ["6:66 Compose wants a port here, such as 8080:80, not 'x:y'."]


def test_merge_keys_and_includes_are_followed(tmp_path: Path) -> None:
    written = Written(
        tmp_path,
        other="services: {b: {labels: [y=1]}}",
        compose="""
include: [other.yaml, {path: gone.yaml}]
x-labels: &all {x: 1, z: 1}
services:
  a:
    labels: {<<: *all, z: 2}
""",
    )
    found = written.load("compose")
    assert {"x": "1", "z": "2"}.items() <= found["a"].container.labels.items()
    assert found["b"].container.labels["y"] == "1"
    assert written.refused == ["2:30 The file gone.yaml cannot be read."]


def test_the_network_of_another_service_is_used(tmp_path: Path) -> None:
    written = Written(tmp_path, compose="services: {vpn: {}, app: {network_mode: 'service:vpn'}}")
    found = written.load("compose")
    assert found["app"].container.joined == found["vpn"].container.id
    assert not found["app"].container.networks


def test_the_proxy_is_known_by_its_image_or_name(tmp_path: Path) -> None:
    written = Written(
        tmp_path,
        compose="""
services:
  app: {image: ghost, networks: [front, back]}
  edge: {image: "registry.example.com:5000/me/tidegate:1.0@sha256:00", networks: [front]}
networks: {front: , back: }
""",
    )
    every = list(written.load("compose").values())
    proxy = proxy_of(every)
    assert proxy is every[1]
    assert standing(every, proxy).networks == {f"{every[0].project.name}_front"}
    assert standing(every, None).networks == set(every[0].container.networks)


def test_what_compose_does_not_know_at_the_left_margin_is_refused(tmp_path: Path) -> None:
    written = Written(
        tmp_path,
        compose="""
version: "3.8"
name: x
x-own: {image: x}
services:
  a: {image: x}
b:
  image: x
labels: [x=y]
tidegate.host: a.test
network: {a: }
frobnicate: 1
""",
    )
    assert set(written.load("compose")) == {"a"}
    assert written.refused == [
        '7:1 "b" looks like a service: it stands below services:, two more spaces to the right.',
        '9:1 "labels" is said of a service: it stands below its name, more spaces to the right.',
        '10:1 "tidegate.host" is a label: it stands below labels: of a service.',
        '11:1 A compose file has no "network". Did you mean "networks"?',
        '12:1 A compose file has no "frobnicate".',
    ]
