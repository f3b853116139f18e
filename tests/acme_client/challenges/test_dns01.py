"""DNS-01 over a DNS and a provider in memory."""

import asyncio
import threading
from base64 import urlsafe_b64encode
from contextlib import asynccontextmanager, suppress
from hashlib import sha256

import pytest

from acme_client.challenges import dns01 as module
from acme_client.challenges.dns01 import DNS01, Checking, record_value, seen
from acme_client.challenges.proof import Proof
from acme_client.dns.journal import Journal
from acme_client.dns.lookup import Heard, Place, Server
from acme_client.dns.provider import failed
from acme_client.failure import Failure

PROOF = Proof("example.com", "token", "token.thumb")
VALUE = urlsafe_b64encode(sha256(b"token.thumb").digest()).decode().rstrip("=")
NAME = "_acme-challenge.example.com"
NS1, NS2 = Server("ns1.example.com", "192.0.2.1"), Server("ns2.example.com", "192.0.2.2")


class FakeProvider:
    name = "fake"

    def __init__(self, holds_one=False):
        self.holds_one = holds_one
        self.values = {}
        self.trouble = ""

    def present(self, zone, name, value):
        if self.trouble:
            raise failed(self.trouble)
        self.values.setdefault(name, []).append(value)

    def withdraw(self, zone, name, value):
        if self.trouble:
            raise failed(self.trouble)
        if value in self.values.get(name, ()):
            self.values[name].remove(value)


class FakeDNS:
    """`late` are the servers that have a record only from that round on; None: they never answer."""

    def __init__(self, provider, late=None):
        self.provider, self.late, self.rounds = provider, late or {}, 0
        self.threads = set()

    def place(self, name):
        self.threads.add(threading.current_thread())
        return Place("example.com", name)

    def servers(self, zone):
        return (NS1, NS2)

    def hear(self, server, name):
        self.threads.add(threading.current_thread())
        self.rounds += server is NS1
        wanted = self.late.get(server, 0)
        if wanted is None:
            return Heard(server, silence="no answer in time")
        return Heard(server, tuple(self.provider.values.get(name, ())) if self.rounds >= wanted else ())


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "ROUND", 0.001)
    monkeypatch.setattr(module, "PATIENCE", 0.3)


@asynccontextmanager
async def running(dns01):
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(dns01.run())
        yield
        task.cancel()


def made(tmp_path, provider=None, late=None, checking=None):
    provider = provider or FakeProvider()
    lookup, said = FakeDNS(provider, late), []
    journal = Journal(tmp_path / "records")
    dns01 = DNS01(provider, journal, said.append, checking=checking or Checking(), lookup=lambda: lookup)
    return dns01, provider, lookup, said


async def eventually(claim):
    async with asyncio.timeout(30):
        while not claim():
            await asyncio.sleep(0.002)


def test_the_value_is_the_hash_of_the_key_authorization():
    assert record_value("token.thumb") == VALUE
    assert len(VALUE) == 43


async def test_the_record_is_there_for_as_long_as_the_proof_and_then_removed(tmp_path):
    dns01, provider, lookup, said = made(tmp_path)
    async with running(dns01):
        async with dns01.show(PROOF):
            assert provider.values == {NAME: [VALUE]}
            assert len(list((tmp_path / "records").glob("*.json"))) == 1
        await eventually(lambda: provider.values == {NAME: []})
        await eventually(lambda: not list((tmp_path / "records").glob("*.json")))
    assert threading.main_thread() not in lookup.threads
    assert said == []


async def test_all_servers_have_to_have_it_twice_in_a_row(tmp_path):
    dns01, _, lookup, _ = made(tmp_path, late={NS2: 5})
    async with dns01.show(PROOF):
        assert lookup.rounds == 6


async def test_a_server_that_is_down_is_no_obstacle_while_another_answers(tmp_path):
    dns01, _, lookup, _ = made(tmp_path, late={NS2: None})
    async with dns01.show(PROOF):
        assert lookup.rounds == 2


async def test_who_said_what_is_told_when_it_does_not_come(tmp_path):
    dns01, provider, _, _ = made(tmp_path, late={NS2: 10**6})
    with pytest.raises(Failure, match=r"ns1.*: \S{43}; ns2\.example\.com \(192\.0\.2\.2\): no such record"):
        async with dns01.show(PROOF):
            pass
    async with running(dns01):
        await eventually(lambda: provider.values == {NAME: []})


async def test_where_no_server_can_be_asked_the_setting_that_helps_is_named(tmp_path):
    dns01, _, _, _ = made(tmp_path, late={NS1: None, NS2: None})
    with pytest.raises(Failure, match="dns-check off"):
        async with dns01.show(PROOF):
            pass


async def test_nobody_is_asked_when_that_is_switched_off(tmp_path):
    dns01, _, lookup, _ = made(tmp_path, late={NS1: None, NS2: None}, checking=Checking(on=False, wait=0.01))
    async with dns01.show(PROOF):
        assert lookup.rounds == 0


async def test_proofs_for_one_name_are_shown_at_once_where_there_is_room_and_in_turn_where_not(tmp_path):
    for holds_one in (False, True):
        dns01, _, _, _ = made(tmp_path / str(holds_one), FakeProvider(holds_one))
        shown, at_once, both = [], [], asyncio.Event()

        async def prove(
            token, dns01=dns01, shown=shown, at_once=at_once, both=both, wait=0.1 if holds_one else 30
        ):
            async with dns01.show(Proof("example.com", token, f"{token}.thumb")):
                shown.append(token)
                at_once.append(len(shown))
                if len(shown) == 2:
                    both.set()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await both.wait()
                shown.remove(token)

        async with running(dns01), asyncio.TaskGroup() as tasks:
            for token in ("one", "two"):
                tasks.create_task(prove(token))
        assert at_once == ([1, 1] if holds_one else [1, 2])


async def test_a_record_that_stays_is_told_of_once_and_removed_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "AGAIN", 0.01)
    dns01, provider, _, said = made(tmp_path)
    async with running(dns01):
        async with dns01.show(PROOF):
            provider.trouble = "The provider is out of order."
        await eventually(lambda: said)
        await asyncio.sleep(0.05)
        assert provider.values == {NAME: [VALUE]}
        provider.trouble = ""
        await eventually(lambda: provider.values == {NAME: []})
    assert [str(event) for event in said] == [
        f"The TXT record {NAME} is still there after its proof: The provider is out of order."
    ]


async def test_an_order_that_is_given_up_leaves_its_record_to_the_next_start(tmp_path):
    dns01, provider, _, _ = made(tmp_path)
    inside = asyncio.Event()

    async def prove():
        async with dns01.show(PROOF):
            inside.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(prove())
        await inside.wait()
        task.cancel()
    assert provider.values == {NAME: [VALUE]}
    again, _, _, _ = made(tmp_path, provider)
    async with running(again):
        await eventually(lambda: provider.values == {NAME: []})


async def test_a_storage_that_takes_nothing_stops_the_proof_before_anything_is_set(tmp_path):
    (tmp_path / "records").write_text("a file where the folder should be")
    dns01, provider, _, _ = made(tmp_path)
    with pytest.raises(OSError):
        async with dns01.show(PROOF):
            pass
    assert provider.values == {}


def test_seen_is_by_all_that_answer():
    here, away, silent = Heard(NS1, (VALUE, "x")), Heard(NS2, ("x",)), Heard(NS2, silence="down")
    assert seen([here], VALUE)
    assert seen([here, silent], VALUE)
    assert not seen([here, away], VALUE)
    assert not seen([silent], VALUE)
    assert not seen([], VALUE)
