"""Every head that we accept means the same to the readers of others; what we refuse is not compared."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.framing import CHUNKED, NO_BODY, Framing
from proxy.head import ScannedRequest, scan_request
from tests.fuzz import comparing, known, shapes
from tests.fuzz.comparing import Finding, compare_request, compare_response
from tests.fuzz.known import KNOWN, Known
from tests.proxy.corpus import request_heads, response_heads

thorough = settings(max_examples=800, deadline=None, suppress_health_check=[HealthCheck.too_slow])
METHODS = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST"])


@thorough
@given(shapes.request_heads(), shapes.cuts)
def test_a_request(raw: bytes, cuts: list[int]) -> None:
    compare_request(raw, cuts)


@thorough
@given(shapes.response_heads(), METHODS, st.sampled_from(["", "websocket"]), shapes.cuts)
def test_a_response(raw: bytes, method: str, upgrade: str, cuts: list[int]) -> None:
    compare_response(raw, method, upgrade, cuts)


@pytest.mark.parametrize("name", request_heads.GOOD)
def test_a_request_of_the_corpus(name: str) -> None:
    raw = request_heads.GOOD[name]
    assert compare_request(raw, range(0, len(raw), max(1, len(raw) // 300)))


@pytest.mark.parametrize("name", response_heads.GOOD)
def test_a_response_of_the_corpus(name: str) -> None:
    answer = response_heads.GOOD[name]
    assert compare_response(answer.head, answer.method, cuts=range(len(answer.head)))


@pytest.mark.parametrize("entry", KNOWN, ids=lambda entry: entry.reason)
def test_a_known_difference_is_still_one(entry: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "KNOWN", tuple(each for each in KNOWN if each is not entry))
    with pytest.raises(Finding, match=f"^{entry.what} "):
        if entry.example.startswith(b"HTTP"):
            compare_response(entry.example, entry.method)
        else:
            compare_request(entry.example)


WRONG: dict[str, dict[str, object]] = {
    "a target": {"target": "/other"},
    "a method": {"method": "HEAD"},
    "a version": {"http10": True},
    "a field less": {"fields": (("Host", "a.test"),)},
    "a length too long": {"framing": Framing("length", 6)},
    "a length too short": {"framing": Framing("length", 4)},
    "no content": {"framing": NO_BODY},
    "chunks": {"framing": CHUNKED},
    "the end": {"keep_alive": False},
    "an upgrade": {"upgrade": "websocket"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_reader_that_is_wrong_is_found_out(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def misread(raw: bytes) -> ScannedRequest | None:
        head = scan_request(raw)
        return head and replace(head, **WRONG[wrong])

    monkeypatch.setattr(comparing, "scan_request", misread)
    with pytest.raises(Finding):
        compare_request(b"POST /a HTTP/1.1\r\nHost: a.test\r\nX: y\r\nContent-Length: 5\r\n\r\n")
