"""Labels in, HTTPS out: a real engine, a real CA with its nonce rejection and its delays left on."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from docker.models.containers import Container

from compose.demo.visit import redirect_of, visit
from tests.pebble import Pebble
from tests.program import LOOPBACK, Program, eventually, free_port

pytestmark = [pytest.mark.docker, pytest.mark.acme, pytest.mark.slow]

ISSUED_WITHIN = 90
Start = Callable[..., Container]


@pytest.fixture
def web() -> int:
    return free_port()


@pytest.fixture
def ca(tmp_path: Path, web: int) -> Iterator[Pebble]:
    with Pebble(tmp_path / "ca", http_port=web) as pebble:
        yield pebble


@pytest.fixture
def program(engine_url: str, ca: Pebble, web: int, tmp_path: Path) -> Iterator[Program]:
    flags = ("--docker", engine_url, "--acme-ca", ca.directory_url, "--acme-ca-bundle", str(ca.ca_bundle))
    with Program(tmp_path / "data", *flags, web=web) as program:
        yield program


def issued_by_ca(program: Program, ca: Pebble, host: str) -> bytes:
    """Wait for the CA's certificate; DER."""
    trust = ssl.create_default_context(cadata=ca.issuing_root())
    eventually(lambda: visit(host, program.websecure, trust).status == 200, within=ISSUED_WITHIN, every=0.25)
    return served(program, host, trust)


def served(program: Program, host: str, trust: ssl.SSLContext) -> bytes:
    """The certificate that a client which trusts the CA gets for this name; DER."""
    with (
        socket.create_connection((LOOPBACK, program.websecure), 10) as plain,
        trust.wrap_socket(plain, server_hostname=host) as stream,
    ):
        certificate = stream.getpeercert(binary_form=True)
    assert certificate
    return certificate


def orders(program: Program, *hosts: str) -> int:
    """How many orders the CA was asked for, over all starts of the program."""
    return sum(program.log.count(f'"Ordering a certificate for {host}."') for host in hosts)


def test_one_label_makes_an_https_site(program: Program, ca: Pebble, start: Start) -> None:
    start("blog", {"tidegate.host": "blog.test"})
    issued_by_ca(program, ca, "blog.test")
    assert redirect_of("blog.test", program.web) == (308, f"https://blog.test:{program.websecure}/")


def test_until_the_ca_has_answered_the_internal_certificate_is_served_and_the_reason_is_shown(
    program: Program, ca: Pebble, start: Start
) -> None:
    ca.stop()
    start("blog", {"tidegate.host": "blog.test"})
    root = program.data / "internal" / "root.pem"
    eventually(root.exists)
    internal = ssl.create_default_context(cafile=str(root))
    eventually(lambda: visit("blog.test", program.websecure, internal).status == 200)

    def why() -> str:
        return next(
            (row["last_error"] for row in program.api("certificates") if row["host"] == "blog.test"), ""
        )

    assert eventually(why, within=30)


def test_a_killed_tidegate_serves_the_same_certificates_again_and_orders_nothing(
    program: Program, ca: Pebble, start: Start
) -> None:
    for name in ("ebb", "flow"):
        start(name, {"tidegate.host": f"{name}.test"})
    trust = ssl.create_default_context(cadata=ca.issuing_root())
    before = {host: issued_by_ca(program, ca, host) for host in ("ebb.test", "flow.test")}
    for _ in range(3):
        program.kill()
        program.start()
        eventually(lambda: visit("ebb.test", program.websecure, trust).status == 200)
        assert {host: served(program, host, trust) for host in before} == before
    assert orders(program, *before) == 2


def test_a_tidegate_killed_in_the_middle_of_an_order_starts_again_and_gets_one_certificate(
    program: Program, ca: Pebble, start: Start
) -> None:
    start("blog", {"tidegate.host": "blog.test"})
    for pause in (0.2, 0.9, 1.7):
        time.sleep(pause)  # somewhere in the order: the CA sleeps up to five seconds before it validates
        program.kill()
        program.start()
    issued_by_ca(program, ca, "blog.test")


def test_a_router_on_plain_entrypoints_only_is_served_there_as_it_is(program: Program, start: Start) -> None:
    start("kiosk", {"tidegate.host": "kiosk.test", "tidegate.http.routers.kiosk.entrypoints": "web"})

    def answer() -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, program.web, timeout=5)
        connection.request("GET", "/", headers={"Host": "kiosk.test"})
        return connection.getresponse().status == 200

    eventually(answer)
    assert "kiosk.test" not in {row["host"] for row in program.api("certificates")}
