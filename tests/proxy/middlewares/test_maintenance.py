from __future__ import annotations

from typing import Any

import pytest

from proxy.exchange import Response
from proxy.middlewares.maintenance import SENTENCE, Maintenance
from proxy.schema import parse_options
from tests.proxy.heads import head


def outcome(tree: Any, host: str = "a.test", client: str = "192.0.2.1", accept: str = "") -> Any:
    options, flaws = parse_options(Maintenance, tree)
    assert options is not None, flaws
    fields = (("Accept", accept),) if accept else ()
    return options.on_request(head("/", host, *fields, client=client))


def status(*args: Any, **more: Any) -> int | None:
    return getattr(outcome(*args, **more), "status", None)


def test_visitors_read_that_the_site_is_being_worked_on_and_programs_when_to_come_back() -> None:
    answer = outcome("true")
    assert isinstance(answer, Response)
    assert (answer.status, answer.get("Retry-After"), answer.body) == (503, "300", f"{SENTENCE}\n".encode())
    assert [name for name, _ in answer.fields].count("Retry-After") == 1
    said = outcome({"text": "Noon <b>", "retryAfter": "30m"}, accept="text/html")
    assert b"Noon &lt;b&gt;" in said.body
    assert said.get("Retry-After") == "1800"
    assert b'"message": "Noon"' in outcome({"text": "Noon"}, accept="application/json").body


@pytest.mark.parametrize(("client", "expected"), [("192.168.1.7", None), ("192.0.2.1", 503), ("::1", 503)])
def test_who_works_on_it_finds_it_open(client: str, expected: int | None) -> None:
    assert status({"sourceRange": "192.168.0.0/16"}, client=client) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("a.test", 503), ("x.b.test", 503), ("b.test", None), ("x.a.test", None), ("", None)],
)
def test_other_names_of_the_router_stay_open(host: str, expected: int | None) -> None:
    assert status({"hosts": "a.test, *.b.test"}, host=host) == expected
