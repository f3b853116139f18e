"""docs/mistakes.md says what `check` says."""

from __future__ import annotations

import pytest

from tests.mistakes.page import PAGE, Mistake, mistakes, whole

FILES = [mistake for mistake in mistakes() if mistake.text]


def test_the_page_of_mistakes_is_not_stale() -> None:
    assert PAGE.read_text() == whole(), "write it anew: python -m tests.mistakes.page"


@pytest.mark.parametrize("mistake", FILES, ids=lambda mistake: mistake.title)
def test_one_mistake_makes_one_message(mistake: Mistake) -> None:
    assert len(mistake.findings()) == 1, mistake.findings()


def test_there_are_forty_of_them() -> None:
    assert len(FILES) >= 40
    assert len({mistake.title for mistake in FILES}) == len(FILES)
