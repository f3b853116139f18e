"""Workers and a real CA: every worker answers for the host, serves what was obtained, and knows no more."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.pebble import Pebble
from tests.processes import remembers
from tests.program import LOOPBACK, Program, by_all, eventually, free_port

pytestmark = [pytest.mark.acme, pytest.mark.slow]

ROUTES = """\
http:
  routers: {site: {rule: "Host(`blog.test`) || Host(`shop.test`)", service: site}}
  services: {site: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""
ISSUED_WITHIN = 90
HOSTS = ("blog.test", "shop.test")


@pytest.fixture
def ca(pebble: Callable[..., Pebble]) -> Pebble:
    return pebble(http_port=free_port(), reuse=0, sleep=1)


@pytest.fixture
def program(ca: Pebble, tmp_path: Path) -> Iterator[Program]:
    (tmp_path / "routes.yaml").write_text(ROUTES)
    flags = ("--docker", "off", "--routes", str(tmp_path / "routes.yaml"), "--workers", "3")
    acme = ("--acme-ca", ca.directory_url, "--acme-ca-bundle", str(ca.ca_bundle))
    with Program(tmp_path / "data", *flags, *acme, web=ca.http_port) as program:
        yield program


def certificates(program: Program) -> bool:
    return [row["state"] for row in program.api("certificates")] == ["active", "active"]


def workers(program: Program) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = program.api("workers")
    return rows if all(row["state"] == "serving" for row in rows) else []


def replace_one(program: Program) -> None:
    victim = eventually(lambda: workers(program))[0]["pid"]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in {row["pid"] for row in workers(program)} and workers(program))


def shake_hands(program: Program, host: str, trust: ssl.SSLContext) -> bool:
    """True; raises where its certificate is not of the CA."""
    with (
        socket.create_connection((LOOPBACK, program.websecure), 10) as plain,
        trust.wrap_socket(plain, server_hostname=host),
    ):
        return True


def test_a_certificate_is_obtained_through_workers_and_served_by_each_and_by_whoever_follows(
    program: Program, ca: Pebble
) -> None:
    eventually(lambda: certificates(program), within=ISSUED_WITHIN)
    trust = ssl.create_default_context(cadata=ca.issuing_root())
    for host in HOSTS:
        by_all(lambda host=host: shake_hands(program, host, trust))
    for _ in range(3):
        for host in HOSTS * 15:
            shake_hands(program, host, trust)
        replace_one(program)
    assert program.log.count("Ordering a certificate for blog.test.") == 1
    assert "cannot be used" not in program.log


def test_the_account_key_is_nowhere_in_the_memory_of_a_worker(program: Program) -> None:
    eventually(lambda: certificates(program), within=ISSUED_WITHIN)
    [account] = (program.data / "accounts").rglob("key.pem")
    served = sorted((program.data / "certs").rglob("*key.pem"))
    assert served
    pids = [row["pid"] for row in eventually(lambda: workers(program))]
    assert program.process
    assert any(remembers(program.process.pid, secret) for secret in secrets(account))
    for pid in pids:
        assert [secret for secret in secrets(account) if remembers(pid, secret)] == []
        for key in served:  # what is served is there: this search finds keys
            assert any(remembers(pid, secret) for secret in secrets(key))


def secrets(file: Path) -> list[bytes]:
    """A key as it may lie in memory: the lines of its PEM, its number, and that in base64url (RFC 7518)."""
    pem = file.read_bytes()
    key = load_pem_private_key(pem, None)
    assert isinstance(key, EllipticCurvePrivateKey)
    number = key.private_numbers().private_value.to_bytes(32)
    lines = re.findall(rb"^[A-Za-z0-9+/]{64}$", pem, re.MULTILINE)[1:]
    assert lines
    return [*lines, number, number[::-1], base64.urlsafe_b64encode(number).rstrip(b"=")]
