"""Constraints choose the containers that they choose in Traefik."""

from __future__ import annotations

import pytest

from discovery.constraints import Constraints
from tests.conformance.cases import Case, cases


@cases("constraints")
def test_constraints(case: Case) -> None:
    if case["error"]:
        with pytest.raises(ValueError, match=r"Label takes|There is no matcher"):
            Constraints.parse(case["expression"])
    else:
        assert Constraints.parse(case["expression"]).allow(case["labels"]) is case["expected"]
