"""Updates signed with a TSIG key, sent to a real BIND and to a real Knot DNS."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from acme_client.dns.rfc2136 import RFC2136
from acme_client.dns.variables import MissingVariable, Variables
from acme_client.failure import Failure
from tests.integration.acme.test_dns01 import credentials
from tests.knot import Knot
from tests.nameserver import Nameserver, find

pytestmark = pytest.mark.acme

ZONE, FOREIGN = "example.test", "nobody-has-it.test"
NAME, SHARED = f"_acme-challenge.{ZONE}", f"_acme-challenge.shared.{ZONE}"
MORE = {ZONE: '_acme-challenge.shared 300 IN TXT "somebody else\'s"\n'}


@pytest.fixture(scope="module", params=[Nameserver, Knot], ids=lambda kind: kind.program)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nameserver]:
    kind = request.param
    if find(kind.program) is None:
        pytest.skip(f"{kind.program} is not installed: run scripts/nameservers")
    with kind(tmp_path_factory.mktemp(kind.program), ZONE, more=MORE) as server:
        yield server


def provider(server: Nameserver, **change: str) -> RFC2136:
    return RFC2136.read(Variables(credentials(server) | change))


@pytest.mark.parametrize(
    ("name", "others"), [(f"_acme-challenge.a.b.{ZONE}", []), (SHARED, ["somebody else's"])]
)
def test_values_come_and_go_one_by_one(server: Nameserver, name: str, others: list[str]) -> None:
    tidegate = provider(server)
    for value in ("one", "two", "one"):
        tidegate.present(ZONE, name, value)
    assert server.txt(name) == ["one", *others, "two"]
    tidegate.withdraw(ZONE, name, "one")
    assert server.txt(name) == [*others, "two"]
    for _ in range(2):
        tidegate.withdraw(ZONE, name, "two")
    assert server.txt(name) == others


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"RFC2136_TSIG_KEY": ""}, "does not let us change the zone.*(REFUSED|NOTAUTH)"),
        ({"RFC2136_TSIG_KEY": "other"}, "does not know our key"),
        ({"RFC2136_TSIG_SECRET": "YWJj"}, "does not know our key: "),
        ({"RFC2136_TSIG_ALGORITHM": "hmac-sha512"}, "does not know our key"),
        ({"RFC2136_NAMESERVER": "127.0.0.1:1"}, "cannot be reached"),
    ],
)
def test_what_is_wrong_with_an_update_is_told_with_the_variables(
    server: Nameserver, change: dict[str, str], words: str
) -> None:
    with pytest.raises(Failure, match=words) as caught:
        provider(server, **change).present(ZONE, NAME, "refused")
    assert "RFC2136_" in str(caught.value)
    assert (credentials(server) | change)["RFC2136_TSIG_SECRET"] not in str(caught.value)
    assert server.txt(NAME) == []


def test_a_zone_that_the_server_does_not_have_is_told(server: Nameserver) -> None:
    with pytest.raises(Failure, match=f"is not responsible for {FOREIGN}"):
        provider(server).present(FOREIGN, f"_acme-challenge.{FOREIGN}", "one")


def test_a_name_that_the_rules_leave_out_is_told(server: Nameserver) -> None:
    with pytest.raises(Failure, match=r"does not let (us|it) change .*at its own rules"):
        provider(server).present(ZONE, f"_acme-challenge.{FOREIGN}", "one")


@pytest.mark.parametrize("wrong_by", [3600, -3600])
def test_a_clock_that_is_wrong_is_told(
    server: Nameserver, wrong_by: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = time.time
    with monkeypatch.context() as patch, pytest.raises(Failure, match="one of the two clocks is wrong"):
        patch.setattr(time, "time", lambda: right() + wrong_by)
        provider(server).present(ZONE, NAME, "one")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"RFC2136_TSIG_ALGORITHM": "md9"}, "no TSIG key"),
        ({"RFC2136_NAMESERVER": "127.0.0.1:dns"}, "perhaps with a port"),
    ],
)
def test_credentials_that_cannot_be_are_told(server: Nameserver, change: dict[str, str], words: str) -> None:
    with pytest.raises(MissingVariable, match=words):
        provider(server, **change)


def test_a_server_may_be_named_and_listen_on_one_of_its_addresses_only(server: Nameserver) -> None:
    name = f"_acme-challenge.named.{ZONE}"
    provider(server, RFC2136_NAMESERVER=f"localhost:{server.port}").present(ZONE, name, "one")
    assert server.txt(name) == ["one"]


def test_a_server_that_does_not_answer_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acme_client.dns.rfc2136.LONGEST", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        given = {"RFC2136_NAMESERVER": f"127.0.0.1:{silent.getsockname()[1]}"}
        with pytest.raises(Failure, match="did not answer within"):
            RFC2136.read(Variables(given)).present(ZONE, NAME, "one")
