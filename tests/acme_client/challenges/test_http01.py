import asyncio

import pytest

from acme_client.challenges.http01 import HTTP01
from acme_client.challenges.proof import Proof

PATH = "/.well-known/acme-challenge/"

PROOF = Proof("blog.example.com", "token", "token.thumb")


async def test_an_answer_is_given_only_while_its_challenge_is_open():
    http01 = HTTP01()
    async with http01.show(PROOF):
        assert http01.answer(PATH + "token") == b"token.thumb"
    assert http01.answer(PATH + "token") is None


async def test_an_answer_goes_when_the_order_fails():
    http01 = HTTP01()
    with pytest.raises(RuntimeError):
        async with http01.show(PROOF):
            raise RuntimeError
    assert http01.answer(PATH + "token") is None


@pytest.mark.parametrize(
    "path",
    ["", "/", "/token", PATH, PATH + "toke", PATH + "token/", PATH + "../token", PATH.upper() + "token"],
)
async def test_any_other_path_belongs_to_the_app(path):
    http01 = HTTP01()
    async with http01.show(PROOF):
        assert http01.answer(path) is None


async def test_nobody_is_told_to_ask_before_the_answer_is_given_everywhere():
    http01, told = HTTP01(), []
    everywhere = asyncio.get_running_loop().create_future()

    def spread(answers):
        told.append(answers)
        return everywhere

    http01.on_change = spread
    asked = []

    async def order():
        async with http01.show(PROOF):
            asked.append("the CA")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(order())
        await asyncio.sleep(0)
        assert (told, asked) == ([{PATH + "token": b"token.thumb"}], [])
        everywhere.set_result(None)
    assert (told[1:], asked) == ([{}], ["the CA"])
