"""HTTPS over real sockets."""

import asyncio
import base64
import functools
import ssl
import tracemalloc

import pytest
import trustme

from proxy.limits import Limits
from proxy.listening import Listener
from proxy.tls import KeyPair
from tests.proxy.wire.stage import Call, Stage, eventually, staged

CA = trustme.CA()
GET = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
LISTENERS = (Listener("web", "127.0.0.1", 0), Listener("websecure", "127.0.0.1", 0, tls=True))


@functools.cache
def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


@functools.cache
def pair(name: str) -> KeyPair:
    issued = CA.issue_cert(name)
    return KeyPair(b"".join(pem.bytes() for pem in issued.cert_chain_pems), issued.private_key_pem.bytes())


def certified(stage: Stage) -> None:
    stage.sni.publish({"app.test": pair("app.test")}, default=pair("fallback.test"))


def on_both(app):
    from proxy.model import RoutingConfig, Service
    from tests.proxy.wire.stage import router, to

    return RoutingConfig(
        routers={"app@test": router("app@test", "Host(`app.test`)", "app@test", tls=None)},
        services={"app@test": Service("app@test", (to(app),))},
    )


def https(**changes):
    return staged(**{"listeners": LISTENERS, "config": on_both, **changes})


async def test_a_site_is_served_over_https_with_its_own_certificate():
    async with https() as stage:
        certified(stage)
        client = await stage.client("websecure", context=trusting())
        for _ in range(3):
            reply = await client.ask(GET)
            assert (reply.status, reply.body) == (200, b"ok")
        assert stage.app.calls[0].get("X-Forwarded-Proto") == "https"
        assert (await stage.record()).entrypoint == "websecure"


async def test_an_idle_connection_costs_less_than_a_tenth_of_a_megabyte():
    async with https() as stage:
        certified(stage)
        await stage.client("websecure", context=trusting())  # the first one pays for what all share
        tracemalloc.start()
        try:
            for _ in range(10):
                await stage.client("websecure", context=trusting())
            taken = tracemalloc.take_snapshot()
        finally:
            tracemalloc.stop()
        clients = tracemalloc.Filter(False, "*/asyncio/sslproto.py")  # they live here, too
        assert sum(each.size for each in taken.filter_traces([clients]).statistics("filename")) < 10 * 100_000


async def test_a_new_certificate_is_used_without_touching_open_connections():
    async with https() as stage:
        stage.sni.publish({"app.test": pair("app.test")})
        client = await stage.client("websecure", context=trusting())
        await client.ask(GET)
        stage.sni.publish({"other.test": pair("other.test")})
        assert (await client.ask(GET)).status == 200
        with pytest.raises(OSError):  # asyncio drops the alert that says why
            await stage.client("websecure", context=trusting())
        other = await stage.client("websecure", context=trusting(), name="other.test")
        assert (await other.ask(GET)).status == 200


async def test_plain_http_is_sent_to_https():
    async with https() as stage:
        client = await stage.client()
        reply = await client.ask(b"GET /a?b=c HTTP/1.1\r\nHost: app.test\r\n\r\n")
        assert reply.status == 308
        assert (reply.get("Location") or "").startswith("https://app.test")
        assert (reply.get("Location") or "").endswith("/a?b=c")
        assert (await stage.record()).router == "app@test"
        assert stage.app.calls == []


async def test_a_challenge_is_answered_in_the_clear_where_all_else_is_redirected():
    known = {"/.well-known/acme-challenge/token": b"token.key"}
    async with https(answers=known.get) as stage:
        client = await stage.client()
        get = b"GET /.well-known/acme-challenge/token HTTP/1.1\r\nHost: app.test\r\n\r\n"
        assert (await client.ask(get)).body == b"token.key"


async def test_who_speaks_http_to_https_is_told_so():
    async with https() as stage:
        certified(stage)
        client = await stage.client("websecure")
        reply = await client.ask(GET)
        assert (reply.status, reply.get("Connection")) == (400, "close")
        assert b"HTTPS" in reply.body
        assert await client.closed()
        await eventually(lambda: stage.entrypoints.connections == 0)


async def test_who_speaks_nonsense_to_https_gets_nothing():
    async with https() as stage:
        client = await stage.client("websecure")
        await client.send(b"\x00\x01\x02")
        assert await client.closed()
        await eventually(lambda: stage.entrypoints.connections == 0)


@pytest.mark.parametrize("beginning", [b"", b"\x16\x03\x01\x02\x00\x01"])
async def test_a_handshake_that_does_not_go_on_is_cut(beginning):
    async with https(limits=Limits(handshake=0.2)) as stage:
        certified(stage)
        client = await stage.client("websecure")
        await client.send(beginning)
        assert await client.closed(5)
        await eventually(lambda: stage.entrypoints.connections == 0)


async def test_a_handshake_in_progress_does_not_hold_a_stop_up():
    async with https() as stage:
        client = await stage.client("websecure")
        await client.send(b"\x16\x03\x01")
        await eventually(lambda: stage.entrypoints.connections == 1)
        async with asyncio.timeout(3):
            await stage.entrypoints.stop(7.0)
        assert stage.entrypoints.connections == 0


async def test_a_large_body_passes_both_ways_over_tls():
    async def echo(call: Call) -> None:
        await call.answer(await call.body())

    body = bytes(range(256)) * 20_000
    async with https(script=echo) as stage:
        certified(stage)
        client = await stage.client("websecure", context=trusting())
        client.writer.write(
            b"PUT / HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        assert (await client.reply()).body == body


async def test_http_1_0_over_tls_gets_the_end_of_the_connection():
    async def chunked(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")

    async with https(script=chunked) as stage:
        certified(stage)
        client = await stage.client("websecure", context=trusting())
        await client.send(b"GET / HTTP/1.0\r\nHost: app.test\r\n\r\n")
        assert (await client.rest()).endswith(b"\r\n\r\nok")


async def test_a_refused_request_is_answered_over_tls():
    async with https() as stage:
        certified(stage)
        client = await stage.client("websecure", context=trusting())
        await client.send(b"GET / HTTP/1.1\nHost: app.test\n\n" + bytes(100_000))
        assert (await client.reply()).status in (400, 414)


async def test_an_upgrade_passes_over_tls():
    async def echo(call: Call) -> None:
        await call.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x/1\r\nConnection: Upgrade\r\n\r\n")
        while data := await call.reader.read(65536):
            await call.send(data)
        call.writer.close()

    async with https(script=echo) as stage:
        certified(stage)
        client = await stage.client("websecure", context=trusting())
        await client.send(
            b"GET / HTTP/1.1\r\nHost: app.test\r\nUpgrade: x/1\r\nConnection: upgrade\r\n\r\nearly"
        )
        assert (await client.head()).status == 101
        assert await client.reader.readexactly(5) == b"early"
        client.close()
        await eventually(lambda: stage.entrypoints.connections == 0)


@pytest.mark.parametrize("shown", [True, False])
async def test_an_app_is_told_of_the_clients_certificate(shown):
    from proxy.middlewares.passtlsclientcert import INFO, WHOLE, PassTLSClientCert
    from proxy.model import RoutingConfig, Service
    from tests.proxy.middlewares.run import declared
    from tests.proxy.wire.stage import router, to

    def config(app):
        route = router("app", "Host(`app.test`)", "app", tls=None, middlewares=("cert",))
        tree = {"pem": "true", "info": {"sans": "true"}}
        return RoutingConfig(
            {"app": route}, {"app": Service("app", (to(app),))}, {"cert": declared(PassTLSClientCert, tree)}
        )

    async with https(config=config) as stage:
        certified(stage)
        asking = stage.sni.find("app.test").context
        CA.configure_trust(asking)
        asking.verify_mode = ssl.CERT_OPTIONAL
        context = ssl.create_default_context()
        CA.configure_trust(context)
        mine = CA.issue_cert("laptop.test")
        if shown:
            mine.configure_cert(context)
        client = await stage.client("websecure", context=context)
        lies = b"GET / HTTP/1.1\r\nHost: app.test\r\n%b: lies\r\n%b: lies\r\n\r\n"
        for asked in (GET, GET, lies % (WHOLE.encode(), INFO.encode())):
            assert (await client.ask(asked)).status == 200
        der = base64.b64encode(ssl.PEM_cert_to_DER_cert(mine.cert_chain_pems[0].bytes().decode())).decode()
        told = (der, "SAN%3D%22laptop.test%22") if shown else (None, None)
        assert [(call.get(WHOLE), call.get(INFO)) for call in stage.app.calls] == [told] * 3


async def test_an_authority_sees_its_proof_and_is_sent_away_while_visitors_see_the_site():
    """RFC 8737 3: the connection ends with the handshake."""
    authority = ssl.create_default_context()
    CA.configure_trust(authority)
    authority.set_alpn_protocols(["acme-tls/1"])
    authority.check_hostname = False
    async with https() as stage:
        certified(stage)
        stage.sni.prove({"app.test": pair("proof.test")})
        where = {"host": "127.0.0.1", "port": stage.port("websecure"), "server_hostname": "app.test"}
        for _ in range(3):
            reader, writer = await asyncio.open_connection(**where, ssl=authority)
            seen = writer.get_extra_info("ssl_object")
            assert seen.getpeercert()["subjectAltName"] == (("DNS", "proof.test"),)
            assert seen.selected_alpn_protocol() == "acme-tls/1"
            assert await reader.read() == b""
            writer.close()
            client = await stage.client("websecure", context=trusting())
            assert (await client.ask(GET)).status == 200
