"""How servers are connected to, where a service says so."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from proxy.model import RoutingConfig, Server, Service
from proxy.reaching import ForwardingTimeouts, OwnCertificate, Transport
from proxy.values import Duration, FileName
from tests.proxy.wire.stage import App, Call, Script, router, says, sends, staged

ASKING = b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"
AUTHORITY = trustme.CA()


def one_server(server: Server, transport: str | Transport | None) -> RoutingConfig:
    route = router("app@test", "Host(`app.test`)", "s")
    return RoutingConfig(
        routers={route.name: route},
        services={"s": Service("s", (server,), transport=transport)},
        transports={"lax": Transport(insecure_skip_verify=True)},
    )


@pytest.fixture
def root(tmp_path: Path) -> FileName:
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "root.pem"))
    return FileName(tmp_path / "root.pem")


@pytest.mark.parametrize(
    ("name", "transport", "status"),
    [
        ("127.0.0.1", None, 502),
        ("other.test", "lax", 200),
        ("127.0.0.1", "rooted", 200),
        ("other.test", "rooted", 502),
        ("other.test", "named", 200),
        ("other.test", "missing", 503),
    ],
)
async def test_who_is_believed(root: FileName, name: str, transport: str | None, status: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name).configure_cert(context)
    app = App(says(body=b"secret"))
    await app.start(context)
    known = {
        "rooted": Transport(root_cas=(root,)),
        "named": Transport(root_cas=(root,), server_name="other.test"),
    }
    server = Server("a", "127.0.0.1", app.port, "https")
    try:
        async with staged(
            config=lambda _: one_server(server, known.get(transport or "", transport))
        ) as stage:
            client = await stage.client()
            for _ in range(2):
                assert (await client.ask(ASKING)).status == status
            assert app.connections == 1 or status != 200
    finally:
        app.stop()


async def test_services_with_different_trust_share_no_connection() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    app = App(says())
    await app.start(context)
    server = Server("a", "127.0.0.1", app.port, "https")

    def config(_: App) -> RoutingConfig:
        lax = Transport(insecure_skip_verify=True)
        services = [Service("lax", (server,), transport=lax), Service("strict", (server,))]
        routes = [router(each.name, f"Host(`{each.name}.test`)", each.name) for each in services]
        return RoutingConfig({each.name: each for each in routes}, {each.name: each for each in services})

    try:
        async with staged(config=config) as stage:
            client = await stage.client()
            statuses = [
                (await client.ask(f"GET / HTTP/1.1\r\nHost: {name}.test\r\n\r\n".encode())).status
                for name in ("lax", "strict", "lax")
            ]
            assert statuses == [200, 502, 200]
    finally:
        app.stop()


async def test_a_service_can_have_patience_of_its_own() -> None:
    async def silent(call: Call) -> None:
        await call.until_left()

    quick = Transport(forwarding_timeouts=ForwardingTimeouts(response_header_timeout=Duration(0.1)))
    async with staged(
        silent, config=lambda app: one_server(Server("a", "127.0.0.1", app.port), quick)
    ) as stage:
        assert (await (await stage.client()).ask(ASKING)).status == 504


@pytest.mark.parametrize("known", [True, False])
async def test_a_server_may_ask_who_we_are(tmp_path: Path, root: FileName, known: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    AUTHORITY.configure_trust(context)
    ours = AUTHORITY.issue_cert("proxy.test")
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "me.pem"))
    ours.private_key_pem.write_to_path(str(tmp_path / "me.key"))
    own = OwnCertificate(cert_file=FileName(tmp_path / "me.pem"), key_file=FileName(tmp_path / "me.key"))
    app = App(says(body=b"for friends"))
    await app.start(context)
    transport = Transport(root_cas=(root,), certificates=(own,) if known else ())
    server = Server("a", "127.0.0.1", app.port, "https")
    try:
        async with staged(config=lambda _: one_server(server, transport)) as stage:
            reply = await (await stage.client()).ask(ASKING)
            assert (reply.status, reply.body == b"for friends") == ((200, True) if known else (502, False))
    finally:
        app.stop()


PART = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"
EVENT = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"


async def test_an_answer_that_stops_in_the_middle_is_given_up_when_the_service_says() -> None:
    quick = Transport(forwarding_timeouts=ForwardingTimeouts(idle_body_timeout=Duration(0.1)))
    async with staged(
        sends(PART), config=lambda app: one_server(Server("a", "127.0.0.1", app.port), quick)
    ) as stage:
        client = await stage.client()
        await client.send(ASKING)
        assert (await client.rest()).endswith(b"\r\n\r\npart")
        assert (await stage.record()).fault == "the server stopped in the middle of its answer"


async def test_events_may_be_as_far_apart_as_they_like() -> None:
    quick = Transport(forwarding_timeouts=ForwardingTimeouts(idle_body_timeout=Duration(0.1)))
    async with staged(
        sends(EVENT), config=lambda app: one_server(Server("a", "127.0.0.1", app.port), quick)
    ) as stage:
        client = await stage.client()
        await client.send(ASKING)
        await client.head()
        assert await client.chunk() == b"data: 1\n\n"
        assert not await client.closed(within=1.5)  # the pool looks once a second


class SocketFile:
    """An app on a socket of this machine."""

    def __init__(self, path: Path, script: Script) -> None:
        self.app = App(script)
        self.path = path

    async def __aenter__(self) -> App:
        self.server = await asyncio.start_unix_server(self.app._serve, str(self.path))
        self.app._server = self.server  # type: ignore[assignment]
        return self.app

    async def __aexit__(self, *_: object) -> None:
        self.app.stop()


async def test_a_server_can_be_a_socket_of_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    async with SocketFile(path, says(body=b"x" * 600_000)) as app:
        config = one_server(Server("a", str(path), 0), None)
        async with staged(config=lambda _: config) as stage:
            client = await stage.client()
            for _ in range(2):
                assert len((await client.ask(ASKING)).body) == 600_000
            assert app.connections == 1
            assert app.calls[0].get("Host") == "app.test"
            size = 400_000
            head = f"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {size}\r\n\r\n".encode()
            assert (await client.ask(head + b"x" * size)).status == 200
            assert (await client.ask(b"GET / HTTP/1.0\r\n\r\n")).status == 404
            assert (await stage.record()).server == f"unix://{path}"


@pytest.mark.parametrize("what", ["nobody", "missing"])
async def test_a_socket_that_nobody_listens_on_is_a_server_that_is_down(tmp_path: Path, what: str) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as left:
        if what == "nobody":
            left.bind(str(path))
        async with staged(config=lambda _: one_server(Server("a", str(path), 0), None)) as stage:
            assert (await (await stage.client()).ask(ASKING)).status == 502


async def test_a_socket_whose_queue_is_full_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as other:
        full.bind(str(path))
        full.listen(0)
        other.connect(str(path))
        async with staged(config=lambda _: one_server(Server("a", str(path), 0), None)) as stage:
            client = await stage.client()
            await client.send(ASKING)
            reply = await client.reply()
            assert reply.status == 504
            await client.send(ASKING)
            full.accept()[0].close()
            full.setblocking(False)
            accepted, _ = await asyncio.get_running_loop().sock_accept(full)
            accepted.sendall(b"HTTP/1.1 204 No\r\n\r\n")
            assert (await client.reply()).status == 204
            accepted.close()


async def test_a_path_of_the_server_stands_before_that_of_each_request() -> None:
    def config(app: App) -> RoutingConfig:
        return one_server(Server("a", "127.0.0.1", app.port, path="/app"), None)

    async with staged(config=config) as stage:
        client = await stage.client()
        for target in ("/", "/x?q=/", "/", "/x?q=/", "*"):
            method = "OPTIONS" if target == "*" else "GET"
            asking = f"{method} {target} HTTP/1.1\r\nHost: app.test\r\n\r\n"
            assert (await client.ask(asking.encode())).status == 200
        asked = [call.target for call in stage.app.calls]
        assert asked == ["/app/", "/app/x?q=/", "/app/", "/app/x?q=/", "*"]
