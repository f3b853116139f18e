"""Instances on one storage that show each other's proofs: what crosses the board, and what does not."""

import asyncio
import json
import subprocess
import sys

import pytest

from acme_client.challenges import neighbours
from acme_client.challenges.board import PAUSE, TRIES, Board, Wanted
from acme_client.challenges.http01 import HTTP01, PREFIX
from acme_client.challenges.neighbours import Neighbours, Shared
from acme_client.challenges.proof import Proof
from acme_client.challenges.tlsalpn01 import TLSALPN01
from acme_client.disk import wait_for_lock
from acme_client.worker import Worker

TOKEN, THUMBPRINT = "t" * 43, "h" * 43
PROOF = Proof("blog.example.com", TOKEN, f"{TOKEN}.{THUMBPRINT}")
HTTP, TLS = Wanted("http-01", PROOF), Wanted("tls-alpn-01", PROOF)


class Instance:
    def __init__(self, folder):
        self.http01, self.tlsalpn01 = HTTP01(), TLSALPN01()
        here = (self.http01, self.tlsalpn01)
        self.neighbours = Neighbours(Board(folder), Worker("storage", 1), here)
        self.shared = {each.type: Shared(each, self.neighbours) for each in here}
        self.certificates = {}

        self.tlsalpn01.on_change = self.changed

    def changed(self, shown):
        self.certificates = dict(shown)
        done = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def answer(self):
        return self.http01.answer(PREFIX + TOKEN)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    for name, seconds in (("TOGETHER", 0.02), ("ALONE", 0.05), ("ASKING", 0.01)):
        monkeypatch.setattr(neighbours, name, seconds)


def on_the_board(folder):
    try:
        return json.loads((folder / ".board.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}  # it is being written


async def eventually(claim):
    async with asyncio.timeout(30):
        while not claim():
            await asyncio.sleep(0.01)


async def test_a_proof_is_shown_by_all_before_the_ca_is_told_and_by_none_afterwards(tmp_path):
    first, second, third = (Instance(tmp_path) for _ in range(3))
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.neighbours.run()) for each in (first, second, third)]
        await eventually(lambda: len(on_the_board(tmp_path)) == 3)
        async with first.shared["http-01"].show(PROOF):
            assert [each.answer() for each in (first, second, third)] == [
                PROOF.key_authorization.encode()
            ] * 3
        await eventually(lambda: [each.answer() for each in (first, second, third)] == [None] * 3)
        async with second.shared["tls-alpn-01"].show(PROOF):
            assert [list(each.certificates) for each in (first, second, third)] == [[PROOF.host]] * 3
        await eventually(lambda: first.certificates == third.certificates == {})
        for task in running:
            task.cancel()


async def test_alone_nothing_is_written_of_a_proof_and_nothing_waited_for(tmp_path):
    only = Instance(tmp_path)
    async with only.shared["http-01"].show(PROOF):
        assert TOKEN not in await asyncio.to_thread((tmp_path / ".board.json").read_text)


LIFE = """
import sys
from pathlib import Path
from acme_client.challenges.board import Board, Wanted
from acme_client.challenges.proof import Proof
board = Board(Path(sys.argv[1]))
board.exchange((), ())
print("there", flush=True)
sys.stdin.readline()
proof = Proof("blog.example.com", "t" * 43, "t" * 43 + "." + "h" * 43)
board.exchange((Wanted("http-01", proof),), ())
print("asked", flush=True)
sys.stdin.read()
"""


def test_one_that_was_killed_asks_no_longer_and_is_not_waited_for(tmp_path):
    board = Board(tmp_path)
    life = subprocess.Popen(
        [sys.executable, "-c", LIFE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert life.stdout.readline() == "there\n"
    assert board.exchange((), ()).count == 1
    life.stdin.write("go on\n")
    life.stdin.flush()
    assert life.stdout.readline() == "asked\n"
    assert board.exchange((), ()).ask == {HTTP}
    life.kill()
    life.communicate()
    others = board.exchange((HTTP,), ())
    assert (others.count, others.ask) == (0, frozenset())
    assert len(list(tmp_path.glob(".instance-*"))) == 1


@pytest.mark.parametrize("kind", ["http-01", "tls-alpn-01"])
async def test_an_order_that_goes_on_here_keeps_its_proof_when_the_one_before_is_gone(tmp_path, kind):
    other, only = Board(tmp_path), Instance(tmp_path)
    await asyncio.to_thread(other.exchange, (), ())
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(only.neighbours.run())
        await eventually(lambda: len(on_the_board(tmp_path)) == 2)
        await asyncio.to_thread(other.exchange, (Wanted(kind, PROOF),), ())
        await eventually(lambda: only.answer() or only.certificates)
        async with only.shared[kind].show(PROOF):  # the same account and order, so the same token
            other.leave()
            await eventually(lambda: len(on_the_board(tmp_path)) == 1)
            await asyncio.sleep(0.2)  # it has looked at the board meanwhile
            assert only.answer() or only.certificates
        await eventually(lambda: not only.answer() and not only.certificates)
        running.cancel()


async def test_one_that_lives_and_does_not_answer_is_waited_for_a_while_only(tmp_path, monkeypatch):
    monkeypatch.setattr(neighbours, "PATIENCE", 0.2)
    hung = Board(tmp_path)
    await asyncio.to_thread(hung.exchange, (), ())
    only = Instance(tmp_path)
    async with asyncio.timeout(30), only.shared["http-01"].show(PROOF):
        assert only.answer()


def wanted(**more):
    values = {"kind": "http-01", "host": PROOF.host, "token": TOKEN, "answer": PROOF.key_authorization}
    return values | more


@pytest.mark.parametrize(
    "asked",
    [
        [wanted(token="../../../../etc/passwd", answer=f"../../../../etc/passwd.{THUMBPRINT}")],
        [wanted(token="short", answer=f"short.{THUMBPRINT}")],
        [wanted(answer=f"{TOKEN}.<script>")],
        [wanted(answer=f"{'x' * 43}.{THUMBPRINT}")],
        [wanted(answer=f"{TOKEN}.{THUMBPRINT}\n")],
        [wanted(host="../blog")],
        [wanted(host="BLOG.example.com")],
        [wanted(host=7, token=None)],
        ["junk", 7, None, []],
        {"kind": "http-01"},
    ],
)
def test_what_is_no_key_authorization_is_shown_by_nobody(tmp_path, asked):
    other = Board(tmp_path)
    other.exchange((), ())
    document = {other._name: {"asks": asked, "shows": [TOKEN, 7]}}
    (tmp_path / ".board.json").write_text(json.dumps(document))
    others = Board(tmp_path).exchange((), ())
    assert (others.count, others.ask, others.show) == (1, frozenset(), {TOKEN})


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"../../x": {}, "0": 1}', "[" * 100_000])
def test_a_damaged_board_is_a_clean_one(tmp_path, text):
    (tmp_path / ".board.json").write_text(text)
    board, other = Board(tmp_path), Board(tmp_path)
    assert board.exchange((), ()).count == 0
    assert other.exchange((HTTP,), ()).count == 1
    assert board.exchange((), ()).ask == {HTTP}


def test_a_board_that_is_somebody_elses_file_is_neither_read_nor_written(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("{}")
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / ".board.json").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        Board(folder).exchange((), ())
    assert secret.read_text() == "{}"


async def test_a_storage_that_takes_nothing_stops_no_instance(tmp_path, monkeypatch):
    monkeypatch.setattr(neighbours, "PATIENCE", 0.2)
    (tmp_path / "file").write_text("")
    only = Instance(tmp_path / "file")
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(only.neighbours.run())
        async with only.shared["http-01"].show(PROOF):
            assert only.answer()
        await asyncio.sleep(0.1)
        assert not task.done()
        task.cancel()


async def test_who_has_the_board_in_hands_for_long_does_not_let_the_ca_look_before_all_show_the_proof(
    tmp_path,
):
    first, second = Instance(tmp_path), Instance(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.neighbours.run()) for each in (first, second)]
        await eventually(lambda: len(on_the_board(tmp_path)) == 2)
        for each in (first, second):  # who was here first has heard that it is alone
            while not (others := await each.neighbours._exchange()) or not others.count:
                await asyncio.sleep(0.01)
        held = await asyncio.to_thread(wait_for_lock, tmp_path / ".board.json")
        asyncio.get_running_loop().call_later(2 * TRIES * PAUSE, held.close)
        async with first.shared["http-01"].show(PROOF):
            assert second.answer() == PROOF.key_authorization.encode()
        for task in running:
            task.cancel()


async def test_who_has_not_heard_yet_whether_there_are_others_waits_to_hear_it(tmp_path):
    late, other = Instance(tmp_path), Instance(tmp_path)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(other.neighbours.run())
        await eventually(lambda: on_the_board(tmp_path))
        held = await asyncio.to_thread(wait_for_lock, tmp_path / ".board.json")
        asyncio.get_running_loop().call_later(2 * TRIES * PAUSE, held.close)
        async with late.shared["http-01"].show(PROOF):
            assert other.answer() == PROOF.key_authorization.encode()
        running.cancel()


async def test_one_that_is_paused_with_the_board_in_its_hands_holds_nobody_up_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr(neighbours, "PATIENCE", 1.0)
    other, only = Board(tmp_path), Instance(tmp_path)
    await asyncio.to_thread(other.exchange, (HTTP,), ())
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(only.neighbours.run())
        await eventually(lambda: len(on_the_board(tmp_path)) == 2)
        await asyncio.to_thread(other.exchange, (HTTP,), ())  # it had nobody to ask before
        await eventually(only.answer)
        with await asyncio.to_thread(wait_for_lock, tmp_path / ".board.json"):
            async with asyncio.timeout(30), only.shared["tls-alpn-01"].show(PROOF):
                assert list(only.certificates) == [PROOF.host]
                assert only.answer()  # nobody has said that it is not wanted any more
        await asyncio.to_thread(other.leave)
        await eventually(lambda: not only.answer())
        running.cancel()
