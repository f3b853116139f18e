import os
import shutil
import socket
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from acme_client.given import OWN
from acme_client.manager import utc_now
from tests.acme_client.fake_ca import NOON, certificate
from tests.program import Program, by_all, eventually
from tests.tidegate.apps import typed
from tidegate.own_certificates import Drawer

BLOG, SHOP = "blog.example.com", "shop.example.com"


def put(directory: Path, name: str, pair, key=None) -> None:
    (directory / f"{name}.crt").write_bytes(pair.chain_pem)
    (directory / f"{name}.key").write_bytes((key or pair).key_pem)


def test_pairs_are_read_by_either_shape(tmp_path):
    blog, shop = certificate(BLOG), certificate(SHOP)
    put(tmp_path, "blog", blog)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "fullchain.pem").write_bytes(shop.chain_pem)
    (tmp_path / "shop" / "privkey.pem").write_bytes(shop.key_pem)
    (tmp_path / "README").write_text("mine")
    drawer = Drawer(tmp_path)
    assert drawer.look(NOON)
    assert [(each.serial, each.directory) for each in drawer.certificates] == [
        (blog.serial, OWN),
        (shop.serial, OWN),
    ]
    assert drawer.problems == ()
    assert not drawer.look(NOON)


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda d: (d / "blog.key").unlink(), "blog.key cannot be read: no such file"),
        (lambda d: (d / "blog.crt").write_text("nonsense"), "It cannot be used: not a certificate"),
        (lambda d: put(d, "blog", certificate(BLOG), certificate(SHOP)), "the key does not belong"),
        (lambda d: (d / "blog.crt").write_bytes(b"x" * 300_000), "more than 256 KiB"),
    ],
)
def test_a_broken_pair_is_a_problem_and_what_it_was_before_stays(tmp_path, break_it, says):
    put(tmp_path, "blog", good := certificate(BLOG))
    drawer = Drawer(tmp_path)
    drawer.look(NOON)
    break_it(tmp_path)
    assert drawer.look(NOON)
    [problem] = drawer.problems
    assert problem.where == str(tmp_path / "blog.crt")
    assert says in problem.what
    assert [each.serial for each in drawer.certificates] == [good.serial]
    put(tmp_path, "blog", good)
    assert drawer.look(NOON) and drawer.problems == ()


def test_one_that_runs_out_becomes_a_problem_without_a_change_of_its_file(tmp_path):
    put(tmp_path, "blog", certificate(BLOG))
    drawer = Drawer(tmp_path)
    assert drawer.look(NOON) and drawer.problems == ()
    assert drawer.look(NOON + timedelta(days=91))
    assert "It ran out on" in drawer.problems[0].what
    assert not drawer.look(NOON + timedelta(days=91))


def test_a_directory_that_is_not_there_is_a_problem_and_found_when_it_comes(tmp_path):
    drawer = Drawer(tmp_path / "later")
    assert drawer.look(NOON)
    assert drawer.problems[0].what == "There is no such directory."
    (tmp_path / "later").mkdir()
    put(tmp_path / "later", "blog", certificate(BLOG))
    assert drawer.look(NOON) and len(drawer.certificates) == 1


# -- the whole program

ROUTES = """
http:
  routers:
    blog: {rule: Host(`blog.own.test`), service: app}
    any: {rule: "HostRegexp(`^[a-z]+[.]own[.]test$`)", service: app}
    other: {rule: Host(`other.test`), service: app}
  services:
    app: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}
"""


def shown(program: Program, host: str) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", program.websecure), 5) as plain,
        context.wrap_socket(plain, server_hostname=host) as stream,
    ):
        return stream.getpeercert(binary_form=True) or b""


def issued(authority: trustme.CA, directory: Path, *names: str) -> bytes:
    pair = authority.issue_cert(*names, not_after=utc_now() + timedelta(days=30))
    aside = directory / ".new"
    pair.private_key_pem.write_to_path(directory / "own.key")
    aside.write_bytes(b"".join(each.bytes() for each in pair.cert_chain_pems))
    aside.rename(directory / "own.crt")
    return ssl.PEM_cert_to_DER_cert(pair.cert_chain_pems[0].bytes().decode())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_own_certificates_are_served_for_all_that_they_cover_and_nothing_is_ordered_for_it(tmp_path, workers):
    own = tmp_path / "own"
    own.mkdir()
    (tmp_path / "routes.yaml").write_text(ROUTES)
    authority = trustme.CA()
    first = issued(authority, own, "*.own.test")
    flags = ("--docker", "off", "--routes", str(tmp_path / "routes.yaml"), "--workers", workers)
    # Nobody answers at this authority: whoever is ordered for there would have failed.
    mine = ("--own-certificates", str(own), "--acme-ca", "https://127.0.0.1:9/dir")
    with Program(tmp_path / "data", *flags, *mine) as program:
        for host in ("blog.own.test", "any.own.test"):
            by_all(lambda host=host: shown(program, host) == first)
        rows = {row["host"]: row for row in program.api("certs")["certificates"]}
        assert rows["blog.own.test"]["state"] == "own"
        assert rows["blog.own.test"]["names"] == ["*.own.test"]
        assert shown(program, "other.test") != first
        assert typed(program, "certs", "renew", "blog.own.test")[0] == 1
        assert "Ordering a certificate for blog.own.test" not in program.log

        second = issued(authority, own, "*.own.test")
        by_all(lambda: shown(program, "blog.own.test") == second)
        (own / "own.key").write_text("broken")
        eventually(lambda: program.api("problems"))
        assert shown(program, "blog.own.test") == second
        shutil.rmtree(own)
        os.mkdir(own)
        by_all(lambda: shown(program, "blog.own.test") != second)
        eventually(lambda: not program.api("problems"))
