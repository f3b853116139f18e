"""The API of a real PowerDNS, by our own code and by that of Lexicon in its own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acme_client.dns import program
from acme_client.dns.choosing import choose_provider
from acme_client.failure import Failure
from tests.nameserver import find
from tests.powerdns import PowerDNSServer

pytestmark = pytest.mark.acme

ZONE = "example.test"
NAME = f"_acme-challenge.{ZONE}"
DEEP = f"_acme-challenge.a.b.{ZONE}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PowerDNSServer]:
    if find("pdns_server") is None:
        pytest.skip("PowerDNS is not installed: run scripts/nameservers")
    with PowerDNSServer(tmp_path / "pdns", ZONE) as server:
        yield server


def variables(name: str, server: PowerDNSServer) -> dict[str, str]:
    if name == "powerdns":
        return {"PDNS_API_URL": server.url, "PDNS_API_KEY": server.key}
    return {"LEXICON_POWERDNS_PDNS_SERVER": server.url, "LEXICON_POWERDNS_AUTH_TOKEN": server.key}


@pytest.mark.parametrize("name", ["powerdns", "lexicon:powerdns"])
def test_values_come_and_go_one_by_one(name: str, server: PowerDNSServer, tmp_path: Path) -> None:
    provider = choose_provider(name, variables(name, server), tmp_path)
    provider.present(ZONE, NAME, "one")
    provider.present(ZONE, NAME, "two")
    provider.present(ZONE, DEEP, "three")
    assert (server.txt(NAME), server.txt(DEEP)) == (["one", "two"], ["three"])
    provider.withdraw(ZONE, NAME, "one")
    assert server.txt(NAME) == ["two"]
    provider.withdraw(ZONE, NAME, "two")
    provider.withdraw(ZONE, NAME, "two")
    assert (server.txt(NAME), server.txt(DEEP)) == ([], ["three"])


@pytest.mark.parametrize("name", ["powerdns", "lexicon:powerdns"])
def test_a_wrong_key_and_a_foreign_zone_are_told_without_the_key(
    name: str, server: PowerDNSServer, tmp_path: Path
) -> None:
    wrong = {key: value.replace(server.key, "not-the-key") for key, value in variables(name, server).items()}
    with pytest.raises(Failure, match=r"look at (PDNS|LEXICON_POWERDNS)") as caught:
        choose_provider(name, wrong, tmp_path).present(ZONE, NAME, "one")
    assert "not-the-key" not in str(caught.value)
    right = choose_provider(name, variables(name, server), tmp_path)
    with pytest.raises(Failure):
        right.present("other.test", "_acme-challenge.other.test", "one")


def test_a_lexicon_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(program, "LONGEST", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        given = {"LEXICON_POWERDNS_PDNS_SERVER": url, "LEXICON_POWERDNS_AUTH_TOKEN": "abcdef"}
        with pytest.raises(Failure, match="was killed"):
            choose_provider("lexicon:powerdns", given, tmp_path).present(ZONE, NAME, "one")


def test_no_such_provider_of_lexicon_is_told(tmp_path: Path) -> None:
    given = {"LEXICON_NOBODY_AUTH_TOKEN": "abcdef"}
    with pytest.raises(Failure, match="nobody"):
        choose_provider("lexicon:nobody", given, tmp_path).present(ZONE, NAME, "one")
