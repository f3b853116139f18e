"""`tidegate password`: a line that the proxy itself takes."""

import io
import os
import pty
import subprocess
import sys

import pytest

from proxy.password import matches
from tests.program import ROOT
from tidegate.cli import main


def given(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_password_on_standard_input_becomes_the_line_of_its_user(monkeypatch, capsys):
    given(monkeypatch, "swordfish 1\n")
    assert main(["password", "anna"]) == 0
    line, label = capsys.readouterr().out.splitlines()
    name, colon, hashed = line.partition(":")
    assert (name, colon) == ("anna", ":")
    assert matches(b"swordfish 1", hashed) and not matches(b"swordfish", hashed)
    assert label.startswith(f"tidegate.auth: 'anna:{hashed.replace('$', '$$')}'")


@pytest.mark.parametrize(
    ("user", "password", "said"),
    [
        ("", "x\n", "say for whom: tidegate password USER"),
        ("a:b", "x\n", "a user's name has no colon, comma or space in it."),
        ("a,b", "x\n", "a user's name has no colon, comma or space in it."),
        ("anna", "\n", "a password is not empty."),
        ("anna", "", "a password is not empty."),
        ("anna", "ä" * 37, "a password has at most 72 bytes"),
    ],
)
def test_what_would_be_no_password_is_refused(monkeypatch, capsys, user, password, said):
    given(monkeypatch, password)
    assert main(["password", *filter(None, [user])]) == 2
    captured = capsys.readouterr()
    assert said in captured.err and not captured.out


@pytest.mark.parametrize(("again", "status"), [("geheim", 0), ("geheym", 2)])
def test_at_a_terminal_it_is_asked_for_twice_and_not_shown(again, status):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tidegate", "password", "anna"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    ) as program:
        os.close(theirs)
        seen = b""
        for wanted, answer in ((b"anna: ", "geheim"), (b"more: ", again)):
            while wanted not in seen:
                seen += os.read(ours, 1024)
            os.write(ours, answer.encode() + b"\n")
        while True:
            try:
                more = os.read(ours, 1024)
            except OSError:  # the other end is gone
                break
            if not more:
                break
            seen += more
    os.close(ours)
    assert program.returncode == status
    assert b"geheim" not in seen and b"geheym" not in seen
    assert (b"anna:$2b$" in seen) == (status == 0)
    assert (b"the two are not the same" in seen) == (status == 2)
