"""What `make audit` makes of the answers: a fault, none, or nobody who knows."""

import pytest

from scripts.audited import verdict

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
        ([WELL], 0, "audit: none of 1 packages has a known fault"),
        ([WELL, FAULTY], 1, "aiohttp 3.9.1: PYSEC-2024-24, mended in 3.9.2"),
        (
            [WELL, UNASKED],
            3,
            "audit: no answer for 1 of 2 packages, so this is no all-clear"
            " (Dependency not found and could not be audited: acme (5.9.0))",
        ),
        ([], 3, "audit: no answer for 0 of 0 packages, so this is no all-clear"),
    ],
)
def test_only_a_database_that_answers_for_every_package_gives_an_all_clear(packages, status, last):
    said, lines = verdict({"dependencies": packages, "fixes": []})
    assert (said, lines[-1]) == (status, last)


def test_a_fault_is_told_also_where_not_all_could_be_asked_about():
    status, lines = verdict({"dependencies": [FAULTY, UNASKED]})
    assert status == 1
    assert lines[0].startswith("aiohttp 3.9.1: PYSEC-2024-24")
    assert "no answer for 1 of 2" in lines[-1]
