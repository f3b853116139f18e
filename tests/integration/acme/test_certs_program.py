"""`tidegate certs` beside the whole program, at a real CA."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.caddy import find_caddy
from tests.pebble import Pebble
from tests.program import LOOPBACK, Program, eventually
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


def test_only_who_owns_the_data_directory_may_order(program: Program) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, program.dashboard, timeout=5)
    for what in ("renew", "revoke", "reload", "change-keys"):
        connection.request("POST", f"/api/certs/{what}?host={BLOG}")
        response = connection.getresponse()
        response.read()
        assert response.status == 405
        connection.close()
    assert "revoked" not in program.log


def test_accounts_get_another_key_and_certificates_go_on(program: Program) -> None:
    [key] = (program.data / "accounts").rglob("key.pem")
    before = key.read_bytes()
    status, text = typed(program, "certs", "change-keys")
    assert status == 0 and text.startswith("Another key now has: https://")
    assert key.read_bytes() != before
    assert typed(program, "certs", "renew", BLOG)[0] == 0


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
    status, text = typed(program, "certs", "renew", BLOG)  # it is known to be out of reach
    assert status == 0 and "Not before " in text
    ca.start()


def test_the_root_of_our_own_is_still_to_be_had_by_its_word(program: Program) -> None:
    pem = typed(program, "certs", "trust", "--pem")[1]
    assert pem == typed(program, "trust", "--pem")[1]
    assert ssl.PEM_cert_to_DER_cert(pem)


GROUP = """\
http:
  routers:
    wiki:
      rule: "HostRegexp(`^.+[.]wiki[.]example[.]test$`)"
      service: site
      tls: {domains: [{main: one.wiki.example.test, sans: [two.wiki.example.test, bad.wiki.example.test]}]}
  services: {site: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""


def test_of_names_that_are_asked_for_as_one_group_each_has_its_own_and_a_bad_one_harms_no_other(
    ca: Pebble, tmp_path: Path
) -> None:
    main, also, bad = (f"{name}.wiki.example.test" for name in ("one", "two", "bad"))
    ca.send_name_to(bad)
    flags = flags_for(ca, tmp_path, GROUP)
    with Program(tmp_path / "data", *flags, web=ca.http_port, websecure=ca.tls_port) as program:
        eventually(
            lambda: [certificate(program, name)["state"] for name in (main, also)] == ["active"] * 2, 30
        )
        eventually(lambda: certificate(program, bad)["state"] == "failed", within=30)
        for host in (main, also):
            assert certificate(program, host)["names"] == [host]
            trust = ssl.create_default_context(cadata=ca.issuing_root())
            with (
                socket.create_connection((LOOPBACK, program.websecure), 10) as plain,
                trust.wrap_socket(plain, server_hostname=host) as tls,
            ):
                assert tls.getpeercert()


# -- files


def acme_json(place: Path, source: Program, account: str, host: str) -> Path:
    """What Traefik would have kept of the certificate that a program holds."""
    folder = source.data / "certs" / host / "current"
    chain, key = (b64encode((folder / name).read_bytes()).decode() for name in ("fullchain.pem", "key.pem"))
    held = {"domain": {"main": host}, "certificate": chain, "key": key}
    resolver = {"Account": {"Registration": {"uri": account}}, "Certificates": [held]}
    place.write_text(json.dumps({"le": resolver}))
    return place


def test_certificates_of_another_program_are_served_without_a_restart_and_cost_no_order(
    program: Program, ca: Pebble, tmp_path: Path
) -> None:
    """Also into the directory of an instance that does not run."""
    file = acme_json(tmp_path / "acme.json", program, ca.directory_url.replace("/dir", "/acct/1"), BLOG)
    first = certificate(program, BLOG)["serial"]
    ours = ("--acme-ca", ca.directory_url)
    other = Program(tmp_path / "other", *flags_for(ca, tmp_path))
    status, text = typed(other, "certs", "import", str(file), *ours)
    assert (status, text.splitlines()[-1]) == (
        0,
        "No Tidegate runs on that directory: they are used from its next start.",
    )
    with other:
        eventually(lambda: certificate(other, BLOG)["serial"] == first)
        assert certificate(other, BLOG)["state"] == "active"
        assert "Ordering" not in other.log

        assert typed(program, "certs", "renew", BLOG)[0] == 0
        second = certificate(program, BLOG)["serial"]
        acme_json(file, program, ca.directory_url.replace("/dir", "/acct/1"), BLOG)
        status, text = typed(other, "certs", "import", str(file), *ours)
        until = certificate(program, BLOG)["not_after"][:10]
        assert text.splitlines() == [
            f"{BLOG} (resolver le): taken over for {BLOG}, until {until}",
            f"1 of 1 certificate taken over into {other.data}.",
            f"The running Tidegate serves {BLOG} with them now.",
        ]
        assert certificate(other, BLOG)["serial"] == second != first
        assert "Ordering" not in other.log


CADDYFILE = """\
{{
  admin off
  skip_install_trust
  acme_ca {directory}
  acme_ca_root {bundle}
  http_port {http}
  https_port {tls}
  storage file_system {store}
}}
blog.example.test, shop.example.test {{
  bind 127.0.0.1
  respond ok
}}
"""


def test_what_a_real_caddy_has_obtained_is_taken_over_and_costs_no_order(
    pebble: Callable[..., Pebble], tmp_path: Path
) -> None:
    ca = pebble(sleep=0, nonce_rejects=0)  # Caddy's patience is not what is looked at
    if (caddy := find_caddy()) is None:
        pytest.skip("caddy is not installed: run scripts/caddy")
    store, config = tmp_path / "caddy", tmp_path / "Caddyfile"
    places = {"directory": ca.directory_url, "bundle": ca.ca_bundle, "store": store}
    config.write_text(CADDYFILE.format(http=ca.http_port, tls=ca.tls_port, **places))
    obtained_by_caddy(caddy, config, store)
    issued = ca.log.count("Issued certificate serial")
    both = ROUTES.replace(
        "Host(`blog.example.test`)", "Host(`blog.example.test`) || Host(`shop.example.test`)"
    )
    program = Program(tmp_path / "data", *flags_for(ca, tmp_path, both), web=ca.http_port)
    status, text = typed(program, "certs", "import", str(store), "--acme-ca", ca.directory_url)
    assert status == 0 and f"2 of 2 certificates taken over into {program.data}." in text
    with program:
        eventually(lambda: [certificate(program, host)["state"] for host in (BLOG, SHOP)] == ["active"] * 2)
        assert "Ordering" not in program.log
    assert ca.log.count("Issued certificate serial") == issued


def obtained_by_caddy(caddy: str, config: Path, store: Path) -> None:
    """Have it get both certificates; it stumbles over dates in Retry-After and waits a minute."""
    log = config.with_name("caddy.log")
    for _ in range(8):
        with log.open("ab") as output:
            running = subprocess.Popen(
                [caddy, "run", "--adapter", "caddyfile", "--config", config],
                env=os.environ | {"HOME": str(config.parent), "XDG_DATA_HOME": str(config.parent)},
                stdout=output,
                stderr=output,
            )
        try:
            eventually(lambda: len(list(store.glob("certificates/*/*/*.json"))) == 2, within=6)
        except AssertionError:
            continue
        else:
            return
        finally:
            running.terminate()
            running.wait(30)
    raise AssertionError(f"Caddy has not got them:\n{log.read_text()[-4000:]}")


def test_a_certificate_is_handed_out_as_other_programs_want_it(program: Program, tmp_path: Path) -> None:
    place = tmp_path / "mail" / "tls"
    status, text = typed(program, "certs", "export", BLOG, str(place))
    assert status == 0 and text.endswith(f"are in {place}.\n")
    assert sorted(each.name for each in place.glob("[!.]*")) == ["fullchain.pem", "privkey.pem"]
    assert [(place / name).stat().st_mode & 0o777 for name in ("fullchain.pem", "privkey.pem")] == [
        0o644,
        0o600,
    ]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "fullchain.pem", place / "privkey.pem")
    status, text = typed(program, "certs", "export", "other.test", str(place))
    assert (status, text) == (1, f"{program.data} holds no certificate for other.test.\n")
