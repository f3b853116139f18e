"""What `tidegate check` says of the service that runs Tidegate, and reads there."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest

from tidegate.cli import main

GOOD = """\
    ports: ["80:80", "443:443"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro", "data:/data"]
"""
APP = """\
  app:
    expose: [80]
    labels: {tidegate.host: app.example.com, tidegate.tls: company}
volumes: {data: }
"""
RESOLVER = "company.acme-ca=https://ca.example.lan/acme/directory"


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


def told(
    capsys: pytest.CaptureFixture[str], own: str, *arguments: str, rest: str = GOOD, app: str = APP
) -> list[str]:
    """Each finding in one line, of a file whose Tidegate says this of itself."""
    service = textwrap.indent(textwrap.dedent(own), "    ")
    Path("compose.yaml").write_text(f"services:\n  proxy:\n{service}{rest}{app}")
    assert main(["check", "--json", "compose.yaml", *arguments]) in (0, 1)
    findings = json.loads(capsys.readouterr().out)["findings"]
    return [f"{each['line']}:{each['column']} {each['severity']} {each['what']}" for each in findings]


@pytest.mark.parametrize(
    "own",
    [
        f"image: tidegate\ncommand: run --resolver {RESOLVER}\n",
        f"image: ghcr.io/me/tidegate:1.2\ncommand: [run, --resolver, '{RESOLVER}']\n",
        f"image: tidegate@sha256:00\ncommand: [run, '--resolver={RESOLVER}']\n",
        f"build: .\ncontainer_name: tidegate\ncommand: [run, '--resolver={RESOLVER}']\n",
        f"image: mine\ncommand: tidegate run --resolver {RESOLVER}\n",
        f"image: mine\ncommand: run --resolver {RESOLVER}\n",
        f"image: mine\nentrypoint: /opt/bin/tidegate\ncommand: run --resolver {RESOLVER}\n",
        f"image: tidegate\nenvironment: {{TIDEGATE_RESOLVER: '{RESOLVER}'}}\n",
        f"image: tidegate\nenvironment: ['TIDEGATE_RESOLVER={RESOLVER}']\n",
        f"image: tidegate\ncommand: >-\n  run\n  --resolver\n  {RESOLVER}\n",
    ],
)
def test_its_settings_are_those_of_the_check(capsys: pytest.CaptureFixture[str], own: str) -> None:
    assert told(capsys, own) == []


def test_variables_of_an_env_file_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.env").write_text(f"TIDEGATE_RESOLVER={RESOLVER}\n")
    assert told(capsys, "image: tidegate\nenv_file: own.env\n") == []
    assert told(capsys, "image: tidegate\nenv_file: [{path: own.env}]\n") == []


def test_the_settings_file_and_the_routes_that_it_mounts_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own").mkdir()
    Path("own", "tidegate.yaml").write_text(
        "resolver: {company: {acme-ca: letsencrypt-staging}}\n"
        "routes: /etc/tidegate/routes.yaml\ndefault-middlewares: secure\n"
    )
    Path("own", "routes.yaml").write_text("http: {middlewares: {secure: {headers: {frameDeny: true}}}}\n")
    for source in ("./own", str(Path("own").absolute()), "~/own"):
        rest = GOOD.replace('["/var', f'["{source}:/etc/tidegate:ro", "/var')
        assert told(capsys, "image: tidegate\n", rest=rest) == []
    assert told(
        capsys, "image: tidegate\n", rest=GOOD.replace('["/var', '["~nobody/own:/etc/tidegate", "/var')
    )
    Path("own", "tidegate.yaml").write_text("wbe: 80\nresolver: {company: {acme-ca: letsencrypt-staging}}\n")
    [finding] = told(capsys, "image: tidegate\n", rest=rest)
    assert finding == '1:1 error Tidegate has no "wbe". Did you mean "web"?'
    rest = rest.replace("~/own", "./own")
    assert told(capsys, "image: tidegate\n", "--config", "own/tidegate.yaml", rest=rest) == [finding]


def test_flags_of_the_check_win(capsys: pytest.CaptureFixture[str]) -> None:
    own = f"image: tidegate\ncommand: run --resolver {RESOLVER}\n"
    [finding] = told(capsys, own, "--resolver", "other.acme-ca=letsencrypt-staging")
    assert 'There is no resolver "company". Known: auto, internal, other.' in finding


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            "image: tidegate\ncommand: run --acme-emial me@example.com\n",
            '4:18 error Tidegate has no "--acme-emial". Did you mean "--acme-email"?',
        ),
        (
            "image: tidegate\ncommand: [run, --acme-emial=me@example.com]\n",
            '4:20 error Tidegate has no "--acme-emial". Did you mean "--acme-email"?',
        ),
        (
            "image: tidegate\ncommand: >-\n  run --web :80\n  --websecuer :443\n",
            '6:7 error Tidegate has no "--websecuer". Did you mean "--websecure"?',
        ),
        (
            "image: tidegate\nenvironment: {TIDEGATE_WBE: '80'}\n",
            '4:19 error Tidegate has no "TIDEGATE_WBE". Did you mean "TIDEGATE_WEB"?',
        ),
        ("image: tidegate\ncommand: run --acme-email nobody\n", "4:18 error Expected an e-mail address"),
        ("image: tidegate\ncommand: run --acme-email\n", "4:14 error Argument --acme-email: expected one"),
        ("image: tidegate\ncommand: run --dns cloudflare\n", "4:18 error "),
    ],
)
def test_what_tidegate_run_would_refuse_is_said_at_its_place(
    capsys: pytest.CaptureFixture[str], own: str, said: str
) -> None:
    [finding] = told(capsys, own, app="volumes: {data: }\n")
    assert finding.startswith(said)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            "command: tidegate run --dns off",
            "The image calls tidegate by itself. Write command: run --dns off",
        ),
        ("command: [/usr/bin/tidegate, run]", "The image calls tidegate by itself. Write command: run"),
        ("command: tidegate --web off", "The image calls tidegate by itself. Write command: run --web off"),
        ("command: tidegate certs", "The image calls tidegate by itself. Write command: certs"),
        ("command: --web off --acme-ca off", "It begins with run. Write command: run --web off ..."),
        ("command: ['--web=off']", "It begins with run. Write command: run --web=off"),
        ("entrypoint: tidegate\ncommand: --web off", "It begins with run. Write command: run --web off"),
        ("command: rum --web off", 'Tidegate has no command "rum". Did you mean "run"?'),
        ("command: sh -c 'tidegate run'", 'Tidegate has no command "sh".'),
    ],
)
def test_a_command_that_does_not_begin_with_one_of_tidegates_is_an_error(
    capsys: pytest.CaptureFixture[str], own: str, said: str
) -> None:
    [finding] = told(capsys, f"image: tidegate\n{own}\n", app="volumes: {data: }\n")
    assert finding.partition(" error ")[2] == said


def test_what_stands_behind_a_missing_run_is_judged_and_used(capsys: pytest.CaptureFixture[str]) -> None:
    findings = told(capsys, f"image: tidegate\ncommand: --resolver {RESOLVER} --wbe :80\n")
    assert [each.partition(" error ")[2][:34] for each in findings] == [
        "It begins with run. Write command:",
        'Tidegate has no "--wbe". Did you m',
    ]


@pytest.mark.parametrize(
    "command",
    [
        "--version",
        "run --config /etc/tidegate/mine.yaml",
        "run --routes /etc/tidegate/routes --acme-ca-bundle /etc/ca.pem --pages /pages",
        "run --acme-eab-kid k --acme-eab-hmac-file /run/secrets/hmac --notify-file /run/secrets/notify",
        "run --acme-email ${NOBODY_SETS_THIS}",
        "run --resolver 'other.acme-ca-bundle=/etc/ca.pem'",
        "trust --pem",
        "'run --web \"80'",
        "--help",
        "run --help",
    ],
)
def test_files_of_the_container_and_variables_of_its_machine_are_no_mistake(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert told(capsys, f"image: tidegate\ncommand: {command}\n", app="volumes: {data: }\n") == []


@pytest.mark.parametrize(
    ("own", "rest", "said"),
    [
        ("", GOOD.replace("/var/run/docker.sock:/var/run/docker.sock:ro", "x:/x"), "3:3 The engine's socket"),
        ("", GOOD.replace(', "443:443"', ""), "Port 443, where HTTPS is served, is not published"),
        ("", GOOD.replace("data:/data", "data:/date"), "/data is on no volume"),
        ("", GOOD.replace("data:/data", "/data"), "/data is on no volume"),
        ("command: run --data /srv/own\n", GOOD, "/srv/own is on no volume"),
        ("command: run --websecure :8443\n", GOOD, "Port 8443, where HTTPS is served"),
    ],
)
def test_what_it_lacks_is_a_warning(
    capsys: pytest.CaptureFixture[str], own: str, rest: str, said: str
) -> None:
    [finding] = told(capsys, f"image: tidegate\n{own}", rest=rest, app="volumes: {data: , x: }\n")
    assert finding.startswith("2:3 warning ")
    assert said.removeprefix("3:3 ") in finding


SOCKETLESS = GOOD.replace('"/var/run/docker.sock:/var/run/docker.sock:ro", ', "")


@pytest.mark.parametrize(
    ("own", "rest"),
    [
        ("command: run --docker tcp://socket-proxy:2375\n", SOCKETLESS),
        ("command: run --docker off\n", SOCKETLESS),
        ("environment: {DOCKER_HOST: 'tcp://socket-proxy:2375'}\n", SOCKETLESS),
        ("environment: {TIDEGATE_DOCKER: 'tcp://socket-proxy:2375'}\n", SOCKETLESS),
        ("", GOOD.replace("/var/run/docker.sock:/var/run/docker.sock:ro", "/var/run:/var/run")),
        ("", GOOD.replace("/var/run/docker.sock:/", "/run/podman/podman.sock:/")),
        ("network_mode: host\n", GOOD.replace('    ports: ["80:80", "443:443"]\n', "")),
        ("command: run --websecure off --acme-ca off\n", GOOD.replace(', "443:443"', "")),
        ("", GOOD.replace('"443:443"', '"8443:443"')),
        ("", GOOD.replace("data:/data", "./state:/data")),
        ("", GOOD.replace('"data:/data"', "{type: bind, source: state, target: /data}")),
        ("command: run --data /srv/own/state\n", GOOD.replace("data:/data", "data:/srv/own")),
        # What nobody sees here may say it.
        ("env_file: nowhere.env\n", SOCKETLESS),
        ("command: run --config /etc/mine.yaml\n", SOCKETLESS),
    ],
)
def test_nothing_is_said_where_it_is_not_certain(
    capsys: pytest.CaptureFixture[str], own: str, rest: str
) -> None:
    assert told(capsys, f"image: tidegate\n{own}", rest=rest, app="volumes: {data: }\n") == []


def test_a_tunnel_beside_it_needs_no_port(capsys: pytest.CaptureFixture[str]) -> None:
    rest = GOOD.replace('    ports: ["80:80", "443:443"]\n', "")
    app = "  tunnel: {image: cloudflare/cloudflared}\nvolumes: {data: }\n"
    assert told(capsys, "image: tidegate\n", rest=rest, app=app) == []


@pytest.mark.parametrize(
    "own",
    [
        "image: other\ncommand: run --config /x\n",
        "image: me/tidegate-demo-app\ncommand: [page]\n",
        "image: createdb\ncommand: tidegate --owner me\n",
    ],
)
def test_other_programs_that_are_told_to_run_are_left_alone(
    capsys: pytest.CaptureFixture[str], own: str
) -> None:
    assert told(capsys, own, rest="", app="") == []


def test_a_volume_that_compose_would_miss_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    [finding] = told(capsys, "image: tidegate\n", app="volumes: {date: }\n")
    assert finding == '5:63 error The file declares no volume "data". Did you mean "date"?'
    for source in ("./data", "/data", "~/data", "${NOBODY_SETS_THIS}"):
        rest = f"    volumes: ['{source}:/x']\n"
        assert told(capsys, "image: other\n", rest=rest, app="") == [], source
