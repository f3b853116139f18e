from __future__ import annotations

import pytest

from proxy.exchange import NeverSent, Request, Response
from proxy.middlewares.inflightreq import InFlightReq
from proxy.piping import close
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, mistakes
from tests.proxy.middlewares.world import Backend, Pieces, World, content, nobody, wrapped


def slow() -> Backend:
    return Backend(Response(200, body=Pieces(b"a", b"b")))


async def test_a_request_counts_until_its_answer_is_out() -> None:
    handler = wrapped(declared(InFlightReq, {"amount": "1"}).begin(World()), slow())
    first = await handler(Request(head()))
    assert (await handler(Request(head()))).status == 429
    assert (await handler(Request(head(host="other.test")))).status == 200
    await content(first)
    given_up = await handler(Request(head()))
    assert given_up.status == 200
    await close(given_up.body)
    assert (await handler(Request(head()))).status == 200


async def test_clients_can_be_told_apart() -> None:
    tree = {"amount": "1", "sourceCriterion": {"ipStrategy": "true"}}
    handler = wrapped(declared(InFlightReq, tree).begin(World()), slow())
    answers = [
        await handler(Request(head(client=client))) for client in ("192.0.2.1", "192.0.2.2", "192.0.2.1")
    ]
    assert [answer.status for answer in answers] == [200, 200, 429]


async def test_one_that_failed_is_over() -> None:
    handler = wrapped(declared(InFlightReq, {"amount": "1"}).begin(World()), nobody)
    for _ in range(3):
        with pytest.raises(NeverSent):
            await handler(Request(head()))


def test_an_amount_that_lets_nobody_pass_is_a_mistake() -> None:
    assert mistakes(InFlightReq, {"amount": "0"}) == ["amount is at least 1, or nobody could pass."]
