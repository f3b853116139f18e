"""What CI says of an audit with a fault, with none, and with nobody to ask; failed tests are always told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.scripts.test_audited import FAULTY, UNASKED, WELL

ROOT = Path(__file__).parents[2]
FAILED, NOT_AUDITED = "ci: FAILED", "ci: NOT AUDITED"
HANG = "sleep 60"
PATIENCE = 2
"""Seconds that each step gets here; as it is shipped, twenty."""


class Checkout:
    """The scripts of this tree, with a `make` and a `python3` that do what a test says."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in (".ci/run", "scripts/audit", "scripts/audited.py", "requirements-run.lock"):
            (root / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        (root / ".venv").symlink_to(ROOT / ".venv")
        self.does("programs/make", "echo tested")
        self.does("programs/python3", "exit 1")  # no environment can be made

    def does(self, place: str, script: str) -> None:
        (self.root / place).parent.mkdir(parents=True, exist_ok=True)
        (self.root / place).write_text(f"#!/bin/sh\n{script}\n")
        (self.root / place).chmod(0o755)

    def audits(self, script: str) -> None:
        """What pip-audit does; "$report" is where it writes its report."""
        find = 'while [ $# -gt 0 ]; do [ "$1" != --output ] || report=$2; shift; done'
        self.does(".cache/audit/bin/pip-audit", f"{find}\n{script}")

    def reports(self, *packages: object, status: int = 0) -> None:
        (self.root / "report").write_text(json.dumps({"dependencies": packages, "fixes": []}))
        self.audits(f'cp report "$report"; exit {status}')

    def ci(self) -> tuple[int, str]:
        programs = f"{self.root / 'programs'}{os.pathsep}{os.environ['PATH']}"
        ran = subprocess.run(
            [".ci/run"],
            cwd=self.root,
            # Where the machine's locale is not installed, each bash would say so.
            env=os.environ | {"PATH": programs, "PATIENCE": str(PATIENCE), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "tested" in ran.stdout
        return ran.returncode, ran.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_packages_without_a_known_fault_pass(checkout: Checkout) -> None:
    checkout.reports(WELL)
    assert checkout.ci() == (0, "")


def test_a_known_fault_fails_and_is_named(checkout: Checkout) -> None:
    checkout.reports(WELL, FAULTY, status=1)
    status, said = checkout.ci()
    assert status == 1
    assert "aiohttp 3.9.1: PYSEC-2024-24" in said
    assert FAILED in said


def test_a_known_fault_fails_also_where_not_all_could_be_asked_about(checkout: Checkout) -> None:
    checkout.reports(UNASKED, FAULTY, status=1)
    status, said = checkout.ci()
    assert (status, FAILED in said, NOT_AUDITED in said) == (1, True, False)


@pytest.mark.parametrize(
    ("pip_audit", "reason"),
    [
        ("echo 'ConnectionError: no route' >&2; exit 1", "ConnectionError: no route"),
        ("exit 127", "pip-audit ended with 127"),
        ('echo "no JSON" > "$report"', "pip-audit wrote no report"),
        ('echo "[]" > "$report"', "pip-audit wrote no report"),
        (HANG, f"has not answered for all packages within {PATIENCE} s"),
        (f"trap '' TERM; {HANG}", f"has not answered for all packages within {PATIENCE} s"),
    ],
    ids=["away", "crash", "no JSON", "no report", "silent", "silent and stubborn"],
)
def test_where_nothing_is_known_it_is_said_and_nothing_fails(
    checkout: Checkout, pip_audit: str, reason: str
) -> None:
    checkout.audits(pip_audit)
    passed_with_a_word(checkout, reason)


def test_a_package_that_could_not_be_asked_about_is_no_pass_in_silence(checkout: Checkout) -> None:
    checkout.reports(WELL, UNASKED)
    passed_with_a_word(checkout, "no answer for 1 of 2 packages")


def test_a_tool_that_cannot_be_installed_is_no_pass_in_silence(checkout: Checkout) -> None:
    passed_with_a_word(checkout, "pip-audit could not be installed")


def test_an_index_that_is_silent_while_the_tool_is_installed_is_not_waited_for(checkout: Checkout) -> None:
    checkout.does("programs/python3", HANG)
    passed_with_a_word(checkout, "pip-audit could not be installed")


def test_an_environment_that_is_not_there_is_no_known_fault(checkout: Checkout) -> None:
    checkout.reports(WELL)
    (checkout.root / ".venv").unlink()
    passed_with_a_word(checkout, "could not be read")


def test_a_script_of_ours_that_is_missing_is_no_known_fault(checkout: Checkout) -> None:
    """Python ends with 1 then, as it does for whatever it cannot do."""
    checkout.reports(WELL)
    (checkout.root / "scripts/audited.py").unlink()
    passed_with_a_word(checkout, "could not be read")


def passed_with_a_word(checkout: Checkout, reason: str) -> None:
    begun = time.monotonic()
    status, said = checkout.ci()
    assert time.monotonic() - begun < 30
    assert (status, said.count(NOT_AUDITED), FAILED in said) == (0, 1, False), said
    assert reason in said


@pytest.mark.parametrize("audit", ["well", "faulty", "unknown"])
def test_ci_ends_as_the_tests_did_whatever_the_audit_would_say(checkout: Checkout, audit: str) -> None:
    checkout.does("programs/make", "echo tested; exit 2")
    if audit != "unknown":
        checkout.reports(WELL if audit == "well" else FAULTY)
    assert checkout.ci()[0] == 2
