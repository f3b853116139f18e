"""The program with a site for the family alone: who comes in, with and without workers."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from tests.integration.app import converse
from tests.program import LOOPBACK, Program, by_all, eventually

pytestmark = pytest.mark.slow

ROUTES = """\
http:
  routers:
    open: {{rule: "Host(`open.test`)", service: app}}
    home: {{rule: "Host(`home.test`)", service: app, tls: {{options: family}}}}
    lost: {{rule: "Host(`lost.test`)", service: app, tls: {{options: famliy}}}}
  services: {{app: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{port}"}}]}}}}}}
tls:
  options:
    family: {{clientAuth: {{caFiles: ["{authority}"]}}}}
"""
FAMILY, STRANGERS = trustme.CA(), trustme.CA()


@pytest.fixture
async def app() -> AsyncIterator[int]:
    server = await asyncio.start_server(converse, LOOPBACK, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


def expired() -> trustme.LeafCert:
    then = datetime.datetime(2020, 1, 1)
    return FAMILY.issue_cert("old@home.test", not_before=then, not_after=then + datetime.timedelta(1))


def visit(program: Program, name: str, shown: trustme.LeafCert | None = None, host: str = "") -> str:
    """The status line, or what the handshake ends with."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if shown:
        shown.configure_cert(context)
    try:
        with (
            socket.create_connection((LOOPBACK, program.websecure), 5) as sock,
            context.wrap_socket(sock, server_hostname=name) as tls,
        ):
            tls.sendall(f"GET / HTTP/1.1\r\nHost: {host or name}\r\n\r\n".encode())
            return tls.recv(65536).partition(b"\r\n")[0].decode()
    except ssl.SSLError as error:
        return str(error.reason)


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_site_for_the_family_alone(app: int, tmp_path: Path, workers: int) -> None:
    authority, routes = tmp_path / "family.pem", tmp_path / "routes.yaml"
    FAMILY.cert_pem.write_to_path(str(authority))
    routes.write_text(ROUTES.format(port=app, authority=authority))
    flags = ("--docker", "off", "--acme-ca", "off", "--routes", str(routes), "--workers", str(workers))
    program = Program(tmp_path / "data", *flags)
    anna, stranger = FAMILY.issue_cert("anna@home.test"), STRANGERS.issue_cert("x@home.test")

    def judge() -> None:
        with program:
            by_all(lambda: "200" in visit(program, "open.test"))
            for _ in range(4):  # whichever worker has it
                assert visit(program, "home.test", anna) == "HTTP/1.1 200 OK"
                assert visit(program, "home.test") == "TLSV13_ALERT_CERTIFICATE_REQUIRED"
                assert visit(program, "home.test", stranger) == "TLSV1_ALERT_UNKNOWN_CA"
                assert visit(program, "home.test", expired()) == "SSLV3_ALERT_CERTIFICATE_EXPIRED"
                assert visit(program, "open.test", host="home.test") == "HTTP/1.1 421 Misdirected Request"
                assert visit(program, "lost.test") == "HTTP/1.1 503 Service Unavailable"
            assert (
                'There are no TLS options \\"famliy\\" in route files. Did you mean \\"family\\"?'
                in program.log
            )
            STRANGERS.cert_pem.write_to_path(str(authority))
            eventually(lambda: visit(program, "home.test", stranger) == "HTTP/1.1 200 OK")
            eventually(lambda: visit(program, "home.test", anna) == "TLSV1_ALERT_UNKNOWN_CA")

    await asyncio.to_thread(judge)
