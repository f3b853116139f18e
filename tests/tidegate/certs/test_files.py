import os
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from acme_client.store import Store
from tests.acme_client.fake_ca import NOON, certificate
from tests.acme_client.test_takeover import BLOG, SHOP, entry, traefik
from tidegate.certs import files


@pytest.fixture
def open_place():
    """A directory that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_imports_belongs_to_the_owner_of_the_directory(open_place, tmp_path):
    data = open_place / "data"
    data.mkdir()
    os.chown(data, 1234, 1234)
    source = traefik(tmp_path, entry(certificate(BLOG), BLOG))
    assert len(files.bring_in(source, data, (), NOON)) == 1
    assert {(path.stat().st_uid, path.stat().st_gid) for path in data.rglob("*")} == {(1234, 1234)}
    assert os.geteuid() == os.getegid() == 0


def test_each_is_told_in_one_line(tmp_path):
    old = certificate(SHOP, not_before=NOON - timedelta(days=99))
    source = traefik(tmp_path, entry(certificate(BLOG), BLOG), entry(old, SHOP))
    taken, left_out = map(files.told, files.bring_in(source, tmp_path / "data", (), NOON))
    assert taken == (
        f"{BLOG} (resolver le): taken over for {BLOG}, until 2027-05-30; it is not of the authority that "
        "Tidegate uses here, so it is served only until Tidegate has a new one, which it gets as soon as a "
        "router names the host"
    )
    assert left_out == f"{SHOP} (resolver le): left out: it ran out on {old.not_after:%Y-%m-%d}"


def test_a_host_under_a_wildcard_is_handed_that(tmp_path):
    pair = certificate("*.example.com")
    Store(tmp_path).save("*.example.com", pair)
    assert files.held(tmp_path, BLOG).serial == pair.serial
    assert files.held(tmp_path, "example.com") is None
