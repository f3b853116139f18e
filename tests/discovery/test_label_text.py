"""How labels are shown, and that secrets are not."""

from __future__ import annotations

import pytest

from discovery.label_text import shown


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("tidegate.host", "value"),
        ("tidegate.http.routers.keycloak.rule", "value"),
        ("tidegate.password", "***"),
        ("tidegate.http.middlewares.a.basicauth.users", "***"),
        ("tidegate.http.middlewares.a.headers.customrequestheaders.Authorization", "***"),
    ],
)
def test_a_value_whose_name_tells_of_a_secret_is_not_shown(label: str, value: str) -> None:
    assert shown("blog", label, "value") == f"blog: {label}={value}"


def test_a_label_stays_on_one_line_and_short() -> None:
    text = shown("blog", "tidegate.host", "a\nb\x1b[31m" + "x" * 1000)
    assert "\n" not in text
    assert "\x1b" not in text
    assert len(text) < 300


def test_what_is_said_to_be_secret_is_dots() -> None:
    assert shown("blog", "tidegate.x", "hunter2", secret=True) == "blog: tidegate.x=***"
