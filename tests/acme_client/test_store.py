import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from acme_client.authority import Authority
from acme_client.failure import Failure
from acme_client.ledger import Entry, Renewal
from acme_client.store import Account, OpenOrder, Store
from tests.acme_client.fake_ca import DIRECTORY, NOON, certificate

HOST = "blog.example.com"
ORDER = OpenOrder(DIRECTORY, "https://ca.example/order/1", "key", "account")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def generations(tmp_path, host=HOST):
    return sorted(path.name for path in (tmp_path / "certs" / host).glob("gen-*"))


def test_what_is_saved_is_found_again(store, tmp_path):
    held = certificate(HOST)
    store.save(HOST, held)
    assert store.load(HOST).certificate == held
    assert (tmp_path / "certs" / HOST / "current" / "fullchain.pem").read_bytes() == held.chain_pem


def rewrite(folder):
    """As by an editor or an older program: other bytes, the same certificate."""
    chain = folder / "fullchain.pem"
    chain.write_bytes(chain.read_bytes() + b"\n")


def forget_fingerprint(folder):
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | {"fingerprint": "", "names": ["wrong.example.com"]}))


def forget_names(folder):
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "names": None, "serial": "xyz"}))


@pytest.mark.parametrize("change", [rewrite, forget_fingerprint, forget_names])
def test_files_that_were_changed_are_read_and_not_what_was_written_of_them(store, tmp_path, change):
    held = certificate(HOST)
    store.save(HOST, held)
    change(tmp_path / "certs" / HOST / "gen-0001")
    found = store.load(HOST).certificate
    assert replace(found, chain_pem=held.chain_pem) == held


def test_of_a_host_never_seen_nothing_is_known(store, tmp_path):
    stored = store.load(HOST)
    assert (stored.certificate, stored.entry, stored.renewal, stored.order) == (
        None,
        Entry(),
        Renewal(),
        None,
    )
    assert list(tmp_path.iterdir()) == []


def test_the_certificate_before_is_kept_and_older_ones_are_not(store, tmp_path):
    for _ in range(4):
        store.save(HOST, certificate(HOST))
    assert generations(tmp_path) == ["gen-0003", "gen-0004"]
    assert os.readlink(tmp_path / "certs" / HOST / "current") == "gen-0004"


def test_what_failed_and_what_is_open_outlive_a_restart(store):
    entry = Entry().failed(Failure("rate", "limit", retry_after=3600), NOON, "settings", 0.0)
    renewal = Renewal("ab", NOON, NOON, NOON, NOON)
    store.save_entry(HOST, entry)
    store.save_renewal(HOST, renewal)
    store.save_order(HOST, ORDER)
    stored = store.load(HOST)
    assert (stored.entry, stored.renewal, stored.order) == (entry, renewal, ORDER)


def test_with_a_certificate_the_failures_and_the_order_before_it_are_history(store):
    store.save_entry(HOST, Entry(failures=2, next_try=NOON))
    store.save_order(HOST, ORDER)
    store.keep(HOST, certificate(HOST))
    stored = store.load(HOST)
    assert (stored.entry, stored.order) == (Entry(), None)


def truncate(folder):
    (folder / "fullchain.pem").write_bytes((folder / "fullchain.pem").read_bytes()[:100])


def empty(folder):
    (folder / "key.pem").write_bytes(b"")


def lose_key(folder):
    (folder / "key.pem").unlink()


def lose_meta(folder):
    (folder / "meta.json").unlink()


def garble_meta(folder):
    (folder / "meta.json").write_text("{")


def swap_key(folder):
    (folder / "key.pem").write_bytes(certificate(HOST).key_pem)


def swap_host(folder):
    other = certificate("other.example.com")
    (folder / "fullchain.pem").write_bytes(other.chain_pem)
    (folder / "key.pem").write_bytes(other.key_pem)


def nest_meta(folder):
    (folder / "meta.json").write_text("[" * 100_000)


def mount_over_key(folder):
    """What a volume for one file makes of a file that is not there."""
    (folder / "key.pem").unlink()
    (folder / "key.pem").mkdir()


def flatten(folder):
    shutil.rmtree(folder)
    folder.write_text("a file where the folder should be")


HARMS = [
    *(truncate, empty, lose_key, lose_meta, garble_meta, nest_meta),
    *(swap_key, swap_host, mount_over_key, flatten),
]


@pytest.mark.parametrize("harm", HARMS)
def test_a_broken_generation_is_put_aside_and_the_one_before_serves(store, tmp_path, harm):
    good = certificate(HOST)
    store.save(HOST, good)
    store.save(HOST, certificate(HOST))
    store.save("other.example.com", certificate("other.example.com"))
    harm(tmp_path / "certs" / HOST / "gen-0002")
    stored = store.load(HOST)
    assert stored.certificate == good
    assert [Path(broken.place).parent for broken in stored.broken] == [tmp_path / "quarantine"]
    assert generations(tmp_path) == ["gen-0001"]
    assert store.load("other.example.com").broken == ()
    assert store.load(HOST).broken == ()


def test_a_number_that_was_in_quarantine_does_not_confuse_the_next_one(store, tmp_path):
    store.save(HOST, certificate(HOST))
    empty(tmp_path / "certs" / HOST / "gen-0001")
    assert store.load(HOST).certificate is None
    newest = certificate(HOST)
    store.save(HOST, newest)
    assert store.load(HOST).certificate == newest


def test_what_a_crash_left_half_written_is_never_read_and_goes_with_the_next_save(store, tmp_path):
    half = tmp_path / "certs" / HOST / ".new-1234"
    half.mkdir(parents=True)
    (half / "fullchain.pem").write_bytes(b"-----BEGIN")
    os.utime(half, (0, 0))
    assert store.load(HOST).certificate is None
    store.save(HOST, certificate(HOST))
    assert not half.exists()


def test_a_generation_complete_but_not_yet_linked_when_the_power_went_is_used(store, tmp_path):
    store.save(HOST, certificate(HOST))
    newest = certificate(HOST)
    store.save(HOST, newest)
    link = tmp_path / "certs" / HOST / "current"
    link.unlink()
    link.symlink_to("gen-0001")
    assert store.load(HOST).certificate == newest


def test_two_instances_cannot_both_have_the_right_to_order(store, tmp_path):
    lock = store.lock(HOST)
    assert lock is not None
    assert Store(tmp_path).lock(HOST) is None
    assert Store(tmp_path).lock("other.example.com") is not None
    lock.close()
    assert Store(tmp_path).lock(HOST) is not None


def test_a_folder_that_takes_nothing_is_noticed_before_an_order(store, tmp_path):
    (tmp_path / "certs").write_text("a file where the folder should be")
    with pytest.raises(OSError, match=r"certs|exists|directory"):
        store.test_writing(HOST)


def test_a_write_test_leaves_nothing_behind(store, tmp_path):
    store.test_writing(HOST)
    assert list((tmp_path / "certs" / HOST).iterdir()) == []


def test_accounts_are_kept_by_ca_and_by_address(store, tmp_path):
    mine, yours = Authority(DIRECTORY, "me@example.com"), Authority(DIRECTORY, "you@example.com")
    store.save_account(mine, Account(b"key", "https://ca.example/account/1"))
    assert store.load_account(mine) == Account(b"key", "https://ca.example/account/1")
    assert store.load_account(yours) is None
    assert store.load_account(replace(mine, directory="https://other.example/directory")) is None


def test_an_account_that_the_ca_closed_is_put_aside_not_thrown_away(store, tmp_path):
    authority = Authority(DIRECTORY)
    store.save_account(authority, Account(b"key", "url"))
    store.retire_account(authority)
    assert store.load_account(authority) is None
    assert b"key" in [path.read_bytes() for path in (tmp_path / "quarantine").iterdir()]


@pytest.mark.parametrize("host", ["../../etc", "/etc/passwd", ".", "..", "", "*.example.com", "a/../../b"])
def test_no_host_name_leads_out_of_the_storage(store, tmp_path, host):
    store.save_entry(host, Entry())
    assert [path.parent.parent for path in tmp_path.rglob("ledger.json")] == [tmp_path / "certs"]


SAVER = """
import sys
from pathlib import Path
from acme_client.store import Store
from tests.acme_client.fake_ca import certificate
made = [certificate("blog.example.com") for _ in range(5)]
store = Store(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    for each in made:
        store.keep("blog.example.com", each)
"""


@pytest.mark.slow
def test_killed_at_any_moment_of_saving_the_old_or_the_new_pair_is_there_and_never_a_mix(store, tmp_path):
    """Each life is killed in the middle of its work, on the folder that the one before left."""
    store.save(HOST, certificate(HOST))
    for round_number in range(25):
        process = subprocess.Popen([sys.executable, "-c", SAVER, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.002 + 0.0037 * round_number)  # not for timing: another moment each time
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        stored = store.load(HOST)
        assert stored.broken == ()
        assert stored.certificate is not None
        assert (tmp_path / "certs" / HOST / "current" / "key.pem").exists()
