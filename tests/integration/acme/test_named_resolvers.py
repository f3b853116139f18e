"""Two resolvers, two real CAs, and one host for each; over a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pebble import Pebble
from tests.program import Program, eventually
from tests.tidegate.apps import typed

pytestmark = [pytest.mark.acme, pytest.mark.slow]

BLOG, SHOP = "blog.example.test", "shop.example.test"
ROUTES = """\
http:
  routers:
    blog: {rule: "Host(`blog.example.test`)", service: site}
    shop: {rule: "Host(`shop.example.test`)", service: site, tls: {certResolver: company}}
  services: {site: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""


@pytest.fixture
def program(pebble: Callable[..., Pebble], tmp_path: Path) -> Iterator[Program]:
    usual = pebble(sleep=0)
    company = pebble(sleep=0, http_port=usual.http_port, tls_port=usual.tls_port)
    (tmp_path / "routes.yaml").write_text(ROUTES)
    file = tmp_path / "tidegate.yaml"
    file.write_text(
        f"acme-ca: {usual.directory_url}\n"
        f"acme-ca-bundle: {usual.ca_bundle}\n"
        f"resolver:\n"
        f"  company: {{acme-ca: '{company.directory_url}', acme-ca-bundle: '{company.ca_bundle}'}}\n"
    )
    flags = ("--config", str(file), "--docker", "off", "--routes", str(tmp_path / "routes.yaml"))
    with Program(tmp_path / "data", *flags, web=usual.http_port, websecure=usual.tls_port) as program:
        yield program


def rows(program: Program) -> dict[str, Any]:
    found = {row["host"]: row for row in program.api("certs")["certificates"]}
    return found if {row["state"] for row in found.values()} == {"active"} and len(found) == 2 else {}


def test_each_site_gets_its_certificate_from_its_own_ca_and_keeps_it(program: Program) -> None:
    before = eventually(lambda: rows(program), within=90)
    assert [before[host]["resolver"] for host in (BLOG, SHOP)] == ["", "company"]
    assert before[SHOP]["authority"].endswith("#company")
    assert before[BLOG]["issuer"] != before[SHOP]["issuer"]  # each Pebble has roots of its own
    accounts = sorted(path.parent.name for path in (program.data / "accounts").rglob("key.pem"))
    assert accounts == ["default", "default+company"]
    assert "(resolver company)" in typed(program, "why", f"https://{SHOP}/")[1]
    assert "by company" in typed(program, "certs")[1]

    program.stop()
    orders = program.log.count("Ordering a certificate")
    assert orders >= 2
    program.start()
    after = eventually(lambda: rows(program), within=30)
    assert {host: row["serial"] for host, row in after.items()} == {
        host: row["serial"] for host, row in before.items()
    }
    assert program.log.count("Ordering a certificate") == orders

    # Another one from there, when its owner asks; the other host has nothing to do with it.
    assert typed(program, "certs", "renew", SHOP)[0] == 0
    renewed = eventually(lambda: rows(program), within=60)
    assert renewed[SHOP]["serial"] != before[SHOP]["serial"]
    assert renewed[SHOP]["issuer"] == before[SHOP]["issuer"]
    assert renewed[BLOG]["serial"] == before[BLOG]["serial"]

    # Each account has a key of its own.
    status, text = typed(program, "certs", "change-keys")
    assert status == 0 and len(text.split(", ")) == 2
