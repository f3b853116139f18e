import asyncio

from tidegate.workers import relay
from tidegate.workers.relay import LONGEST


async def written(*pieces: bytes) -> list[str]:
    stream, lines = asyncio.StreamReader(), []

    async def feed() -> None:
        for piece in pieces:
            stream.feed_data(piece)
            await asyncio.sleep(0)
        stream.feed_eof()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(feed())
        await relay.relay(stream, lines.append)
    return lines


async def test_lines_stay_whole_wherever_they_are_cut():
    assert await written(b"one\ntw", b"o\n", b"\nthr", b"ee") == ["one", "two", "", "three"]


async def test_a_line_gives_no_orders_to_a_terminal_and_need_not_be_text():
    assert await written(b"\x1b[31mred\xff\xe2\x80\xae\n") == [r"\x1b[31mred\xff\u202e"]


async def test_a_line_without_an_end_is_not_held_for_ever():
    lines = await written(*[b"x" * 60_000] * 10)
    assert "".join(lines) == "x" * 600_000
    assert max(map(len, lines)) <= LONGEST + 64 * 1024
