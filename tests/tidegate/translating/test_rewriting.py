"""Labels written as YAML that is read as the same text."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from discovery.language import Language
from tidegate.cli import main
from tidegate.defaults import entrypoints_of
from tidegate.settings import Settings
from tidegate.translating.masking import Mask
from tidegate.translating.rewriting import quoted
from tidegate.translating.translation import translate


@pytest.mark.parametrize("quote", ["", "'", '"'])
@pytest.mark.parametrize(
    "value",
    ["a.test", "80", "true", "Host(`a`) || Host(`b`)", 'it\'s "so"', "a: b", "# x", "", " x", "[a]", "`x`"],
)
def test_every_value_is_read_as_it_was(value: str, quote: str) -> None:
    assert yaml.safe_load(f"k: {quoted(value, quote)}") == {"k": value}


@pytest.mark.parametrize("raw", ["blog.${DOMAIN}", "$$1/x", "${A:-${B}}.$C", "plain", "anna:$$2y$$05"])
def test_variables_come_through_as_they_were(raw: str) -> None:
    mask = Mask()
    hidden = mask.hide("tidegate.host", raw)
    assert "${" not in hidden
    assert mask.show(hidden) == raw


def test_the_variable_of_a_port_is_a_number_meanwhile() -> None:
    mask = Mask()
    assert mask.hide("x.server.port", "${PORT}").isdigit()
    assert mask.show(mask.hide("x.server.port", "${PORT}")) == "${PORT}"


def test_labels_in_brackets_over_several_lines_become_one() -> None:
    text = """services:
  a:
    labels: [
      "traefik.http.routers.a.rule=Host(`a.test`)",
      keep=1,
    ]
    expose: [80]
"""
    found = translate(text, "traefik", Language(), entrypoints_of(Settings()))
    assert yaml.safe_load(found.text)["services"]["a"] == {
        "labels": ["keep=1", "tidegate.host=a.test", "tidegate.name=a"],
        "expose": [80],
    }


@pytest.mark.parametrize("dialect", ["traefik", "caddy", "nginx-proxy"])
@pytest.mark.parametrize(
    "service",
    [
        "{environment: {VIRTUAL_HOST: x.y}, labels: {caddy: a.b, caddy.reverse_proxy: '{{upstreams 80}}'}}",
        "{image: x, labels: {traefik.http.routers.a.rule: 'Host(`a.b`)'}, restart: always}",
        "{image: x, labels: {\n traefik.http.routers.a.rule: 'Host(`a.b`)'\n }, restart: always}",
    ],
)
def test_services_in_braces_lose_nothing(service: str, dialect: str) -> None:
    text = f"services:\n  a: {service}\n  b: {{image: y}}\n"
    before = yaml.safe_load(text)["services"]
    after = yaml.safe_load(translate(text, dialect, Language(), entrypoints_of(Settings())).text)["services"]
    for each in (before, after):
        each["a"].pop("labels")
    assert after == before


def test_the_command_prints_the_file_and_tells_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text("services:\n  a:\n    labels:\n      traefik.tcp.routers.a.rule: HostSNI(`*`)\n")
    assert main(["translate", str(file), "--from", "traefik"]) == 1
    told = capsys.readouterr()
    assert told.out == file.read_text()
    assert "a: It has TCP routers alone, and Tidegate serves HTTP. It stays as it is: publish" in told.err
    file.write_text("services:\n  a:\n    labels:\n      traefik.http.routers.a.rule: Host(`a.b`)\n")
    assert main(["translate", str(file), "--from", "traefik"]) == 0
    assert "No port is named" in capsys.readouterr().err  # something to know, and nothing is lost
    file.write_text("services: [")
    assert main(["translate", str(file), "--from", "traefik"]) == 2


def notes(text: str, dialect: str = "traefik") -> list[str]:
    return translate(text, dialect, Language(), entrypoints_of(Settings()), "compose.yaml").notes


def test_the_old_proxys_own_service_is_named_and_ours_is_none() -> None:
    text = "services:\n  edge: {image: 'traefik:v3.1'}\n  tidegate: {image: tidegate}\n"
    first, second = notes(text)
    assert first == "edge: This is the proxy itself; README.md has the service that takes its place."
    assert "there is nothing to translate" in second


@pytest.mark.parametrize(("dialect", "words"), [("traefik", "labels"), ("nginx-proxy", "variables")])
def test_a_file_without_anything_to_translate_says_so(dialect: str, words: str) -> None:
    text = "services:\n  db: {image: postgres}\n"
    assert notes(text, dialect) == [
        f"compose.yaml: No service has {words} of {dialect}, so there is nothing to translate."
    ]


def test_a_service_with_tcp_alone_stays_as_it_is_and_gets_no_advice_for_http() -> None:
    text = """services:
  db:
    image: postgres
    labels:
      traefik.enable: "true"
      traefik.tcp.routers.db.rule: HostSNI(`db.example.com`)
      traefik.tcp.services.db.loadbalancer.server.port: "5432"
"""
    found = translate(text, "traefik", Language(), entrypoints_of(Settings()))
    assert (found.text, found.failed) == (text, True)
    assert found.notes == [
        "db: It has TCP routers alone, and Tidegate serves HTTP. It stays as it is: publish 5432 by ports:, "
        "past any proxy."
    ]


@pytest.mark.parametrize("command", ["translate", "expand"])
def test_a_file_that_cannot_be_read_is_said_without_the_systems_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    more = ["--from", "traefik"] if command == "translate" else []
    assert main([command, str(tmp_path / "nothing.yaml"), *more]) == 2
    assert capsys.readouterr().err == (
        f"tidegate: {tmp_path}/nothing.yaml cannot be read: no such file or directory\n"
    )
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    assert main([command, str(tmp_path / "bytes"), *more]) == 2
    assert "it is no text" in capsys.readouterr().err
