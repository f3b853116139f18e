"""What `make audit` makes of the answers: a fault, none, or nobody who knows."""

import pytest

from scripts import audited
from scripts.audited import read, verdict

WELL = {"name": "idna", "version": "3.7", "vulns": []}
FAULTY = {
    "name": "aiohttp",
    "version": "3.9.1",
    "vulns": [{"id": "PYSEC-2024-24", "fix_versions": ["3.9.2"], "aliases": [], "description": ""}],
}
UNASKED = {"name": "acme", "skip_reason": "Dependency not found and could not be audited: acme (5.9.0)"}


@pytest.mark.parametrize(
    ("packages", "status", "last"),
    [
        ([WELL], audited.CLEAN, "audit: none of 1 packages has a known fault"),
        ([WELL, FAULTY], audited.FAULTY, "aiohttp 3.9.1: PYSEC-2024-24, mended in 3.9.2"),
        (
            [WELL, UNASKED],
            audited.UNKNOWN,
            "audit: no answer for 1 of 2 packages, so this is no all-clear"
            " (Dependency not found and could not be audited: acme (5.9.0))",
        ),
        ([], audited.UNKNOWN, "audit: no answer for 0 of 0 packages, so this is no all-clear"),
    ],
)
def test_only_a_database_that_answers_for_every_package_gives_an_all_clear(packages, status, last):
    said, lines = verdict({"dependencies": packages, "fixes": []})
    assert (said, lines[-1]) == (status, last)


def test_a_fault_is_told_also_where_not_all_could_be_asked_about():
    status, lines = verdict({"dependencies": [FAULTY, UNASKED]})
    assert status == audited.FAULTY
    assert lines[0].startswith("aiohttp 3.9.1: PYSEC-2024-24")
    assert "no answer for 1 of 2" in lines[-1]


@pytest.mark.parametrize(
    "text", ["", "Traceback", "[]", "{}", '{"dependencies": null}', '{"dependencies": [1]}']
)
def test_what_is_no_report_says_nothing_of_any_package(text):
    status, [line] = read(text)
    assert status == audited.UNKNOWN
    assert line.startswith("audit: no answer: pip-audit wrote no report")


def test_a_fault_has_an_exit_status_that_no_crash_has():
    assert audited.FAULTY not in (0, 1, 2)
