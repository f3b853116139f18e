import json
import subprocess
import sys

from acme_client.dns.journal import Journal, Record

ONE = Record("desec", "example.com", "_acme-challenge.example.com", "one")
TWO = Record("desec", "example.com", "_acme-challenge.example.com", "two")


def test_what_somebody_shows_is_not_left_over_and_what_nobody_holds_is(tmp_path):
    ours, another = Journal(tmp_path / "records"), Journal(tmp_path / "records")
    assert another.take_left() == []
    one, two = ours.add(ONE), ours.add(TWO)
    assert another.take_left() == []
    one.release()
    [left] = another.take_left()
    assert left.record == ONE
    assert ours.take_left() == []  # the other one is at it
    another.remove(left)
    left.release()
    two.release()
    assert [kept.record for kept in ours.take_left()] == [TWO]


def test_the_same_record_may_be_shown_twice(tmp_path):
    journal = Journal(tmp_path)
    first, second = journal.add(ONE), journal.add(ONE)
    first.release()
    [left] = journal.take_left()
    journal.remove(left)
    left.release()
    second.release()
    assert [kept.record for kept in journal.take_left()] == [ONE]


def test_a_killed_process_holds_nothing(tmp_path):
    program = (
        "import os, sys; from pathlib import Path; from acme_client.dns.journal import *\n"
        "kept = Journal(Path(sys.argv[1])).add(Record('desec', 'z', 'n', 'v')); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == -9
    assert [kept.record for kept in Journal(tmp_path).take_left()] == [Record("desec", "z", "n", "v")]


def test_a_damaged_file_is_cleared_away(tmp_path):
    for number, text in enumerate(("", "[]", "{", json.dumps({"provider": "x"}), json.dumps({"name": 5}))):
        (tmp_path / f"{number}.json").write_text(text)
    (tmp_path / "acme-dns.txt").write_text("not ours")
    assert Journal(tmp_path).take_left() == []
    assert [path.name for path in tmp_path.iterdir()] == ["acme-dns.txt"]


def test_files_are_private(tmp_path):
    kept = Journal(tmp_path / "dns" / "records").add(ONE)
    assert kept.path.stat().st_mode & 0o777 == 0o600
    assert kept.path.parent.stat().st_mode & 0o777 == 0o700
