"""The program under the eyes of testssl.sh: TLS as it is served where nobody has chosen anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import testssl
from tests.integration.app import converse
from tests.program import LOOPBACK, Program, eventually
from tests.testssl import Finding, judge

ROUTES = """\
http:
  routers: {{site: {{rule: "Host(`site.test`)", service: app, middlewares: secure}}}}
  middlewares:
    secure: {{headers: {{stsSeconds: 31536000, contentTypeNosniff: true, frameDeny: true}}}}
  services: {{app: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{port}"}}]}}}}}}
"""
EXCUSED = {
    "cert_expirationStatus": "Certificates of Tidegate's own authority last 60 days, and are renewed before.",
    "cert_notAfter": "The same, said twice.",
    "cert_revocation": "Tidegate's own authority has no list of what it takes back; a public one has.",
    "sessionresumption_ticket": "Its client leaves before a ticket of TLS 1.3 comes, so it could not try.",
}
BEFORE_3_2 = {
    "cipher_order": "The client chooses among suites that are all good: a phone without AES takes ChaCha20.",
}
SINCE_3_2 = {
    "engine_problem": "The OpenSSL that it asks with has no engine for GOST; nothing that Tidegate has.",
}
SELDOM = ("sessionresumption_ticket",)
"""Whether it could try depends on who is faster."""


@pytest.fixture
async def app() -> AsyncIterator[int]:
    server = await asyncio.start_server(converse, LOOPBACK, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.mark.tls
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_nothing_of_the_tls_that_is_served_is_found_fault_with(app: int, tmp_path: Path) -> None:
    checker = testssl.program()
    if checker is None:
        pytest.skip("testssl.sh is not installed: scripts/testssl")
    (tmp_path / "routes.yaml").write_text(ROUTES.format(port=app))
    flags = ("--docker", "off", "--acme-ca", "off", "--routes", str(tmp_path / "routes.yaml"))

    def look() -> tuple[Finding, ...]:
        with Program(tmp_path / "data", *flags) as program:
            eventually(lambda: "site.test" in str(program.api("certificates")))
            root = program.data / "internal" / "root.pem"
            eventually(root.exists)  # a host is listed before it has a certificate
            return testssl.scan(checker, "site.test", program.websecure, root, tmp_path)

    found = await asyncio.to_thread(look)
    excused = EXCUSED | (BEFORE_3_2 if testssl.release(checker) < (3, 2) else SINCE_3_2)
    assert judge(found, excused, SELDOM) == []


WEAK = Finding("cipherlist_3DES_IDEA", "MEDIUM", "offered")
ORDER = Finding("cipher_order", "HIGH", "NOT a cipher order configured")


@pytest.mark.parametrize(
    ("found", "excused", "said"),
    [
        ([], {}, []),
        ([ORDER], {"cipher_order": "the client's choice"}, []),
        ([WEAK], {}, ["MEDIUM cipherlist_3DES_IDEA: offered"]),
        ([ORDER, WEAK], {"cipher_order": "the client's choice"}, ["MEDIUM cipherlist_3DES_IDEA: offered"]),
        ([], {"cipher_order": "the client's choice"}, ["cipher_order is excused, and not found"]),
        ([], {"ticket": "seldom found"}, []),
    ],
)
def test_a_finding_needs_an_excuse_and_an_excuse_a_finding(
    found: list[Finding], excused: dict[str, str], said: list[str]
) -> None:
    assert judge(found, excused, seldom=["ticket"]) == said
