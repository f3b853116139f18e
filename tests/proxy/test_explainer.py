from __future__ import annotations

import asyncio
import json
from ipaddress import ip_address
from typing import Any

import pytest

from proxy.exchange import Response
from proxy.explainer import AT_ONCE, Explainer, question, with_text
from proxy.headers import TrustedProxies
from proxy.pages import page
from proxy.schema import IPNetwork, parse_text
from tests.proxy.heads import head

HOUSE = parse_text(tuple[IPNetwork, ...], "192.168.0.0/16, 172.16.0.0/12")
TRUSTED = TrustedProxies(parse_text(tuple[IPNetwork, ...], "192.168.1.2/32"))


async def said(query: str) -> str:
    return f"because {query}"


def explainer(ask: Any = said, gateway: str = "192.168.1.1") -> Explainer:
    return Explainer(HOUSE, TRUSTED, ask, lambda address: str(address) == gateway)


@pytest.mark.parametrize(
    ("client", "peer", "fields", "told"),
    [
        ("192.168.1.7", "192.168.1.7", (), True),
        ("203.0.113.7", "203.0.113.7", (), False),
        # Somebody speaks for others, and nobody has said that he may be believed: a tunnel's container.
        ("172.18.0.5", "172.18.0.5", (("X-Forwarded-For", "203.0.113.7"),), False),
        ("172.18.0.5", "172.18.0.5", (("x-forwarded-for", "192.168.1.7"),), False),
        ("172.18.0.5", "172.18.0.5", (("CF-Connecting-IP", "203.0.113.7"),), False),
        ("172.18.0.5", "172.18.0.5", (("Via", "1.1 tunnel"),), False),
        # A trusted proxy says for whom it speaks.
        ("192.168.1.7", "192.168.1.2", (("X-Forwarded-For", "192.168.1.7"),), True),
        ("203.0.113.7", "192.168.1.2", (("X-Forwarded-For", "203.0.113.7"),), False),
        # It says nothing, or of somebody who speaks for others himself.
        ("192.168.1.2", "192.168.1.2", (), False),
        ("172.18.0.5", "192.168.1.2", (("X-Forwarded-For", "203.0.113.7, 172.18.0.5"),), False),
        ("192.168.1.7", "192.168.1.2", (("X-Forwarded-For", "junk, 192.168.1.7"),), False),
        (
            "192.168.1.7",
            "192.168.1.2",
            (("X-Forwarded-For", "192.168.1.7"), ("CF-Connecting-IP", "203.0.113.7")),
            False,
        ),
        ("192.168.1.7", "192.168.1.2", (("Forwarded", "for=203.0.113.7"),), False),
    ],
)
def test_nobody_is_told_who_may_be_somebodys_messenger(client, peer, fields, told):
    assert explainer().concerns(fields, ip_address(client), ip_address(peer)) is told


class Scanned:
    target = "/x?y=1"


class Turn:
    def __init__(self, client: str = "192.168.1.7", *fields: tuple[str, str]) -> None:
        self.head = head("/x", "a.test", *fields, client=client)
        self.scanned = Scanned()


async def explained(response: Response, client: str = "192.168.1.7", **more: Any) -> Response:
    return await explainer(**more).explained(Turn(client), "web", response)  # type: ignore[arg-type]


async def test_the_answer_stands_below_the_page():
    shown = await explained(page(404, None))
    assert isinstance(shown.body, bytes)
    assert shown.body.startswith(
        b"No site has this name here.\n\nbecause about=http%3A%2F%2Fa.test%2Fx%3Fy%3D1"
    )
    assert b"entrypoint=web" in shown.body


async def test_a_gateway_is_not_told_and_other_pages_say_nothing():
    for response, client in ((page(404, None), "192.168.1.1"), (page(403, None), "192.168.1.7")):
        assert await explained(response, client) is response


async def test_a_page_does_not_wait_for_ever(monkeypatch):
    async def never(query: str) -> str:
        await asyncio.Event().wait()
        return query

    monkeypatch.setattr("proxy.explainer.PATIENCE", 0.01)
    answer = page(502, None)
    assert await explained(answer, ask=never) is answer


async def test_a_crowd_is_not_answered_at_once():
    one = explainer()
    one.asking = AT_ONCE
    answer = page(502, None)
    assert await one.explained(Turn(), "web", answer) is answer  # type: ignore[arg-type]


def test_each_form_of_page_takes_it():
    accepts = {"html": "text/html", "json": "application/json"}
    pages = {kind: page(502, head("/", "a.test", ("Accept", each))) for kind, each in accepts.items()}
    html = with_text(pages["html"], "<b>\nwhy").body
    assert isinstance(html, bytes) and b"&lt;b&gt;\nwhy</pre>" in html
    shown = with_text(pages["json"], "a\nb\n").body
    assert isinstance(shown, bytes)
    assert json.loads(shown)["why"] == ["a", "b"]


def test_a_question_is_short_enough_for_a_workers_word():
    assert "header=Cookie" in question(Turn("::1", ("Cookie", "a")), "web")  # type: ignore[arg-type]
    assert "header=" not in question(Turn("::1", ("Cookie", "a" * 4000)), "web")  # type: ignore[arg-type]
