"""Looking before an order, at real sockets on loopback."""

import asyncio
import socket
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

import pytest
import trustme

from acme_client import events, looks
from acme_client import order as order_module
from acme_client.caa import query
from acme_client.preflight import PATIENCE, Preflight
from proxy.tls import SNI, KeyPair
from tests.acme_client.fake_ca import Clock, FakeCA
from tests.acme_client.test_caa import record, resource
from tests.acme_client.test_manager import BLOG, Stage
from tests.integration.acme.answerer import Answerer


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(order_module, "FIRST_LOOK", 0.0)
    monkeypatch.setattr(looks, "PATIENCE", 0.3)


def leading_to(monkeypatch, *addresses):
    monkeypatch.setattr(looks, "addresses", lambda host: addresses)


class Looking(Stage):
    def __init__(self, data, ca=None, clock=None, challenges=("http-01",), **more):
        look = Preflight(self.hear, everywhere=True, **more)
        super().__init__(data, ca, clock, preflight=look, challenges=challenges)

    def hear(self, event):
        self.said.append(event)


@asynccontextmanager
async def answering(answer):
    server = await asyncio.start_server(Answerer(answer), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def obtained(tidegate):
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.status(BLOG).state == "active")


async def test_where_all_is_well_nothing_is_said(tmp_path, monkeypatch):
    leading_to(monkeypatch, "127.0.0.1")
    answers = []
    async with answering(lambda path: answers[0](path)) as port:
        tidegate = Looking(tmp_path, ports={"http-01": port})
        answers.append(tidegate.manager.http01.answer)
        await obtained(tidegate)
    assert [event.finding for event in tidegate.told(events.Found)] == [
        f"Here {BLOG} leads to 127.0.0.1, where no public CA can look. If only this network sees it like that"
        " (split DNS), all is well."
    ]
    assert tidegate.status(BLOG).findings == ()  # over with the certificate


async def test_somebody_else_at_the_port_is_told_and_stops_nobody(tmp_path, monkeypatch):
    leading_to(monkeypatch, "127.0.0.1")
    async with answering(lambda path: None) as port:
        tidegate = Looking(tmp_path, ports={"http-01": port})
        await obtained(tidegate)
    assert "HTTP/1.1 404 Not Found" in str(tidegate.told(events.Found)[-1])


async def test_a_port_at_which_nobody_answers_is_told_and_stops_nobody(tmp_path, monkeypatch):
    leading_to(monkeypatch, "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as mute:  # it accepts and says nothing
        tidegate = Looking(tmp_path, ports={"http-01": mute.getsockname()[1]})
        await obtained(tidegate)
    assert "Nothing answers at 127.0.0.1" in str(tidegate.told(events.Found)[-1])


async def test_a_proof_by_tls_is_looked_at_as_the_ca_would(tmp_path, monkeypatch):
    leading_to(monkeypatch, "127.0.0.1")
    sni = SNI()
    site = trustme.CA().issue_cert(BLOG)
    sni.publish({}, KeyPair(site.cert_chain_pems[0].bytes(), site.private_key_pem.bytes()))
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=sni.server_context)
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)

    def show(proofs):
        sni.prove({name: KeyPair(proof.chain_pem, proof.key_pem) for name, proof in proofs.items()})
        return done

    async with server:
        ports = {"tls-alpn-01": server.sockets[0].getsockname()[1]}
        ca = FakeCA(Clock(), kinds=("tls-alpn-01",))
        for shown, findings in ((None, 2), (show, 1)):
            tidegate = Looking(tmp_path / str(findings), ca, ports=ports, challenges=("tls-alpn-01",))
            tidegate.manager.tlsalpn01.on_change = shown
            await obtained(tidegate)
            assert len(tidegate.told(events.Found)) == findings


async def test_a_name_without_an_address_is_not_ordered_and_is_when_it_has_one(tmp_path, monkeypatch):
    leading_to(monkeypatch)
    clock = Clock()
    ca = FakeCA(clock)
    for _ in range(4):  # a restart loop
        tidegate = Looking(tmp_path, ca, clock, ports={"http-01": 9})
        tidegate.want(BLOG)
        async with tidegate.running():
            await tidegate.eventually(lambda tidegate=tidegate: tidegate.status(BLOG).last_error)
            await tidegate.settled()
    assert ca.ordered == []
    status = tidegate.status(BLOG)
    assert "has no address" in status.last_error
    assert status.next_try <= clock.now + timedelta(seconds=66)
    leading_to(monkeypatch, "127.0.0.1")
    async with tidegate.running():
        tidegate.advance(minutes=2)
        await tidegate.eventually(lambda: tidegate.status(BLOG).state == "active")
    assert tidegate.status(BLOG).last_error == ""


async def test_after_a_day_the_ca_is_asked_whatever_is_seen_from_here(tmp_path, monkeypatch):
    leading_to(monkeypatch)
    tidegate = Looking(tmp_path, ports={"http-01": 9})
    began = tidegate.clock.now
    tidegate.want(BLOG)
    async with tidegate.running():
        for tries in range(1, PATIENCE + 1):
            await tidegate.eventually(lambda tries=tries: len(tidegate.told(events.Failed)) == tries)
            tidegate.clock.now = tidegate.status(BLOG).next_try
            tidegate.want(BLOG)
        await tidegate.eventually(lambda: tidegate.status(BLOG).state == "active")
    assert timedelta(hours=20) < tidegate.clock.now - began < timedelta(hours=30)
    assert len(tidegate.told(events.Failed)) == PATIENCE


async def test_a_renewal_is_not_looked_at(tmp_path, monkeypatch):
    leading_to(monkeypatch, "127.0.0.1")
    async with answering(lambda path: None) as port:
        tidegate = Looking(tmp_path, ports={"http-01": port})
        await obtained(tidegate)
        leading_to(monkeypatch)
        async with tidegate.running():
            tidegate.advance(days=80)
            await tidegate.eventually(lambda: len(tidegate.told(events.Obtained)) == 2)


async def test_a_resolver_that_hangs_holds_nothing_up(tmp_path, monkeypatch):
    hang = threading.Event()
    monkeypatch.setattr(looks, "addresses", lambda host: hang.wait(30) and ())
    monkeypatch.setattr("acme_client.preflight.WITHIN", 0.2)
    began = time.monotonic()
    await obtained(Looking(tmp_path, ports={"http-01": 9}))
    assert time.monotonic() - began < 15
    hang.set()


@contextmanager
def name_server(zones):
    """Answers CAA questions: the records by name, none for others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)

        def serve():
            while True:
                try:
                    asked, client = sock.recvfrom(512)
                except OSError:
                    return
                number = int.from_bytes(asked[:2], "big")
                found = next((each for name, each in zones.items() if asked == query(name, number)), ())
                head = b"".join(each.to_bytes(2, "big") for each in (number, 0x8180, 1, len(found), 0, 0))
                sock.sendto(head + asked[12:] + b"".join(resource(257, each) for each in found), client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield sock.getsockname()


async def test_a_caa_record_of_the_domain_that_names_another_ca_stops_the_order(tmp_path, monkeypatch):
    leading_to(monkeypatch, "127.0.0.1")
    zones = {"example.com": (record(b"issue", b"other.test"),)}
    with name_server(zones) as server:
        ca = FakeCA(Clock(), caa_identities=("letsencrypt.org",))
        tidegate = Looking(tmp_path, ca, ports={}, resolvers=(server,))
        tidegate.want(BLOG)
        async with tidegate.running():
            await tidegate.eventually(lambda: tidegate.status(BLOG).state == "failed")
            assert 'example.com CAA 0 issue "letsencrypt.org"' in tidegate.status(BLOG).last_error
            assert ca.ordered == []
            zones["example.com"] = (record(b"issue", b"letsencrypt.org"),)
            tidegate.advance(minutes=2)
            await tidegate.eventually(lambda: tidegate.status(BLOG).state == "active")
