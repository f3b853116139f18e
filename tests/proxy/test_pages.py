from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from proxy.pages import NOT_SET_UP, SENTENCES, furnish, page
from tests.proxy.heads import head


def body(status: int, accept: str = "", detail: str = "") -> str:
    made = page(status, head("/", "a.test", ("Accept", accept)), detail).body
    assert isinstance(made, bytes)
    return made.decode()


def test_programs_get_a_line_of_text() -> None:
    assert body(404) == "No site has this name here.\n"
    assert page(404, None).body == b"No site has this name here.\n"
    assert page(404, None).get("Content-Type") == "text/plain; charset=utf-8"


def test_browsers_get_html() -> None:
    html = body(502, "text/html,application/xhtml+xml,*/*;q=0.8")
    assert "<title>502 Bad Gateway</title>" in html
    assert "This site&#x27;s server gave no proper answer." in html


def test_who_asks_for_json_gets_json() -> None:
    assert json.loads(body(503, "application/json")) == {"status": 503, "message": SENTENCES[503]}


def test_a_detail_is_escaped() -> None:
    assert "&lt;b&gt;" in body(500, "text/html", "<b>")


@pytest.mark.parametrize("status", [*SENTENCES, 418, 599])
def test_a_page_is_never_stored_and_says_nothing_of_the_inside(status: int) -> None:
    made = page(status, head("/secret", "a.test", ("Accept", "text/html")))
    assert made.get("Cache-Control") == "no-store"
    assert made.status == status
    assert isinstance(made.body, bytes)
    assert b"secret" not in made.body
    assert bool(made.get("Retry-After")) is (status == 503)


def test_a_site_that_is_not_set_up_says_so() -> None:
    assert body(503, detail=NOT_SET_UP) == NOT_SET_UP + "\n"


@pytest.fixture
def own() -> Iterator[None]:
    furnish({"404": "<h1>{{status}} {{ message }}</h1>", "5xx": "<title>{{title}}</title>{{nothing}}"})
    yield
    furnish({})


@pytest.mark.usefixtures("own")
def test_people_see_the_owners_pages_and_programs_what_they_ask_for() -> None:
    assert body(404, "text/html") == "<h1>404 No site has this name here.</h1>"
    assert body(503, "text/html", "<b>") == "<title>503 Service Unavailable</title>{{nothing}}"
    assert body(404, "application/json").startswith("{")
    assert body(404) == "No site has this name here.\n"
    assert "<style>" in body(403, "text/html")  # there is none of his own
    made = page(503, head("/", "a.test", ("Accept", "text/html")))
    assert made.get("Content-Security-Policy") == ""
    assert (made.get("Retry-After"), made.get("Cache-Control")) == ("5", "no-store")


@pytest.mark.usefixtures("own")
def test_what_stands_in_an_owners_page_is_escaped_once() -> None:
    furnish({"500": "{{message}}"})
    assert body(500, "text/html", "<{{status}}>") == "&lt;{{status}}&gt;"
