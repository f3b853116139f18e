"""Every chunked body that we accept has the same content, trailers and end for others, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz import known, shapes
from tests.fuzz.comparing import Finding, compare_chunks
from tests.fuzz.known import KNOWN_BODIES, KnownBody
from tests.proxy.corpus.chunked_bodies import BAD, GOOD, UNFINISHED


@settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shapes.chunked_bodies(), shapes.cuts)
def test_a_chunked_body(raw: bytes, cuts: list[int]) -> None:
    compare_chunks(raw, cuts)


@pytest.mark.parametrize("name", GOOD)
def test_a_body_of_the_corpus_cut_at_every_octet(name: str) -> None:
    raw = GOOD[name][0]
    assert compare_chunks(raw, range(len(raw)))


@pytest.mark.parametrize("name", [*BAD, *UNFINISHED])
def test_a_body_that_is_refused_or_unfinished_is_so_however_it_is_cut(name: str) -> None:
    raw = BAD[name] if name in BAD else UNFINISHED[name]
    for at in range(min(len(raw), 300)):
        assert not compare_chunks(raw, [at])


@pytest.mark.parametrize("entry", KNOWN_BODIES, ids=lambda entry: entry.reason)
def test_a_known_difference_is_still_one(entry: KnownBody, monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(each for each in KNOWN_BODIES if each is not entry)
    monkeypatch.setattr(known, "KNOWN_BODIES", others)
    with pytest.raises(Finding, match=f"^{entry.what} "):
        compare_chunks(entry.example)
