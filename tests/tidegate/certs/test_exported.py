"""The pair that another program reads, at every moment at which we may end."""

import errno
import os
import ssl
from pathlib import Path

import pytest

from acme_client.disk import write_file
from tests.acme_client.fake_ca import certificate
from tidegate.certs.exported import hand_out

OLD, NEW = certificate(), certificate()


def shown(place):
    return (place / "fullchain.pem").read_bytes(), (place / "privkey.pem").read_bytes()


def pems(pair):
    return pair.chain_pem, pair.key_pem


def plain(place):
    """As an earlier release has written them."""
    place.mkdir()
    write_file(place / "privkey.pem", OLD.key_pem)
    write_file(place / "fullchain.pem", OLD.chain_pem)


def linked(place):
    hand_out(OLD, place)


def broken_off(place):
    plain(place)
    (place / ".pair-0000").mkdir()
    (place / ".pair-0000" / "privkey.pem").write_bytes(b"half")


@pytest.mark.parametrize("before", [plain, linked, broken_off])
def test_handing_out_again_replaces_both_files_and_leaves_the_pair_before_alone(tmp_path, before):
    place = tmp_path / "out"
    before(place)
    for _ in range(3):
        hand_out(NEW, place)
    assert shown(place) == pems(NEW)
    ssl.create_default_context().load_cert_chain(place / "fullchain.pem", place / "privkey.pem")
    assert sorted(each.name for each in place.iterdir() if not each.name.startswith(".")) == [
        "fullchain.pem",
        "privkey.pem",
    ]
    assert len(list(place.glob(".*"))) == 3  # the link, its pair, and the one before
    assert [(place / name).stat().st_mode & 0o777 for name in ("fullchain.pem", "privkey.pem")] == [
        0o644,
        0o600,
    ]


class Died(BaseException):
    """As by kill -9: nobody cleans up."""


@pytest.mark.parametrize("before", [plain, linked, broken_off])
def test_whenever_it_dies_the_two_files_fit(tmp_path, monkeypatch, before):
    """At each call that changes something on the disk."""
    steps = 0
    for last in range(40):
        place = tmp_path / str(last)
        before(place)
        left = last

        def dies(real):
            def call(*args, **kwargs):
                nonlocal left
                if left == 0:
                    raise Died
                left -= 1
                return real(*args, **kwargs)

            return call

        with monkeypatch.context() as patch:
            for owner, name in ((os, "open"), (Path, "rename"), (Path, "symlink_to"), (Path, "mkdir")):
                patch.setattr(owner, name, dies(getattr(owner, name)))
            try:
                hand_out(NEW, place)
            except Died:
                steps += 1
        assert shown(place) in (pems(OLD), pems(NEW))
        hand_out(NEW, place)
        assert shown(place) == pems(NEW)
    assert steps > 6


def test_where_there_are_no_links_both_files_are_plain(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    for pair in (OLD, NEW):
        hand_out(pair, tmp_path / "out")
    assert shown(tmp_path / "out") == pems(NEW)
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["fullchain.pem", "privkey.pem"]


def test_a_directory_that_cannot_be_written_is_an_error_and_keeps_its_pair(tmp_path, monkeypatch):
    place = tmp_path / "out"
    hand_out(OLD, place)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tidegate.certs.exported.write_file", full)
    with pytest.raises(OSError, match="No space"):
        hand_out(NEW, place)
    assert shown(place) == pems(OLD)


def test_a_full_disk_is_not_filled_further(tmp_path, monkeypatch):
    place = tmp_path / "out"
    hand_out(OLD, place)
    before = sorted(place.iterdir())

    def full(path, data):
        write_file(path, data[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tidegate.certs.exported.write_file", full)
    for _ in range(3):
        with pytest.raises(OSError, match="No space"):
            hand_out(NEW, place)
    assert sorted(place.iterdir()) == before
    assert shown(place) == pems(OLD)
