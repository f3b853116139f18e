import asyncio
import json
import os
import subprocess
import sys
import tempfile
import types
from functools import partial
from pathlib import Path

import pytest
import trustme

from tests.tidegate.test_status import SECOND, status
from tidegate.addresses import OFF, Address
from tidegate.cli import main
from tidegate.dashboard.serve import open_dashboard
from tidegate.settings_reference import settings_page
from tidegate.trust import EVERY_NAME, ROOT

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("TIDEGATE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def data():
    with tempfile.TemporaryDirectory() as directory:
        yield directory


@pytest.fixture
def served(monkeypatch):
    """The settings with which the program was started."""
    calls = []

    def run(settings) -> int:
        calls.append(settings)
        return 0

    app = types.ModuleType("tidegate.app")
    app.run = run
    monkeypatch.setitem(sys.modules, "tidegate.app", app)
    return calls


async def typed(*arguments: str) -> int:
    return await asyncio.to_thread(main, arguments)


def test_run_starts_with_the_settings(served, tmp_path):
    assert (
        main(
            [
                "run",
                "--web",
                ":8080",
                "--entrypoint=a=:81",
                "--entrypoint",
                "b=:82/tls",
                "--data",
                str(tmp_path),
            ]
        )
        == 0
    )
    [settings] = served
    assert settings.web == Address("", 8080)
    assert [str(entry) for entry in settings.entrypoint] == ["a=:81", "b=:82/tls"]
    assert settings.data == tmp_path


def test_run_refuses_every_mistake_at_once_with_status_2(served, monkeypatch, capsys):
    monkeypatch.setenv("TIDEGATE_WEBB", ":81")
    assert (
        main(["run", "--dahboard", ":80", "--web=80", "--frobnicate=1", "stray", "--log-level", "loud"]) == 2
    )
    assert served == []
    said = capsys.readouterr().err
    for words in (
        '--dahboard :80\n  Tidegate has no "--dahboard". Did you mean "--dashboard"?',
        '--frobnicate=1\n  Tidegate has no "--frobnicate".',
        "stray\n  Settings are given as --NAME VALUE.",
        'TIDEGATE_WEBB\n  Tidegate has no "TIDEGATE_WEBB". Did you mean "TIDEGATE_WEB"?',
        "--web=80\n  Expected an address",
        "--log-level=loud\n  Expected one of debug",
        "6 mistakes: Tidegate does not start.",
    ):
        assert words in said


def test_a_right_setting_beside_an_unknown_flag_does_not_start_either(served, capsys):
    assert main(["run", "--webb", ":81"]) == 2
    assert served == []
    assert "One mistake" in capsys.readouterr().err


def test_a_secret_is_no_flag_but_its_file_is(served, capsys):
    assert main(["run", "--acme-eab-hmac", "aHVudGVyMg"]) == 2
    assert 'Did you mean "--acme-eab-hmac-file"?' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], 'Did you mean "run"?'),
        (["xyzzy"], "Known: run, routes"),
        ([], "say which command"),
        (["--frob"], 'no "--frob" before a command. See tidegate --help.'),
        (["--frob", "routes"], 'no "--frob" before a command. See tidegate --help.'),
        (["--acme-email", "a@b.de"], "before a command. Write: tidegate run --acme-email a@b.de\n"),
        (
            ["--acme-ca=off", "--web=:80"],
            'no "--acme-ca" before a command. Write: tidegate run --acme-ca=off',
        ),
        (["--data", "my data", "routes"], "Write: tidegate routes --data 'my data'\n"),
        (["--config", "t.yaml"], "Write: tidegate run --config t.yaml"),
        (
            ["translate", "--from", "treafik", "-"],
            'argument --from: there is no "treafik". Did you mean "traefik"?',
        ),
        (["translate", "--from", "xyzzy", "-"], "Known: traefik, caddy, nginx-proxy."),
        (["certs", "revoke", "a.test", "--reason", "supersede"], 'Did you mean "superseded"?'),
        (
            ["certs", "on.example.com"],
            'certs has no "on.example.com". Write: tidegate certs show on.example.com',
        ),
        (["certs", "rewen"], 'certs has no "rewen". Did you mean "renew"?'),
        (["certs", "xyzzy"], 'certs has no "xyzzy". Known: list, show'),
        (["run", "--web"], "--web: expected one argument"),
        (["routes", "--jsno"], 'no "--jsno" here'),
        (["version", "now"], 'no "now" here'),
    ],
)
def test_a_line_that_makes_no_sense_ends_with_status_2_and_a_hint(arguments, words, capsys):
    assert main(arguments) == 2
    assert words in capsys.readouterr().err


def test_help_names_every_setting(capsys):
    with pytest.raises(SystemExit) as end:
        main(["run", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for flag in (
        "--web ",
        "--websecure",
        "--acme-eab-hmac-file FILE",
        "--log-level debug|info|warning|error",
    ):
        assert flag in text


def test_settings_prints_the_page(capsys):
    assert main(["settings"]) == 0
    assert capsys.readouterr().out == settings_page()


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_version_says_on_what_it_runs(arguments, capsys):
    import aiohttp

    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert text.startswith("tidegate ")
    assert "(proxy in plain Python)" in text or "(proxy compiled" in text
    assert f"aiohttp {aiohttp.__version__} (C parser)" in text


async def test_routes_shows_the_running_instance(data, capsys):
    async with open_dashboard(status, Path(data), OFF):
        assert await typed("routes", "--data", data) == 0
        assert "https://blog.example.com" in capsys.readouterr().out
        assert await typed("routes", "--data", data, "--json") == 0
        assert json.loads(capsys.readouterr().out)["problems"][0]["where"] == "nas-1: tidegate.port"


async def test_routes_finds_it_by_its_variables_as_in_a_container(data, capsys, monkeypatch):
    monkeypatch.setenv("TIDEGATE_DATA", data)
    monkeypatch.setenv("TIDEGATE_NEWER_SETTING", "of another version")
    async with open_dashboard(status, Path(data), OFF):
        assert await typed("healthcheck") == 0
    assert capsys.readouterr().out == "ok\n"


async def test_the_dashboards_address_serves_where_there_is_no_socket(data, capsys):
    async with open_dashboard(status, Path(data), Address("127.0.0.1", 0)) as (address,):
        assert await typed("healthcheck", "--data", "/does/not/exist", "--dashboard", str(address)) == 0
        assert (
            await typed("healthcheck", "--data", "/does/not/exist") == 1
        )  # not whoever is at the usual address


async def test_healthcheck_fails_where_no_worker_serves(data, capsys):
    async with open_dashboard(lambda: status(workers=(SECOND,)), Path(data), OFF):
        assert await typed("healthcheck", "--data", data) == 1
    assert capsys.readouterr().out == "down\nNo worker serves: nobody gets an answer.\n"


def test_healthcheck_fails_where_nobody_answers(data, capsys):
    assert main(["healthcheck", "--data", data]) == 1
    assert "No running Tidegate answers here." in capsys.readouterr().err


def test_trust_says_how_and_prints_the_root(data, capsys):
    root = Path(data) / ROOT
    root.parent.mkdir()
    pem = trustme.CA().cert_pem.bytes().decode()
    root.write_text(pem)
    assert main(["trust", "--data", data]) == 0
    text = capsys.readouterr().out
    for words in (
        str(root),
        "SHA-256: ",
        "update-ca-certificates",
        "Keychain",
        "certutil",
        "Firefox",
        "Android",
        "iPhone",
    ):
        assert words in text
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    digest = x509.load_pem_x509_certificate(pem.encode()).fingerprint(SHA256()).hex(":").upper()
    assert digest in text
    assert main(["trust", "--pem", "--data", data]) == 0
    assert capsys.readouterr().out == pem


@pytest.fixture
def usual(monkeypatch):
    """The default data directory, with a root that nobody serves from."""
    with tempfile.TemporaryDirectory() as home:
        monkeypatch.setattr("tidegate.settings.default_data", lambda: Path(home))
        write_root(home, "left behind")
        yield Path(home)


def write_root(data: str | Path, name: str) -> str:
    (Path(data) / ROOT).parent.mkdir()
    pem = trustme.CA(organization_name=name).cert_pem.bytes().decode()
    (Path(data) / ROOT).write_text(pem)
    return pem


async def test_trust_hands_out_the_root_of_the_instance_that_runs(data, usual, capsys):
    pem = write_root(data, "in use")
    served = partial(status, data=data)
    async with (
        open_dashboard(served, Path(data), OFF),
        open_dashboard(served, usual / "none", Address("127.0.0.1", 0)) as (address,),
    ):
        assert await typed("trust", "--pem", "--dashboard", str(address)) == 0
    assert capsys.readouterr() == (pem, "")


async def test_trust_does_not_take_a_containers_directory_for_one_of_this_machine(data, usual, capsys):
    write_root(data, "of this machine")
    async with open_dashboard(partial(status, data=data), usual, OFF):
        assert await typed("trust", "--pem", "--dashboard", "off") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "docker exec CONTAINER tidegate trust" in err


def test_trust_says_whose_root_it_is_when_nothing_runs(usual, capsys):
    assert main(["trust", "--pem", "--dashboard", "off"]) == 0
    out, err = capsys.readouterr()
    assert out == (usual / ROOT).read_text()
    assert err == f"No Tidegate runs here: this is about {usual}.\n"


async def test_trust_believes_the_directory_that_is_named(data, usual, capsys):
    pem = write_root(data, "named")
    async with open_dashboard(partial(status, data=str(usual)), usual, OFF):
        assert await typed("trust", "--pem", "--data", data) == 0
    assert capsys.readouterr() == (pem, "")


def test_trust_tells_of_the_root_behind_public_names_where_it_is_another(data, capsys):
    put(Path(data) / ROOT, local := trustme.CA().cert_pem.bytes().decode())
    put(Path(data) / EVERY_NAME, local)
    assert main(["trust", "--data", data]) == 0
    assert "--every-name" not in capsys.readouterr().out  # one root signs everything
    put(Path(data) / EVERY_NAME, public := trustme.CA().cert_pem.bytes().decode())
    assert main(["trust", "--data", data]) == 0
    assert f"tidegate trust --every-name --data {data}" in capsys.readouterr().out
    assert main(["trust", "--every-name", "--data", data]) == 0
    out = capsys.readouterr().out
    assert f"tidegate trust --pem --every-name --data {data} > tidegate-root.pem" in out
    assert str(Path(data) / EVERY_NAME) in out
    assert main(["trust", "--pem", "--every-name", "--data", data]) == 0
    assert capsys.readouterr().out == public


def put(path, pem):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(pem)


@pytest.mark.parametrize(
    ("content", "words"), [(None, "made when Tidegate first runs"), ("no PEM", "holds no certificate")]
)
def test_trust_without_a_root_says_why(data, content, words, capsys):
    if content:
        (Path(data) / ROOT).parent.mkdir()
        (Path(data) / ROOT).write_text(content)
    assert main(["trust", "--data", data]) == 1
    assert words in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        command = [sys.executable, "-m", "tidegate", "settings"]
        ended = subprocess.run(command, cwd=REPOSITORY, stdout=gone, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("arguments", "banned"),
    [
        (["--help"], ["docker", "acme", "josepy", "cryptography", "aiohttp", "structlog", "yaml"]),
        (["run", "--help"], ["docker", "acme", "josepy", "cryptography", "aiohttp", "structlog", "yaml"]),
        (
            ["routes", "--data", "/nowhere"],
            ["docker", "acme", "josepy", "cryptography", "aiohttp", "structlog"],
        ),
        (["healthcheck", "--data", "/nowhere"], ["docker", "acme", "josepy", "cryptography", "aiohttp"]),
        (
            ["why", "blog.test", "--data", "/nowhere"],
            ["docker", "acme", "josepy", "cryptography", "aiohttp", "structlog"],
        ),
        (["trust", "--data", "/nowhere"], ["docker", "acme", "josepy", "cryptography", "aiohttp"]),
        (["version"], ["docker", "acme", "josepy", "cryptography"]),
    ],
)
def test_a_command_imports_only_what_it_needs(arguments, banned):
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tidegate", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    loaded = {
        line.rpartition("|")[2].strip()
        for line in ended.stderr.splitlines()
        if line.startswith("import time:")
    }
    assert "tidegate.cli" in loaded
    assert loaded.isdisjoint(banned)


@pytest.mark.parametrize(
    ("words", "said"),
    [(["help"], "usage: tidegate [-h] COMMAND"), (["help", "check"], "usage: tidegate check")],
)
def test_help_is_understood_as_a_word(capsys, words, said):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(said)


def test_help_about_nothing_that_there_is_says_so(capsys):
    assert main(["help", "chekc"]) == 2
    assert 'Did you mean "check"?' in capsys.readouterr().err


def test_a_site_is_closed_or_open_and_nothing_between(capsys):
    assert main(["maintenance", "blog.example.com", "maybe"]) == 2
    assert capsys.readouterr().err.startswith('tidegate: there is no "maybe": say on or off')


def test_who_types_a_strange_flag_is_led_to_the_help_of_that_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["notify", "test", "--data", "x"]) == 2
    assert capsys.readouterr().err == 'tidegate: there is no "--data" here. See tidegate notify --help.\n'
