"""The page about the labels, and that it is true."""

from pathlib import Path

import pytest

from proxy.middlewares import MIDDLEWARES
from tidegate.label_reference import labels_page, spelled

PAGE = Path(__file__).parents[2] / "docs" / "labels.md"


def test_the_page_about_the_labels_is_not_stale():
    assert PAGE.read_text() == labels_page(), "write it anew: python -m tidegate labels > docs/labels.md"


def test_it_holds_every_middleware():
    page = labels_page().lower()
    assert [kind for kind in MIDDLEWARES if f"### {kind}\n" not in page] == []


@pytest.mark.parametrize(
    ("name", "label"),
    [("IPAllowList", "ipAllowList"), ("Headers", "headers"), ("StripPrefix", "stripPrefix")],
)
def test_a_type_is_spelled_as_labels_spell_it(name, label):
    assert spelled(name) == label
