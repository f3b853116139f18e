"""`tidegate certs` beside the whole program, at a real CA."""

from __future__ import annotations

import json
import ssl
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
  services: {site: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""


@pytest.fixture
def ca(pebble: Callable[..., Pebble]) -> Pebble:
    return pebble(sleep=0)


def flags_for(ca: Pebble, tmp_path: Path, routes: str = ROUTES) -> tuple[str, ...]:
    (tmp_path / "routes.yaml").write_text(routes)
    acme = ("--acme-ca", ca.directory_url, "--acme-ca-bundle", str(ca.ca_bundle))
    return ("--docker", "off", "--routes", str(tmp_path / "routes.yaml"), *acme)


@pytest.fixture
def program(ca: Pebble, tmp_path: Path) -> Iterator[Program]:
    flags = flags_for(ca, tmp_path)
    with Program(tmp_path / "data", *flags, web=ca.http_port, websecure=ca.tls_port) as program:
        eventually(lambda: certificate(program, BLOG)["state"] == "active", within=60)
        yield program


def certificate(program: Program, host: str) -> dict[str, Any]:
    rows = program.api("certs")["certificates"]
    return next((row for row in rows if row["host"] == host), {"state": "", "serial": ""})


def test_certificates_are_listed_shown_renewed_and_revoked(program: Program, ca: Pebble) -> None:
    status, text = typed(program, "certs")
    assert status == 0
    assert [line.split()[:2] for line in text.splitlines()] == [["NAME", "STATE"], [BLOG, "active"]]
    row = json.loads(typed(program, "certs", "show", BLOG, "--json")[1])
    assert row["renew_reason"] == "the authority has asked for that time" and 80 < row["days_left"] <= 90
    assert "renewal:" in typed(program, "certs", "show", BLOG)[1]

    status, text = typed(program, "certs", "renew", BLOG)
    assert (status, text.splitlines()[0]) == (
        0,
        f"A new certificate for {BLOG} is asked for at {ca.directory_url}; until it is there, "
        "the old one is served.",
    )
    assert f"{BLOG} has a new certificate until" in text
    second = certificate(program, BLOG)
    assert second["serial"] != row["serial"]

    # Nobody sits at this terminal.
    assert typed(program, "certs", "revoke", BLOG) == (
        1,
        "Nothing was revoked. Without a question: --yes\n",
    )
    status, text = typed(program, "certs", "revoke", "--yes", BLOG, "--reason", "superseded")
    assert (status, text) == (
        0,
        f"The certificate for {BLOG} is revoked (superseded); another one is asked for.\n",
    )
    assert ca.certificate_status(int(second["serial"], 16))["Reason"] == 4
    eventually(lambda: certificate(program, BLOG)["serial"] not in ("", second["serial"]), within=60)


def test_what_cannot_be_done_is_said_with_the_reason(program: Program) -> None:
    assert typed(program, "certs", "renew", "blgo.example.test") == (
        1,
        f'No router asks for blgo.example.test. Did you mean "{BLOG}"?\n',
    )
    assert typed(program, "certs", "show", "other.test")[0] == 1
    status, text = typed(program, "certs", "renw", BLOG)
    assert status == 2 and 'certs has no "renw"' in text
    assert typed(program, "certs", "renew")[0] == 2


def test_a_renewal_that_fails_says_why_and_what_helps(program: Program, ca: Pebble) -> None:
    ca.stop()
    status, text = typed(program, "certs", "renew", BLOG)
    assert status == 1
    assert "See whether this machine reaches the authority" in text
    ca.start()


@pytest.mark.usefixtures("ca")
def test_the_root_of_our_own_is_still_to_be_had_by_its_word(program: Program) -> None:
    pem = typed(program, "certs", "trust", "--pem")[1]
    assert pem == typed(program, "trust", "--pem")[1]
    assert ssl.PEM_cert_to_DER_cert(pem)
