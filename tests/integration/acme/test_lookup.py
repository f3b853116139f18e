"""Where a record belongs and who has it, asked of a real DNS server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from acme_client.dns.lookup import Lookup, Place, Server
from acme_client.dns.rfc2136 import RFC2136
from acme_client.dns.variables import Variables
from acme_client.failure import Failure
from tests.integration.acme.test_dns01 import credentials
from tests.nameserver import Nameserver, find

pytestmark = pytest.mark.acme

ZONE, BELOW, PROOFS = "example.test", "sub.example.test", "proofs.test"
MORE = {
    ZONE: "\n".join(
        (
            "_acme-challenge.moved IN CNAME one.example.test.",
            f"one IN CNAME there.{PROOFS}.",
            "_acme-challenge.circle IN CNAME _acme-challenge.circle",
            *(f"n{number} IN CNAME n{number + 1}" for number in range(8)),
            *(f"m{number} IN CNAME m{number + 1}" for number in range(9)),
            "n8 IN A 127.0.0.1",
            "m9 IN A 127.0.0.1",
            f"*.everywhere IN CNAME home.{PROOFS}.",
            f"_acme-challenge.x.everywhere IN CNAME own.{PROOFS}.",
            "sub IN NS ns.sub",
            "app IN CNAME elsewhere.proofs.test.",
        )
    )
}
NS = Server(f"ns.{ZONE}", "127.0.0.1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nameserver]:
    if find("named") is None:
        pytest.skip("named is not installed: run scripts/nameservers")
    folder = tmp_path_factory.mktemp("named")
    with Nameserver(folder, ZONE, BELOW, PROOFS, "lan", "org", more=MORE) as server:
        yield server


@pytest.fixture
def lookup(server: Nameserver) -> Lookup:
    return Lookup([server.address], server.port)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("_acme-challenge.example.test", Place(ZONE, "_acme-challenge.example.test")),
        ("_acme-challenge.a.b.Example.test", Place(ZONE, "_acme-challenge.a.b.example.test")),
        ("_acme-challenge.www.sub.example.test", Place(BELOW, "_acme-challenge.www.sub.example.test")),
        ("_acme-challenge.app.example.test", Place(ZONE, "_acme-challenge.app.example.test")),
        ("_acme-challenge.moved.example.test", Place(PROOFS, "there.proofs.test")),
        ("_acme-challenge.nas.lan", Place("lan", "_acme-challenge.nas.lan")),
        ("n0.example.test", Place(ZONE, "n8.example.test")),
        ("_acme-challenge.everywhere.example.test", Place(ZONE, "_acme-challenge.everywhere.example.test")),
        ("_acme-challenge.x.everywhere.example.test", Place(PROOFS, "own.proofs.test")),
    ],
)
def test_a_record_belongs_behind_the_names_own_cnames(lookup: Lookup, name: str, place: Place) -> None:
    assert lookup.place(name) == place


def test_a_cname_for_all_names_is_none_of_this_names_own(lookup: Lookup) -> None:
    name = "_acme-challenge.y.everywhere.example.test"
    assert lookup.place(name) == Place(ZONE, name)


@pytest.mark.parametrize("name", ["_acme-challenge.circle.example.test", "m0.example.test"])
def test_cnames_do_not_lead_for_ever(lookup: Lookup, name: str) -> None:
    with pytest.raises(Failure, match="through more than 8 names"):
        lookup.place(name)


def test_a_zone_that_nobody_knows_is_told_with_the_resolvers_that_were_asked(
    lookup: Lookup, server: Nameserver
) -> None:
    for name in ("_acme-challenge.nowhere.invalid", "_acme-challenge.nobody-has-it.org"):
        with pytest.raises(Failure, match=rf"zone of .* cannot be found.*{server.address}.*dns-resolvers"):
            lookup.place(name)


def test_a_resolver_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acme_client.dns.lookup.RESOLVING", 0.5)
    with pytest.raises(Failure, match=r"127\.0\.0\.1:1; choose others with the setting dns-resolvers"):
        Lookup(["127.0.0.1:1"]).place("_acme-challenge.example.test")


def test_a_server_says_what_it_has_or_why_it_says_nothing(server: Nameserver, lookup: Lookup) -> None:
    provider = RFC2136.read(Variables(credentials(server)))
    name = f"_acme-challenge.heard.{ZONE}"
    assert lookup.servers(ZONE) == (NS,)
    assert str(lookup.hear(NS, name)) == "ns.example.test (127.0.0.1): no such record"
    for value in ("one", "two"):
        provider.present(ZONE, name, value)
    provider.present(ZONE, name, "one")
    assert lookup.hear(NS, name).values == ("one", "two")
    provider.withdraw(ZONE, name, "one")
    assert lookup.hear(NS, name).values == ("two",)
    assert Lookup(port=1).hear(NS, name).silence
