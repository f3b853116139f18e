"""How servers are connected to, where a service says so."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from proxy.model import RoutingConfig, Server, Service
from proxy.reaching import ForwardingTimeouts, Transport
from proxy.values import Duration, FileName
from tests.proxy.wire.stage import App, Call, router, says, staged

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
