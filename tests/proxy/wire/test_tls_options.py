"""TLS options over real sockets: who comes in, and where to."""

import asyncio
import base64
import datetime
import functools
import socket
import ssl
import time

import pytest
import trustme

from proxy.middlewares.passtlsclientcert import WHOLE, PassTLSClientCert
from proxy.model import Entrypoint, RoutingConfig, Service
from proxy.table import compile_table
from proxy.tls_options import Authority, ClientAuth, TLSOptions
from tests.proxy.middlewares.run import declared
from tests.proxy.wire.stage import router, staged, to
from tests.proxy.wire.test_tls import CA, LISTENERS, pair

CLIENTS, STRANGERS = trustme.CA(), trustme.CA()
FAMILY = TLSOptions(
    client_auth=ClientAuth(ca_files=(Authority(CLIENTS.cert_pem.bytes().decode()),)),
)
STAFF = TLSOptions(client_auth=ClientAuth(ca_files=(Authority(STRANGERS.cert_pem.bytes().decode()),)))
HOSTS = ("app.test", "other.test", "home.test", "office.test")
SAYING = {"home.test": FAMILY, "office.test": STAFF}


def configured(app, saying=SAYING):
    routers = {
        host: router(
            host,
            f"Host(`{host}`)",
            "app",
            tls=None,
            tls_options=saying.get(host),
            middlewares=passed(host, saying),
        )
        for host in HOSTS
    }
    cert = declared(PassTLSClientCert, {"pem": "true"})
    return RoutingConfig(routers, {"app": Service("app", (to(app),))}, {"cert": cert})


def passed(host, saying):
    return ("cert",) if host in saying else ()


def serve(stage, config) -> None:
    """As `Here.serve` does it."""
    table = compile_table(config, [Entrypoint(each.name, tls=each.tls) for each in LISTENERS])
    stage.sni.secure(table.securing)
    stage.entrypoints.table = table


def https(saying=SAYING, **changes):
    return staged(
        **{"listeners": LISTENERS, "config": functools.partial(configured, saying=saying), **changes}
    )


def certified(stage) -> None:
    stage.sni.publish({host: pair(host) for host in HOSTS}, default=pair("fallback.test"))


def get(host: str) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def showing(issued=None, version=None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    if issued:
        issued.configure_cert(context)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
async def test_who_shows_a_good_certificate_comes_in_and_the_app_is_told_who_it_is(version):
    mine = CLIENTS.issue_cert("anna@home.test")
    der = ssl.PEM_cert_to_DER_cert(mine.cert_chain_pems[0].bytes().decode())
    async with https() as stage:
        certified(stage)
        client = await stage.client("websecure", context=showing(mine, version), name="home.test")
        for _ in range(3):
            assert (await client.ask(get("home.test"))).status == 200
        assert [call.get(WHOLE) for call in stage.app.calls] == [base64.b64encode(der).decode()] * 3


def expired():
    then = datetime.datetime(2020, 1, 1)
    return CLIENTS.issue_cert("anna@home.test", not_before=then, not_after=then + datetime.timedelta(1))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("issue", "alerts"),
    [
        (lambda: None, "handshake.failure|certificate.required"),
        (lambda: STRANGERS.issue_cert("anna@home.test"), "unknown.ca"),
        (expired, "certificate.expired"),
    ],
    ids=["none", "a stranger's", "expired"],
)
async def test_who_shows_none_or_a_bad_one_learns_why_and_no_app_hears_of_him(version, issue, alerts):
    async with https() as stage:
        certified(stage)
        with pytest.raises(ssl.SSLError, match=f"(?i)alert.*({alerts})|({alerts})"):
            await asyncio.to_thread(visit, stage, "home.test", showing(issue(), version))
        assert stage.app.calls == []


def visit(
    stage, name: str, context: ssl.SSLContext, session=None, host: str = ""
) -> tuple[str, ssl.SSLSession, bool]:
    """The status line, the session to resume with, and whether this one was resumed."""
    with (
        socket.create_connection(("127.0.0.1", stage.port("websecure")), 5) as sock,
        context.wrap_socket(sock, server_hostname=name, session=session) as tls,
    ):
        tls.sendall(get(host or name))
        line = tls.recv(65536).partition(b"\r\n")[0].decode()
        return line, tls.session, tls.session_reused


async def test_a_certificate_may_be_left_out_where_it_is_only_looked_at_if_given():
    asked = TLSOptions(
        client_auth=ClientAuth(
            ca_files=FAMILY.client_auth.ca_files, client_auth_type="VerifyClientCertIfGiven"
        )
    )
    async with https({"home.test": asked}) as stage:
        certified(stage)
        line, *_ = await asyncio.to_thread(visit, stage, "home.test", showing())
        assert line == "HTTP/1.1 200 OK"
        assert stage.app.calls[0].get(WHOLE) is None
        with pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca"):
            await asyncio.to_thread(visit, stage, "home.test", showing(STRANGERS.issue_cert("x@y.test")))


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_of_another_site_opens_nothing(version):
    context = showing(version=version)
    async with https() as stage:
        certified(stage)
        _, session, _ = await asyncio.to_thread(visit, stage, "app.test", context)
        line, _, resumed = await asyncio.to_thread(visit, stage, "app.test", context, session)
        assert (line, resumed) == ("HTTP/1.1 200 OK", True)  # so the session is one that counts
        with pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure|certificate.required"):
            await asyncio.to_thread(visit, stage, "home.test", context, session)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_session_with_a_certificate_opens_nothing_once_another_one_is_asked_for(version):
    context = showing(CLIENTS.issue_cert("anna@home.test"), version)
    async with https() as stage:
        certified(stage)
        _, session, _ = await asyncio.to_thread(visit, stage, "home.test", context)
        serve(stage, configured(stage.app, {"home.test": STAFF}))
        with pytest.raises(ssl.SSLError, match=r"(?i)unknown.ca"):
            await asyncio.to_thread(visit, stage, "home.test", context, session)
        assert len(stage.app.calls) == 1


@pytest.mark.parametrize("made_for", ["app.test", "office.test", None], ids=str)
async def test_a_connection_that_was_made_for_another_name_leads_nowhere(made_for):
    issued = STRANGERS.issue_cert("x@y.test") if made_for == "office.test" else None
    context = showing(issued)
    context.check_hostname = False
    async with https() as stage:
        certified(stage)
        if made_for is None:
            stage.sni.publish({host: pair(host) for host in HOSTS}, default=pair("fallback.test"))
        client = await stage.client("websecure", context=context, name=made_for or "")
        reply = await client.ask(get("home.test"))
        assert (reply.status, reply.get("Connection")) == (421, "close")
        assert await client.closed()
        assert stage.app.calls == []
        assert (await stage.record()).status == 421


async def test_a_connection_with_a_certificate_is_not_for_other_sites():
    async with https() as stage:
        certified(stage)
        mine = showing(CLIENTS.issue_cert("anna@home.test"))
        client = await stage.client("websecure", context=mine, name="home.test")
        assert (await client.ask(get("home.test"))).status == 200
        assert (await client.ask(get("app.test"))).status == 421


async def test_sites_without_options_share_their_connections_as_ever():
    async with https() as stage:
        certified(stage)
        client = await stage.client("websecure", context=showing(), name="app.test")
        for host in ("app.test", "other.test", "other.test", "app.test"):
            assert (await client.ask(get(host))).status == 200


@pytest.mark.parametrize("times", [1, 3])
async def test_a_head_that_is_remembered_is_judged_anew_when_the_site_asks_for_more(times):
    async with https({}) as stage:
        certified(stage)
        client = await stage.client("websecure", context=showing(), name="home.test")
        for _ in range(times):
            assert (await client.ask(get("home.test"))).status == 200
        serve(stage, configured(stage.app))
        assert (await client.ask(get("home.test"))).status == 421
        assert len(stage.app.calls) == times


async def test_pipelined_requests_are_judged_one_by_one():
    async with https() as stage:
        certified(stage)
        client = await stage.client("websecure", context=showing(), name="app.test")
        await client.send(get("app.test") + get("home.test") + get("app.test"))
        assert [(await client.reply()).status for _ in range(2)] == [200, 421]
        assert await client.closed()
        assert len(stage.app.calls) == 1


async def test_content_for_a_misdirected_request_reaches_no_app():
    async with https() as stage:
        certified(stage)
        client = await stage.client("websecure", context=showing(), name="app.test")
        await client.send(b"POST / HTTP/1.1\r\nHost: home.test\r\nContent-Length: 9\r\n\r\nwhole")
        assert (await client.reply()).status == 421
        assert stage.app.calls == []


async def test_plain_http_knows_no_terms_of_tls():
    async with https() as stage:
        client = await stage.client()
        assert (await client.ask(get("home.test"))).status == 308


async def test_strict_names_are_refused_where_there_is_no_certificate():
    strict = {"home.test": TLSOptions(sni_strict=True)}
    async with https(strict) as stage:
        stage.sni.publish({"app.test": pair("app.test")}, default=pair("home.test"))
        with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
            await asyncio.to_thread(visit, stage, "home.test", showing())
        certified(stage)
        line, *_ = await asyncio.to_thread(visit, stage, "home.test", showing())
        assert line == "HTTP/1.1 200 OK"


@pytest.mark.parametrize(("version", "fits"), [(VERSIONS[0], False), (VERSIONS[1], True)])
async def test_only_the_versions_that_are_asked_for_are_spoken(version, fits):
    async with https({"home.test": TLSOptions(min_version="VersionTLS13")}) as stage:
        certified(stage)
        assert (await asyncio.to_thread(visit, stage, "app.test", showing(version=version)))[0]
        if fits:
            assert (await asyncio.to_thread(visit, stage, "home.test", showing(version=version)))[0]
        else:
            with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
                await asyncio.to_thread(visit, stage, "home.test", showing(version=version))


def visit_politely(stage, context: ssl.SSLContext, session=None) -> tuple[ssl.SSLSession, bool]:
    """To its end, as a session needs it to be kept by number; and whether this one was resumed."""
    with (
        socket.create_connection(("127.0.0.1", stage.port("websecure")), 5) as sock,
        context.wrap_socket(sock, server_hostname="home.test", session=session) as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nHost: home.test\r\nConnection: close\r\n\r\n")
        if not tls.recv(65536).startswith(b"HTTP/1.1 200 OK"):
            raise ConnectionError("nothing was served")
        found = tls.session, bool(tls.session_reused)
        tls.unwrap()
        return found


@pytest.mark.parametrize(("version", "again"), [(VERSIONS[0], True), (VERSIONS[1], False)])
async def test_who_has_shown_a_certificate_resumes_only_by_number(version, again):
    """Python has no way to switch that off in TLS 1.2."""
    context = showing(CLIENTS.issue_cert("anna@home.test"), version)
    async with https() as stage:
        certified(stage)
        session, _ = await asyncio.to_thread(visit_politely, stage, context)
        _, resumed = await asyncio.to_thread(visit_politely, stage, context, session)
        assert resumed is again
        assert all(call.get(WHOLE) for call in stage.app.calls)


async def test_a_certificate_that_expires_is_of_no_use_to_who_resumes():
    until = int(time.time()) + 5
    not_after = datetime.datetime.fromtimestamp(until, datetime.UTC)
    context = showing(CLIENTS.issue_cert("anna@home.test", not_after=not_after), VERSIONS[0])
    async with https() as stage:
        certified(stage)
        session, _ = await asyncio.to_thread(visit_politely, stage, context)
        await asyncio.sleep(until + 0.1 - time.time())
        with pytest.raises(OSError):
            await asyncio.to_thread(visit_politely, stage, context, session)
        assert len(stage.app.calls) == 1
