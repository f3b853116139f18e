"""The list of differences is about cases that exist."""

from __future__ import annotations

import json

import pytest

from tests.conformance import test_constraints, test_docker, test_labels, test_merge, test_routing, test_rules
from tests.conformance.cases import MISSING, USED, directory
from tests.conformance.differs import DIFFERS, NOT_YET


def test_every_difference_names_a_case() -> None:
    found = directory()
    if found is None:
        pytest.skip(MISSING)
    files = {case.partition("/")[0] for case in DIFFERS | NOT_YET}
    known = {
        each["id"] for name in files for each in json.loads((found / f"{name}.json").read_text())["cases"]
    }
    assert (DIFFERS | NOT_YET).keys() <= known
    assert not DIFFERS.keys() & NOT_YET.keys()


ASK_FOR_CASES = (test_constraints, test_docker, test_labels, test_merge, test_routing, test_rules)
WHOLE = (
    *("rules_http", "rules_parser", "rules_priority", "rules_domains", "rules_routing_path"),
    *("labels_grammar", "labels_decode", "docker_labels", "docker_address", "docker_derived"),
    *("merge", "constraints"),
)
"""Groups of which no case may be passed over."""


@pytest.mark.parametrize("name", WHOLE)
def test_every_case_about_labels_and_rules_is_run_or_listed_with_a_reason(name: str) -> None:
    found = directory()
    if found is None:
        pytest.skip(MISSING)
    assert ASK_FOR_CASES
    known = {each["id"] for each in json.loads((found / f"{name}.json").read_text())["cases"]}
    assert known - USED - DIFFERS.keys() - NOT_YET.keys() == set()
    assert all(reason for reason in (*DIFFERS.values(), *NOT_YET.values()))
