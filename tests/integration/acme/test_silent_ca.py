"""An authority that takes connections and says nothing: neither start nor stop nor visitors wait for it."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.authority import write_endpoint
from tests.program import LOOPBACK, Program, eventually

pytestmark = [pytest.mark.acme, pytest.mark.slow]

ROUTES = """\
http:
  routers: {site: {rule: "Host(`blog.example.test`) || Host(`shop.example.test`)", service: site}}
  services: {site: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""
SOON = 6
"""Seconds: by far fewer than those that the authority is given for an answer."""


@pytest.fixture(params=["before TLS", "after TLS"])
def silent(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Its directory's address and its trust; connections wait in the queue, or their requests do."""
    write_endpoint(tmp_path)
    with socket.create_server((LOOPBACK, 0), backlog=64) as listener:
        if request.param == "after TLS":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tmp_path / "endpoint.pem", tmp_path / "endpoint.key")
            held = _shake_hands(listener, context)
        else:
            held = None
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/dir", tmp_path / "endpoint-ca.pem"
        if held:
            listener.shutdown(socket.SHUT_RDWR)
            held.join(5)
            assert not held.is_alive()


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> Thread:
    def serve() -> None:
        kept = []  # or they would be closed
        while True:
            try:
                connection, _ = listener.accept()
                kept.append(context.wrap_socket(connection, server_side=True))
            except ssl.SSLError:
                continue
            except OSError:
                return  # the test is over

    thread = Thread(target=serve, daemon=True)
    thread.start()
    return thread


def _seconds_to_serve(program: Program) -> float:
    """Until a visitor gets an answer over TLS, with whatever certificate there is."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE

    def answered() -> bool:
        with (
            socket.create_connection((LOOPBACK, program.websecure), 5) as plain,
            anybody.wrap_socket(plain, server_hostname="blog.example.test") as tls,
        ):
            tls.sendall(b"GET / HTTP/1.1\r\nHost: blog.example.test\r\nConnection: close\r\n\r\n")
            return tls.recv(99).startswith(b"HTTP/1.1 5")

    began = time.monotonic()
    program.start()
    eventually(answered, within=30, every=0.02)
    return time.monotonic() - began


def test_neither_start_nor_stop_nor_visitors_wait_for_an_authority_that_says_nothing(
    silent: tuple[str, Path], tmp_path: Path
) -> None:
    directory, bundle = silent
    (tmp_path / "routes.yaml").write_text(ROUTES)
    routes = ("--docker", "off", "--routes", str(tmp_path / "routes.yaml"))
    without = Program(tmp_path / "without", *routes, "--acme-ca", "off")
    usual = _seconds_to_serve(without)
    without.stop()
    acme = ("--acme-ca", directory, "--acme-ca-bundle", str(bundle))
    program = Program(tmp_path / "data", *routes, *acme)
    try:
        assert _seconds_to_serve(program) < usual + SOON
        eventually(lambda: "Ordering a certificate for" in program.log)
        assert [row["state"] for row in program.api("certificates")] == ["waiting", "waiting"]
    finally:
        began = time.monotonic()
        assert program.stop() == 0
    assert time.monotonic() - began < SOON
