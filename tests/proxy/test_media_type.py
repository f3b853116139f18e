from __future__ import annotations

import pytest

from proxy.media_type import guessed, is_among


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<html>", "text/html; charset=utf-8"),
        (b"\n <a href=x>", "text/html; charset=utf-8"),
        (b"<abc>", "text/plain; charset=utf-8"),
        (b"<!-- -->", "text/html; charset=utf-8"),
        (b"<?xml version", "text/xml; charset=utf-8"),
        (b"RIFF....WEBPVP8", "image/webp"),
        (b"....ftypmp42", "video/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        ("für".encode(), "text/plain; charset=utf-8"),
        (b"", "text/plain; charset=utf-8"),
        (b"a\x00", "application/octet-stream"),
    ],
)
def test_guesses(data: bytes, kind: str) -> None:
    assert guessed(data) == kind


@pytest.mark.parametrize(
    ("text", "kinds", "expected"),
    [
        ("application/json; charset=utf-8", ("application/json",), True),
        ("Application/JSON", ("application/json",), True),
        ("application/json;charset=utf-8", ("application/json;  charset=utf-8",), True),
        ("application/json; charset=ascii", ("application/json; charset=utf-8",), False),
        ("application/json", ("application/json; charset=utf-8",), False),
        ("text/xml", ("application/json",), False),
        ("", ("application/json",), False),
    ],
)
def test_types_are_compared(text: str, kinds: tuple[str, ...], expected: bool) -> None:
    assert is_among(text, kinds) is expected
