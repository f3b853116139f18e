import errno
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from acme_client.certificate import Certificate
from acme_client.internal_ca import InternalCA

NOW = datetime.now(UTC)  # noqa: TID251 - OpenSSL verifies with the real clock


def handshake(leaf: Certificate, root_pem: bytes, host: str, tmp_path) -> None:
    """A real handshake in memory; raises as a client would."""
    (tmp_path / "chain").write_bytes(leaf.chain_pem)
    (tmp_path / "key").write_bytes(leaf.key_pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "chain", tmp_path / "key")
    trusting = ssl.create_default_context(cadata=root_pem.decode())
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT  # the default of newer Pythons
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=host)
    server = serving.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "blog.localhost",
        "nas.local",
        "nas.lan",
        "a.b.home.arpa",
        "blog.test",
        "192.168.1.5",
        "::1",
    ],
)
def test_local_names_are_certified_by_the_root_that_people_trust(tmp_path, host):
    ca = InternalCA(tmp_path / "data")
    leaf = ca.leaf([host], NOW)
    handshake(leaf, ca.root_path.read_bytes(), host, tmp_path)
    assert leaf.covers(host)


@pytest.mark.parametrize("host", ["www.example.com", "8.8.8.8", "nas", "test.example.com"])
def test_the_key_of_the_trusted_root_can_certify_nothing_else(tmp_path, host):
    ca = InternalCA(tmp_path / "data")
    thief = InternalCA(tmp_path / "data")
    root_pem = ca.root_pem(NOW)
    thief.reach_for = lambda hosts: "local"  # whoever has the key does not ask for its limits
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        handshake(thief.leaf([host], NOW), root_pem, host, tmp_path)


@pytest.mark.parametrize("host", ["www.example.com", "nas", "blog.localhost", "192.168.1.5"])
def test_as_the_only_ca_it_certifies_everything_by_one_root(tmp_path, host):
    ca = InternalCA(tmp_path / "data", limited=False)
    handshake(ca.leaf([host], NOW), ca.root_pem(NOW), host, tmp_path)


def test_the_root_to_hand_out_follows_when_the_only_ca_becomes_one_of_two(tmp_path):
    for limited in (True, False, True, False):
        ca = InternalCA(tmp_path, limited=limited)
        assert ca.root_pem(NOW) == ca.root_path.read_bytes()


def test_roots_are_the_same_after_a_restart_and_private(tmp_path):
    first = InternalCA(tmp_path)
    leaf = first.leaf(["blog.test"], NOW)
    second = InternalCA(tmp_path)
    assert second.root_pem(NOW) == first.root_pem(NOW)
    assert second.signed(leaf, NOW)
    for path in (tmp_path / "internal").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_broken_root_is_made_anew_and_its_leaves_no_longer_count(tmp_path, content):
    leaf = InternalCA(tmp_path).leaf(["blog.test"], NOW)
    (tmp_path / "internal" / "local" / "root-and-key.pem").write_bytes(content)
    assert not InternalCA(tmp_path).signed(leaf, NOW)


def test_a_root_dated_by_a_wrong_clock_is_made_anew(tmp_path):
    for wrong in (datetime(1970, 1, 2, tzinfo=UTC), NOW + timedelta(days=4000)):
        wrong_root = InternalCA(tmp_path).root_pem(wrong)
        assert InternalCA(tmp_path).root_pem(NOW) != wrong_root


def test_where_nothing_can_be_written_it_works_from_memory_and_says_so(tmp_path):
    (tmp_path / "internal").write_text("a file where the folder should be")
    ca = InternalCA(tmp_path)
    leaf = ca.leaf(["blog.test"], NOW)
    assert ca.trouble is not None
    assert ca.signed(leaf, NOW)
    (tmp_path / "internal").unlink()
    ca.leaf(["blog.test"], NOW)
    assert ca.trouble is None
    assert InternalCA(tmp_path).signed(leaf, NOW)


def test_a_leaf_lives_for_weeks_and_several_names_fit_into_one(tmp_path):
    leaf = InternalCA(None).leaf(["blog.test", "192.168.1.5"], NOW)
    assert leaf.names == ("blog.test", "192.168.1.5")
    assert timedelta(days=30) < leaf.not_after - leaf.not_before <= timedelta(days=90)


def test_what_another_ca_signed_is_not_taken_for_its_own(tmp_path):
    leaf = InternalCA(None).leaf(["blog.test"], NOW)
    assert not InternalCA(None).signed(replace(leaf), NOW)


def test_a_clock_that_starts_in_1970_does_not_cost_people_the_root_they_trust(tmp_path):
    """A board without a battery boots with such a clock each time."""
    trusted = InternalCA(tmp_path).root_pem(NOW)
    ca = InternalCA(tmp_path)
    assert ca.leaf(["blog.test"], datetime(1970, 1, 2, tzinfo=UTC)).covers("blog.test")
    assert ca.root_pem(NOW) == trusted == InternalCA(tmp_path).root_pem(NOW)


def test_a_root_made_before_the_clock_was_set_is_not_kept(tmp_path):
    ca = InternalCA(tmp_path)
    ca.leaf(["blog.test"], datetime(1970, 1, 2, tzinfo=UTC))
    assert not list(tmp_path.rglob("*.pem"))
    assert ca.root_pem(NOW) == InternalCA(tmp_path).root_pem(NOW)


def test_a_root_that_cannot_be_read_at_the_moment_is_not_replaced(tmp_path, monkeypatch):
    trusted = InternalCA(tmp_path).root_pem(NOW)
    ca = InternalCA(tmp_path)
    with monkeypatch.context() as disk:
        disk.setattr(Path, "read_bytes", cannot_be_read)
        assert ca.leaf(["blog.test"], NOW).covers("blog.test")
    assert ca.trouble is not None
    assert ca.root_pem(NOW) == trusted == ca.root_path.read_bytes()
    assert ca.trouble is None


def cannot_be_read(_path):
    raise OSError(errno.EIO, "Input/output error")


def test_a_broken_root_is_put_aside_and_people_are_told_to_trust_the_new_one(tmp_path):
    InternalCA(tmp_path).root_pem(NOW)
    (tmp_path / "internal" / "local" / "root-and-key.pem").write_bytes(b"half a root")
    ca = InternalCA(tmp_path)
    ca.root_pem(NOW)
    [replaced] = ca.replaced
    assert Path(replaced.place).read_bytes() == b"half a root"
    assert "tidegate trust" in str(replaced)
