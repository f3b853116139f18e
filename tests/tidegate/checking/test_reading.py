"""What `tidegate check` reads, beside the compose files that it is given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tidegate.cli import main

COMPOSE = "services: {a: {expose: [80], labels: {tidegate.host: a.example.com}}}"
ROUTES = """http:
  routers: {nas: {rule: Host(`nas.example.com`), service: nas}}
  services: {nas: {loadBalancer: {servers: [{url: "http://192.168.1.5:5000"}]}}}
  middlewares: {secure: {headers: {frameDeny: true}}}
"""


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compose.yaml").write_text(COMPOSE)


def checked(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(["check", *arguments])
    return "".join(capsys.readouterr())


@pytest.mark.parametrize("as_folder", [False, True])
def test_the_route_files_that_the_settings_name_are_read(
    capsys: pytest.CaptureFixture[str], as_folder: bool
) -> None:
    Path("routes").mkdir()
    Path("routes", "nas.yaml").write_text(ROUTES)
    where = "routes" if as_folder else "routes/nas.yaml"
    Path("tidegate.yaml").write_text(f"routes: {where}\ndefault-middlewares: secure\n")
    told = json.loads(checked(capsys, "compose.yaml", "--config", "tidegate.yaml", "--json"))
    assert told["findings"] == []
    assert told["sites"] == ["a.example.com -> a:80", "nas.example.com -> http://192.168.1.5:5000"]
    assert told["files"] == ["compose.yaml", "routes/nas.yaml", "tidegate.yaml"]


def test_a_route_file_that_is_named_twice_is_read_once(capsys: pytest.CaptureFixture[str]) -> None:
    Path("routes.yaml").write_text(ROUTES)
    Path("tidegate.yaml").write_text("routes: ./routes.yaml\n")
    out = checked(capsys, "compose.yaml", "routes.yaml", "--config", "tidegate.yaml")
    assert out.endswith("3 files: nothing is wrong\n")


def test_a_default_that_no_file_here_declares_is_said_at_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tidegate.yaml").write_text("# of ours\nroutes: /nowhere/routes\ndefault-middlewares: secure\n")
    out = checked(capsys, "compose.yaml", "--config", "tidegate.yaml")
    assert out.startswith("tidegate.yaml:3:1: notice: default-middlewares: secure\n")
    assert "a.example.com -> a:80\n" in out
    out = checked(capsys, "compose.yaml", "--default-middlewares", "secure")
    assert out.startswith("compose.yaml:1:12: notice: --default-middlewares=secure\n")


def test_a_settings_file_alone_may_name_what_is_in_route_files_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("tidegate.yaml").write_text("routes: /nowhere/routes\ndefault-middlewares: secure\n")
    assert checked(capsys, "--config", "tidegate.yaml") == "1 file: nothing is wrong\n"


def test_a_default_that_the_route_files_do_not_have_is_an_error_at_its_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("routes.yaml").write_text(ROUTES)
    Path("tidegate.yaml").write_text("routes: routes.yaml\ndefault-middlewares: secur\n")
    out = checked(capsys, "compose.yaml", "--config", "tidegate.yaml")
    assert out.startswith("tidegate.yaml:2:1: error: default-middlewares: secur\n")
    assert 'Did you mean "secure@file"?' in out


def test_a_settings_file_among_the_files_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    Path("tidegate.yaml").write_text("acme-email: me@example.com\n")
    out = checked(capsys, "compose.yaml", "tidegate.yaml")
    assert "This is a settings file. Name it by --config: tidegate check --config FILE" in out


def test_a_directory_without_a_compose_file_says_what_is_looked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("there").mkdir()
    out = checked(capsys, "there")
    assert "there has no compose file: none of compose.yaml, compose.yml, docker-compose.yaml" in out
    assert "No YAML file is there at all." in out
    Path("there", "stack.yml").write_text(COMPOSE)
    assert "Of YAML it has stack.yml: name the file." in checked(capsys, "there")


@pytest.mark.parametrize(
    ("service", "dialects"),
    [
        (
            "{labels: {caddy: a.example.com, caddy.reverse_proxy: '{{upstreams 80}}'}}",
            "tidegate,traefik,caddy",
        ),
        ("{environment: {VIRTUAL_HOST: a.example.com}}", "tidegate,traefik,nginx-proxy"),
    ],
)
def test_where_nothing_is_served_that_is_said_and_how_it_would_be(
    capsys: pytest.CaptureFixture[str], service: str, dialects: str
) -> None:
    Path("compose.yaml").write_text(f"services: {{a: {service}}}")
    out = checked(capsys, "compose.yaml")
    assert f"are not read unless asked for: --dialects {dialects}\n" in out
    assert out.endswith("1 file: 1 notice, and no site is in it\n")
    out = checked(capsys, "compose.yaml", "--dialects", dialects)
    assert "--dialects" not in out
    assert "a.example.com -> a" in out


def test_a_file_in_which_nobody_asks_for_anything_has_no_site(capsys: pytest.CaptureFixture[str]) -> None:
    Path("compose.yaml").write_text("services: {a: {image: a}}")
    assert checked(capsys, "compose.yaml") == "1 file: nothing is wrong, and no site is in it\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("service: {a: {image: x}}", 'A compose file has no "service". Did you mean "services"?'),
        ("blog: {image: x}", '"blog" looks like a service: it stands below services:'),
    ],
)
def test_a_compose_file_without_services_is_known_as_one(
    capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    Path("compose.yaml").write_text(text)
    out = checked(capsys, "compose.yaml")
    assert said in out
    assert out.endswith("1 file: 1 error\n")
