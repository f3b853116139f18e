"""TLS-ALPN-01 at a real CA, by the program as its user starts it: alone and with workers."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pebble import Pebble
from tests.program import LOOPBACK, Program, eventually, free_port

pytestmark = [pytest.mark.acme, pytest.mark.slow]

ROUTES = """\
http:
  routers: {site: {rule: "Host(`blog.test`) || Host(`shop.test`)", service: site}}
  services: {site: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""

ACME_IDENTIFIER = bytes.fromhex("06082b0601050507011f")
"""The extension that a proof has, and no visitor may see."""


def start(ca: Pebble, tmp_path: Path, *flags: str, **ports: int) -> Program:
    (tmp_path / "routes.yaml").write_text(ROUTES)
    acme = ("--acme-ca", ca.directory_url, "--acme-ca-bundle", str(ca.ca_bundle))
    routes = ("--docker", "off", "--routes", str(tmp_path / "routes.yaml"))
    return Program(tmp_path / "data", *routes, *acme, *flags, **ports)


def active(program: Program) -> bool:
    return [row["state"] for row in program.api("certificates")] == ["active", "active"]


def shown(program: Program, host: str, context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection((LOOPBACK, program.websecure), 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        return tls.getpeercert(binary_form=True) or b""


@pytest.mark.parametrize("workers", ["1", "3"])
def test_certificates_come_over_the_https_port_alone(
    pebble: Callable[..., Pebble], tmp_path: Path, workers: str
) -> None:
    ca = pebble(tls_port=free_port(), reuse=0, sleep=1)
    flags = ("--acme-challenges", "tls-alpn-01", "--workers", workers)
    with start(ca, tmp_path, *flags, websecure=ca.tls_port) as program:
        visitor = ssl.create_default_context()
        visitor.check_hostname, visitor.verify_mode = False, ssl.CERT_NONE
        visitor.set_alpn_protocols(["h2", "http/1.1"])
        seen = set()

        def obtained() -> bool:
            seen.add(shown(program, "blog.test", visitor))
            return active(program)

        eventually(obtained, within=60, every=0.01)
        trust = ssl.create_default_context(cadata=ca.issuing_root())
        for host in ("blog.test", "shop.test") * 6:
            shown(program, host, trust)
        assert len(seen) > 1
        assert [der for der in seen if ACME_IDENTIFIER in der] == []
        assert "failed" not in [row["state"] for row in program.api("certificates")]


def test_where_nobody_answers_at_port_80_the_next_attempt_is_over_the_https_port(
    pebble: Callable[..., Pebble], tmp_path: Path
) -> None:
    ca = pebble(tls_port=free_port(), reuse=0, sleep=0)  # its http_port is not ours
    with start(ca, tmp_path, websecure=ca.tls_port) as program:
        eventually(lambda: active(program), within=110, every=0.5)
        assert program.log.count("No certificate for blog.test") == 1
