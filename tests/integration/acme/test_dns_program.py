"""The whole program with a DNS provider: one wildcard for a crowd of sites, and no open port needed."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.acme.test_dns01 import credentials
from tests.nameserver import Nameserver, find
from tests.pebble import Pebble
from tests.program import LOOPBACK, Program, by_all, eventually

pytestmark = [pytest.mark.acme, pytest.mark.slow]

HOME, OTHER = "example.test", "other.test"
ROUTES = """\
http:
  routers:
    blog: {rule: "Host(`blog.example.test`)", service: site}
    shop: {rule: "Host(`shop.example.test`)", service: site}
    any: {rule: "HostRegexp(`^[a-z]+.example.test$`)", service: site}
    domains:
      rule: "Host(`deep.a.other.test`)"
      service: site
      tls: {domains: [{main: "*.other.test", sans: [other.test]}]}
  services: {site: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""
ORDERED = {"*.example.test", "*.other.test", "other.test", "deep.a.other.test"}


@pytest.fixture
def nameserver(tmp_path: Path) -> Iterator[Nameserver]:
    if find("named") is None:
        pytest.skip("named is not installed: run scripts/nameservers")
    with Nameserver(tmp_path / "named", HOME, OTHER) as server:
        yield server


@pytest.mark.parametrize("workers", ["1", "2"])
def test_wildcards_by_setting_and_by_label_serve_all_that_they_cover(
    pebble: Callable[..., Pebble], nameserver: Nameserver, tmp_path: Path, workers: str
) -> None:
    ca = pebble(dns=nameserver.port, reuse=0, sleep=1)
    (tmp_path / "routes.yaml").write_text(ROUTES)
    (tmp_path / "secret").write_text(nameserver.key.secret)
    given = credentials(nameserver)
    given["RFC2136_TSIG_SECRET_FILE"] = str(tmp_path / "secret")
    del given["RFC2136_TSIG_SECRET"]
    flags = ("--docker", "off", "--routes", str(tmp_path / "routes.yaml"), "--workers", workers)
    acme = ("--acme-ca", ca.directory_url, "--acme-ca-bundle", str(ca.ca_bundle), "--acme-wildcards", HOME)
    dns = ("--dns", "rfc2136", "--dns-resolvers", nameserver.address, "--dns-check", "off")
    with Program(tmp_path / "data", *flags, *acme, *dns, settings=given) as program:
        eventually(lambda: active(program) >= ORDERED, within=90)
        trust = ssl.create_default_context(cadata=ca.issuing_root())
        for host in ("blog.example.test", "shop.example.test", "any.example.test", "x.other.test", OTHER):
            by_all(lambda host=host: covering(program, host, trust))
        with pytest.raises(ssl.SSLCertVerificationError):
            covering(program, "example.test", trust)  # not under its own wildcard, and nobody asked for it
        assert {"blog.example.test", "shop.example.test"} <= active(program)
        ordered = set(re.findall(r"Ordering a certificate for ([^\s\"]+)\.", program.log))
        left = program.data / "dns" / "records"
        eventually(lambda: not list(left.glob("*.json")))
        assert nameserver.txt(f"_acme-challenge.{HOME}") == nameserver.txt(f"_acme-challenge.{OTHER}") == []
    assert ordered == ORDERED
    assert nameserver.key.secret not in program.log


def active(program: Program) -> set[str]:
    return {row["host"] for row in program.api("certificates") if row["state"] == "active"}


def covering(program: Program, host: str, trust: ssl.SSLContext) -> bool:
    with (
        socket.create_connection((LOOPBACK, program.websecure), 10) as plain,
        trust.wrap_socket(plain, server_hostname=host) as tls,
    ):
        return bool(tls.getpeercert())
