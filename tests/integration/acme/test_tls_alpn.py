"""TLS-ALPN-01 at a real CA, by the program as its user starts it: alone and with workers."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pebble import Pebble
from tests.program import LOOPBACK, Program, by_all, eventually, free_port

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
        for host in ("blog.test", "shop.test"):
            by_all(lambda host=host: shown(program, host, trust))
        seen.add(shown(program, "blog.test", visitor))
        assert len(seen) > 1
        assert [der for der in seen if ACME_IDENTIFIER in der] == []
        assert "failed" not in [row["state"] for row in program.api("certificates")]


def test_where_nobody_answers_at_port_80_the_next_attempt_is_over_the_https_port(
    pebble: Callable[..., Pebble], tmp_path: Path
) -> None:
    ca = pebble(tls_port=free_port(), reuse=0, sleep=0)  # its http_port is not ours
    with start(ca, tmp_path, websecure=ca.tls_port) as program:
        eventually(lambda: active(program), within=200, every=0.5)
        assert program.log.count("No certificate for blog.test") == 1


GUARDED = """\
http:
  middlewares:
    password: {basicAuth: {users: ["me:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"]}}
    hsts: {headers: {stsSeconds: 31536000}}
  routers:
    site: {rule: "Host(`blog.test`) || Host(`shop.test`)", service: site, middlewares: [password, hsts]}
    all: {rule: "PathPrefix(`/`)", service: site, middlewares: [password], priority: 9999, entryPoints: [web]}
  services: {site: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""


def test_an_authority_is_answered_before_redirects_passwords_and_routers_for_everything(
    pebble: Callable[..., Pebble], tmp_path: Path
) -> None:
    ca = pebble(http_port=free_port(), reuse=0, sleep=0)
    program = start(ca, tmp_path, "--acme-challenges", "http-01", web=ca.http_port)
    (tmp_path / "routes.yaml").write_text(GUARDED)
    with program:
        eventually(lambda: "all@file" in [row["router"] for row in program.api("routes")])
        eventually(lambda: active(program), within=60)


def test_an_address_is_proven_over_the_https_port_and_served_to_who_names_no_host(
    pebble: Callable[..., Pebble], tmp_path: Path
) -> None:
    ca = pebble(tls_port=free_port(), reuse=0, sleep=0)
    program = start(ca, tmp_path, "--acme-challenges", "tls-alpn-01", websecure=ca.tls_port)
    (tmp_path / "routes.yaml").write_text(
        ROUTES.replace("Host(`blog.test`) || Host(`shop.test`)", "Host(`127.0.0.1`)")
    )
    with program:
        eventually(lambda: [row["state"] for row in program.api("certificates")] == ["active"], within=60)
        trust = ssl.create_default_context(cadata=ca.issuing_root())
        shown(
            program, LOOPBACK, trust
        )  # no server name is sent for an address; the address itself is checked


def states(program: Program) -> list[str]:
    return [row["state"] for row in program.api("certificates")]


def active_hosts(program: Program) -> list[str]:
    return [row["host"] for row in program.api("certificates") if row["state"] == "active"]


@pytest.mark.timeout(400)
def test_a_hundred_hosts_at_once_are_done_in_minutes(pebble: Callable[..., Pebble], tmp_path: Path) -> None:
    ca = pebble(http_port=free_port(), reuse=0, sleep=0, nonce_rejects=15)
    program = start(ca, tmp_path, web=ca.http_port)
    rule = " || ".join(f"Host(`h{number}.test`)" for number in range(100))
    site = ROUTES.replace("Host(`blog.test`) || Host(`shop.test`)", rule)
    (tmp_path / "routes.yaml").write_text(site)
    with program:
        eventually(lambda: states(program).count("active") > 5, within=60, every=0.2)
        (tmp_path / "routes.yaml").write_text(site.replace(rule, f"{rule} || Host(`newest.test`)"))
        eventually(lambda: "newest.test" in active_hosts(program), within=30, every=0.1)
        assert states(program).count("active") < 60  # it was not behind all who had waited before it
        eventually(lambda: set(states(program)) == {"active"}, within=170, every=1)
    assert ca.log.count("Issued certificate serial") == 101
    assert "No certificate for" not in program.log
