"""Every provider, against a server that behaves as it does."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from datetime import UTC, datetime

import pytest

from acme_client.dns import api as api_module
from acme_client.dns import program as program_module
from acme_client.dns.acmedns import AcmeDNS
from acme_client.dns.duckdns import DuckDNS
from acme_client.dns.ovh import OVH
from acme_client.dns.program import Program
from acme_client.dns.provider import relative
from acme_client.dns.route53 import Keys, sign
from acme_client.dns.webhook import Webhook
from acme_client.failure import Failure
from tests.acme_client.dns.player import playing
from tests.acme_client.dns.zones import TOKEN, ZONE, ZONES, CloudflareZone, DeSECZone

NAME = f"_acme-challenge.{ZONE}"
DEEP = f"_acme-challenge.www.{ZONE}"

every = pytest.mark.parametrize("kind", ZONES, ids=lambda kind: kind.__name__)


@every
def test_values_are_added_to_a_name_and_removed_one_by_one(kind):
    zone = kind()
    with playing(zone) as player:
        provider = zone.provider(player.url)
        for value in ("one", "two"):
            provider.present(ZONE, NAME, value)
        provider.present(ZONE, DEEP, "three")
        assert {name: sorted(values) for name, values in zone.values.items()} == {
            NAME: ["one", "two"],
            DEEP: ["three"],
        }
        provider.withdraw(ZONE, NAME, "one")
        assert zone.values[NAME] == ["two"]
        provider.withdraw(ZONE, NAME, "two")
        assert not zone.values.get(NAME)
        assert zone.values[DEEP] == ["three"]


@every
def test_what_is_there_already_or_no_more_is_no_failure(kind):
    zone = kind()
    with playing(zone) as player:
        provider = zone.provider(player.url)
        provider.withdraw(ZONE, NAME, "one")
        provider.present(ZONE, NAME, "one")
        if kind.__name__ not in ("DigitalOceanZone", "OVHZone"):  # they keep equal records apart
            provider.present(ZONE, NAME, "one")
            assert zone.values[NAME] == ["one"]
        provider.withdraw(ZONE, NAME, "one")
        provider.withdraw(ZONE, NAME, "one")
        assert not zone.values.get(NAME)


@every
def test_a_refused_token_is_told_with_its_variable_and_never_itself(kind):
    zone = kind()
    with playing(lambda asked: zone.unauthorized if "time" not in asked.path else (200, "1")) as player:
        provider = zone.provider(player.url)
        with pytest.raises(Failure) as caught:
            provider.present(ZONE, NAME, "one")
    assert "refuses us, or we lack a right: look at" in str(caught.value)
    assert any(word in str(caught.value) for word in ("_TOKEN", "_KEY"))
    assert TOKEN not in str(caught.value)
    assert (caught.value.kind, caught.value.wide) == ("dns", False)


@every
def test_a_zone_that_is_not_there_is_told_as_that(kind):
    zone = kind()
    with playing(zone) as player:
        provider = zone.provider(player.url)
        with pytest.raises(Failure, match=r"zone"):
            provider.present("other.example", "_acme-challenge.other.example", "one")
    assert zone.values == {}


@every
@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (500, "<html>oops</html>", "out of order"),
        (503, {"message": "in a moment again"}, "in a moment again"),
        (400, {"errors": [{"message": f"bad {TOKEN} given"}]}, r"bad \[hidden\] given"),
        (429, {"detail": "too many requests"}, "fewer requests"),
        (302, None, "302"),
    ],
)
def test_trouble_is_told_in_words_without_the_token(kind, status, body, words):
    zone = kind()
    with playing(lambda asked: (status, body) if "time" not in asked.path else (200, "1")) as player:
        player.more["Location"] = "http://127.0.0.1:1/"
        with pytest.raises(Failure, match=words) as caught:
            zone.provider(player.url).present(ZONE, NAME, "one")
    assert TOKEN not in str(caught.value)


@every
def test_answers_of_another_shape_are_no_fault_of_our_own(kind):
    for body in (
        "",
        "[]",
        "{}",
        '"text"',
        "null",
        '{"result": 7, "rrsets": 7, "domain_records": 7}',
        "<html>",
    ):
        zone = kind()
        with playing(lambda asked, body=body: (200, body)) as player:
            provider = zone.provider(player.url)
            for act in (provider.present, provider.withdraw):
                try:
                    act(ZONE, NAME, "one")
                except Failure as failure:
                    assert failure.kind == "dns"


@every
def test_a_provider_that_is_not_there_is_told_with_its_address(kind):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Failure, match=rf"cannot be reached at 127.0.0.1:{port}") as caught:
        kind().provider(f"http://127.0.0.1:{port}").present(ZONE, NAME, "one")
    assert "HTTPConnectionPool" not in str(caught.value)


def test_a_provider_that_answers_drop_by_drop_is_left_in_time(monkeypatch):
    monkeypatch.setattr(api_module, "LONGEST", 0.5)
    done = threading.Event()

    def drip(server):
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not done.wait(0.05):
                try:
                    connection.sendall(b"1\r\n \r\n")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        began = time.monotonic()
        with pytest.raises(Failure, match="did not answer within"):
            DeSECZone.provider(f"http://127.0.0.1:{server.getsockname()[1]}").present(ZONE, NAME, "one")
        assert time.monotonic() - began < 5
        done.set()
        thread.join(5)


def test_a_short_retry_after_is_waited_for_on_the_spot(monkeypatch):
    waited = []
    monkeypatch.setattr(api_module.time, "sleep", waited.append)
    zone, refusals = DeSECZone(), [1]

    def rules(asked):
        if refusals:
            refusals.pop()
            return 429, {"detail": "Request was throttled."}
        return zone(asked)

    with playing(rules) as player:
        player.more["Retry-After"] = "7"
        zone.provider(player.url).present(ZONE, NAME, "one")
    assert (waited, zone.values[NAME]) == ([7.0], ["one"])


def test_a_long_retry_after_is_the_hosts_to_wait_for():
    with playing(lambda asked: (429, {"detail": "throttled for long"})) as player:
        player.more["Retry-After"] = "3600"
        with pytest.raises(Failure) as caught:
            CloudflareZone.provider(player.url).present(ZONE, NAME, "one")
    assert caught.value.retry_after == 3600


def test_netrc_does_not_replace_a_token(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    zone = DeSECZone()
    with playing(zone) as player:
        zone.provider(player.url).present(ZONE, NAME, "one")
    assert zone.values[NAME] == ["one"]


def test_a_name_inside_its_zone():
    assert relative(NAME, ZONE) == "_acme-challenge"
    assert relative(DEEP, ZONE) == "_acme-challenge.www"
    assert (relative(ZONE, ZONE), relative(ZONE, ZONE, "")) == ("@", "")


def test_duckdns_holds_one_value_for_all_names_of_a_subdomain():
    with playing(lambda asked: (200, "OK")) as player:
        duck = DuckDNS(TOKEN, player.url)
        duck.present("duckdns.org", "_acme-challenge.blog.home.duckdns.org", "one")
        duck.withdraw("duckdns.org", "_acme-challenge.blog.home.duckdns.org", "one")
        asked = [each.query for each in player.asked]
        player.rules = lambda asked: (200, "KO")
        with pytest.raises(Failure, match="DUCKDNS_TOKEN") as caught:
            duck.present("duckdns.org", "_acme-challenge.home.duckdns.org", "one")
        with pytest.raises(Failure, match=r"end in \.duckdns\.org"):
            duck.present(ZONE, NAME, "one")
    named = {"domains": "home", "token": TOKEN, "txt": "one"}
    assert asked == [named, named | {"clear": "true"}]
    assert TOKEN not in str(caught.value)


def test_the_token_in_duckdns_address_is_hidden_when_it_cannot_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Failure) as caught:
        DuckDNS(TOKEN, f"http://127.0.0.1:{port}").present("", "_acme-challenge.home.duckdns.org", "one")
    assert "s3cret" not in str(caught.value) + repr(caught.value)


ACCOUNT = {
    "username": "user-1",
    "password": TOKEN,
    "fulldomain": "d420.auth.example.org",
    "subdomain": "d420",
    "allowfrom": [],
}


def test_acme_dns_registers_says_which_cname_to_add_and_then_updates(tmp_path):
    with playing(
        lambda asked: (201, ACCOUNT) if asked.path == "/register" else (200, {"txt": "x"})
    ) as player:
        for _ in range(2):  # the second one is told the same, from the file
            with pytest.raises(Failure, match=rf"{NAME} CNAME d420\.auth\.example\.org") as caught:
                AcmeDNS(player.url, tmp_path / "dns" / "accounts.json").present(ZONE, NAME, "one")
        assert TOKEN not in str(caught.value)
        provider = AcmeDNS(player.url, tmp_path / "dns" / "accounts.json")
        provider.present("auth.example.org", "d420.auth.example.org", "one")
        provider.withdraw("auth.example.org", "d420.auth.example.org", "one")
        with pytest.raises(Failure, match=r"leads to other\.auth\.example\.org"):
            provider.present("auth.example.org", "other.auth.example.org", "one")
    assert player.calls[:2] == ["POST /register", "POST /update"]
    assert player.asked[1].json == {"subdomain": "d420", "txt": "one"}
    assert (player.asked[1].headers["x-api-user"], player.asked[1].headers["x-api-key"]) == ("user-1", TOKEN)
    assert (tmp_path / "dns" / "accounts.json").stat().st_mode & 0o777 == 0o600


def test_a_webhook_is_asked_as_legos_httpreq_asks():
    with playing(lambda asked: (200, None)) as player:
        hook = Webhook(player.url, "anna", TOKEN)
        hook.present(ZONE, NAME, "one")
        hook.withdraw(ZONE, NAME, "one")
    assert player.calls == ["POST /present", "POST /cleanup"]
    assert player.asked[0].json == {"fqdn": f"{NAME}.", "value": "one"}
    assert player.asked[0].headers["authorization"].startswith("Basic ")


@pytest.fixture
def program(tmp_path):
    def write(text):
        path = tmp_path / "program"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return Program(str(path))

    return write


def test_a_program_is_called_as_legos_exec_calls_it(program, tmp_path):
    ours = program(f'echo "$@" >> {tmp_path}/called')
    ours.present(ZONE, NAME, "one")
    ours.withdraw(ZONE, NAME, "one")
    assert (tmp_path / "called").read_text() == f"present {NAME}. one\ncleanup {NAME}. one\n"


def test_a_program_that_fails_is_quoted(program):
    with pytest.raises(Failure, match=r"EXEC_PATH .* ended with status 3\. \(no such zone\)"):
        program("echo no such zone; exit 3").present(ZONE, NAME, "one")
    with pytest.raises(Failure, match="cannot be started"):
        Program("/nowhere").present(ZONE, NAME, "one")


def test_a_program_that_hangs_is_killed_with_its_children(program, monkeypatch):
    monkeypatch.setattr(program_module, "LONGEST", 0.3)
    began = time.monotonic()
    with pytest.raises(Failure, match="was killed"):
        program("sleep 60 & sleep 60").present(ZONE, NAME, "one")
    assert time.monotonic() - began < 5


def test_a_request_to_route_53_is_signed_as_amazons_own_example():
    """The case get-vanilla-query-order-key of the test suite for Signature Version 4."""
    keys = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    now = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    query = {"Param2": "value2", "Param1": "value1"}
    headers = sign(keys, "GET", "example.amazonaws.com", "/", query, b"", now, "us-east-1", "service")
    assert headers["Authorization"].endswith(
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
    )


def test_a_request_to_ovh_is_signed_over_everything_that_it_says():
    ovh = OVH("https://eu.api.ovh.com/1.0", "key", "secret", "consumer")
    text = b"secret+consumer+GET+https://eu.api.ovh.com/1.0/me++1366560945"
    expected = f"$1${hashlib.sha1(text).hexdigest()}"
    assert ovh.signature("GET", "https://eu.api.ovh.com/1.0/me", "", "1366560945") == expected
