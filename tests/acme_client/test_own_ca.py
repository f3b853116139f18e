"""What is known of the own authority by a glance, held against what it knows of itself."""

import shutil
import subprocess
import sys
from datetime import timedelta

import pytest

from acme_client.internal_ca import InternalCA
from acme_client.own_ca import OwnCA, glance
from acme_client.plan import BUILT
from acme_client.signing import make_root, public_pem

NOW = BUILT + timedelta(days=30)
HOST = "nas.lan"
LATER_LIFE = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from acme_client.authority import Authority
from acme_client.manager import Manager

async def main():
    served = asyncio.Event()
    manager = Manager(Path(sys.argv[1]), Authority(None), lambda *_: served.set(), print)
    manager.want(["nas.lan", "blog.example.com"])
    run = asyncio.ensure_future(manager.run())
    saved = lambda: [*Path(sys.argv[1]).glob("**/current")]
    while len([host for host in manager.status() if host.not_after]) < 2 or len(saved()) < 3:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)
    run.cancel()
    print([name for name in ("cryptography", "josepy", "acme", "requests") if name in sys.modules])

asyncio.run(main())
"""


def look_of(data, leaf, now=NOW, *, limited=True):
    """Whether the leaf is taken, and whether the keys had to be loaded to tell."""
    own = OwnCA(data, limited=limited)
    return own.signed(leaf, now), own._signer is not None


def test_a_glance_sees_what_the_root_says():
    root = make_root("local", NOW)
    seen = glance(public_pem(root))
    assert seen is not None
    assert seen.not_before == root.certificate.not_valid_before_utc.replace(microsecond=0)
    assert seen.not_after == root.certificate.not_valid_after_utc
    assert root.certificate.subject.rfc4514_string() == f"CN={seen.name}"


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_root_is_left_to_a_closer_look(text):
    assert glance(text) is None


@pytest.mark.parametrize(("host", "limited"), [(HOST, True), ("blog.example.com", True), (HOST, False)])
def test_a_leaf_of_todays_root_is_known_by_a_glance(tmp_path, host, limited):
    ca = InternalCA(tmp_path, limited=limited)
    ca.root_pem(NOW)
    assert look_of(tmp_path, ca.leaf([host], NOW), limited=limited) == (True, False)


def test_a_leaf_of_another_root_is_not_taken(tmp_path):
    leaf = InternalCA(tmp_path).leaf([HOST], NOW)
    shutil.rmtree(tmp_path / "internal")
    InternalCA(tmp_path).leaf([HOST], NOW)
    assert look_of(tmp_path, leaf) == (False, False)


def drop_key(folder):
    path = folder / "local" / "root-and-key.pem"
    path.write_bytes(path.read_bytes().partition(b"-----BEGIN PRIVATE")[0])


def drop_root(folder):
    (folder / "local" / "root-and-key.pem").unlink()


def change_handed_out(folder):
    (folder / "root.pem").write_bytes(b"another one")


@pytest.mark.parametrize(
    ("harm", "taken"), [(drop_key, False), (drop_root, False), (change_handed_out, True)]
)
def test_where_something_is_to_be_done_about_the_root_it_is_looked_at_closely(tmp_path, harm, taken):
    leaf = InternalCA(tmp_path).leaf([HOST], NOW)
    harm(tmp_path / "internal")
    assert look_of(tmp_path, leaf) == (taken, True)


def test_a_root_in_its_last_year_is_replaced_as_soon_as_it_is_looked_at(tmp_path):
    leaf = InternalCA(tmp_path).leaf([HOST], NOW)
    assert look_of(tmp_path, leaf, NOW + timedelta(days=3650 - 364)) == (False, True)


def test_a_later_life_with_nothing_to_sign_loads_no_keys(tmp_path):
    command = [sys.executable, "-c", LATER_LIFE, str(tmp_path)]
    lives = [subprocess.run(command, capture_output=True, text=True, timeout=60) for _ in range(2)]
    assert [(life.stdout.splitlines()[-1], life.stderr) for life in lives] == [
        ("['cryptography']", ""),
        ("[]", ""),
    ]
