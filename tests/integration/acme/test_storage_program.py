"""The whole program on a storage that others share, that is full, or that takes nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.acme.test_certs_program import BLOG, certificate, flags_for
from tests.pebble import Pebble
from tests.program import Program, eventually
from tests.tidegate.apps import typed, visit
from tests.tidegate.notify.servers import taking

pytestmark = [pytest.mark.acme, pytest.mark.slow]

ORDERING = f"Ordering a certificate for {BLOG}."


def share(tmp_path: Path) -> None:
    """As on two machines: a control socket of its own each, accounts and certificates in common."""
    for name in ("accounts", "certs"):
        (tmp_path / "shared" / name).mkdir(mode=0o700, parents=True)
        for data in ("first", "second"):
            (tmp_path / data).mkdir(exist_ok=True)
            (tmp_path / data / name).symlink_to(tmp_path / "shared" / name)


@pytest.mark.parametrize("challenge", ["http-01", "tls-alpn-01"])
def test_an_authority_that_reaches_only_the_other_instance_is_answered_by_that(
    pebble: Callable[..., Pebble], tmp_path: Path, challenge: str
) -> None:
    """Which has two workers, and no router for that host."""
    ca = pebble(sleep=0, reuse=0)
    share(tmp_path)
    ways = ("--acme-challenges", challenge)
    first = Program(tmp_path / "first", *flags_for(ca, tmp_path / "first"), *ways)
    flags = flags_for(ca, tmp_path / "second", "http: {}\n")
    reached = {"web": ca.http_port, "websecure": ca.tls_port}
    with Program(tmp_path / "second", *flags, *ways, "--workers", "2", **reached) as second:
        eventually(lambda: (tmp_path / "shared" / "certs" / ".board.json").exists())
        with first:
            eventually(lambda: certificate(first, BLOG)["state"] == "active", within=30)
            assert "No certificate for" not in first.log
        assert "rror" not in second.log


def test_of_two_instances_on_one_storage_one_orders_and_the_other_takes_the_result(
    pebble: Callable[..., Pebble], tmp_path: Path
) -> None:
    ca = pebble(sleep=4, reuse=0)
    share(tmp_path)
    flags = flags_for(ca, tmp_path)
    first = Program(tmp_path / "first", *flags, web=ca.http_port, websecure=ca.tls_port)
    second = Program(tmp_path / "second", *flags)
    with first:
        eventually(lambda: ORDERING in first.log, within=30, every=0.02)
        with second:
            eventually(lambda: certificate(second, BLOG)["state"] == "active", within=60)
            eventually(lambda: certificate(first, BLOG)["state"] == "active")
            assert certificate(first, BLOG)["serial"] == certificate(second, BLOG)["serial"]
            assert (first.log.count(ORDERING), second.log.count(ORDERING)) == (1, 0)
            assert '"level": "error"' not in second.log
            assert len(list((tmp_path / "shared" / "accounts").rglob("account.json"))) == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "data"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk needs the right to mount one")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)


def titles(came: list[dict[str, Any]]) -> list[str]:
    return [each["title"] for each in came]


def test_a_full_disk_is_said_once_and_told_and_orders_begin_when_there_is_room(
    pebble: Callable[..., Pebble], small_disk: Path, tmp_path: Path
) -> None:
    ca = pebble(sleep=0)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(b"\0" * (1 << 20))
    flags = flags_for(ca, tmp_path)
    with taking() as inbox:
        told = {"TIDEGATE_NOTIFY": f"http://127.0.0.1:{inbox.port}/"}
        program = Program(small_disk, *flags, web=ca.http_port, websecure=ca.tls_port, settings=told)
        with program:
            [message] = eventually(lambda: inbox.messages, within=40)
            assert message["title"] == f"Tidegate: nothing can be saved: {small_disk}"
            assert visit(program, BLOG).status == 308
            row = certificate(program, BLOG)
            assert row["state"] == "waiting" and "No space left on device" in row["last_error"]
            assert ORDERING not in program.log
            ballast.unlink()
            eventually(lambda: certificate(program, BLOG)["state"] == "active", within=90)
            assert program.log.count("Nothing can be saved in") == 1
            assert program.log.count(f"{small_disk} can be written again.") == 1


def test_a_disk_that_becomes_read_only_costs_no_order_and_no_visitor(
    pebble: Callable[..., Pebble], small_disk: Path, tmp_path: Path
) -> None:
    ca = pebble(sleep=0)
    flags = flags_for(ca, tmp_path)
    with Program(small_disk, *flags, web=ca.http_port, websecure=ca.tls_port) as program:
        eventually(lambda: certificate(program, BLOG)["state"] == "active", within=60)
        remount(small_disk, "ro")
        try:
            for _ in range(3):
                typed(program, "certs", "renew", BLOG, "--no-wait")
            eventually(lambda: "Nothing can be saved in" in program.log)
            status, text = typed(program, "certs", "renew", BLOG)
            assert status == 0
            assert "Not yet, though: Nothing can be saved in" in text and "Read-only file system" in text
            row = certificate(program, BLOG)
            assert row["state"] == "active"
            assert visit(program, BLOG).status == 308
            status, text = typed(program, "certs", "import", str(tmp_path / "nothing"))
            assert status == 1 and "o such file" in text
        finally:
            remount(small_disk, "rw")
        eventually(lambda: certificate(program, BLOG)["serial"] != row["serial"], within=90)
        assert program.log.count("Nothing can be saved in") == 1
        assert program.log.count(ORDERING) == 2
