"""Several processes that serve, and one that directs: who sees it when one dies, and what each holds."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.app import BUSY, converse
from tests.integration.visitor import Visitor
from tests.processes import lives, open_files, sockets, visitors_of
from tests.program import LOOPBACK, Program, eventually

pytestmark = pytest.mark.slow

ROUTES = """\
http:
  routers:
    plain: {{rule: "Host(`plain.test`)", service: app, entrypoints: [web]}}
    secure: {{rule: "Host(`secure.test`)", service: app}}
  services: {{app: {{loadBalancer: {{servers: [{{url: "http://127.0.0.1:{port}"}}]}}}}}}
"""


@pytest.fixture
async def app() -> AsyncIterator[int]:
    """The port of a small app in this process."""
    server = await asyncio.start_server(converse, LOOPBACK, 0, backlog=1024)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def program(app: int, tmp_path: Path) -> AsyncIterator[Program]:
    """Two workers that know their routes."""
    routes = tmp_path / "routes.yaml"
    routes.write_text(ROUTES.format(port=app))
    flags = ("--docker", "off", "--acme-ca", "off", "--routes", str(routes), "--workers", "2")
    program = Program(tmp_path / "data", *flags)
    await asyncio.to_thread(program.start)
    try:
        await serving(program)
        yield program
    finally:
        await asyncio.to_thread(program.stop)


async def serving(program: Program) -> tuple[int, int]:
    """The workers' process ids, once both serve what there is to serve."""

    def both() -> Any:
        status = program.api("status")
        rows = status["workers"]
        return status["routes"] and [row["state"] for row in rows] == ["serving", "serving"] and rows

    first, second = await asyncio.to_thread(eventually, both, 60)
    return first["pid"], second["pid"]


async def replaced(program: Program, dead: int) -> int:
    """The worker that stands where another one stood."""

    def successor() -> int:
        rows = program.api("workers")
        if any(row["pid"] == dead or row["state"] != "serving" for row in rows):
            return 0
        return next(row["pid"] for row in rows if row["deaths"])

    pid: int = await asyncio.to_thread(eventually, successor, 60)
    return pid


@asynccontextmanager
async def visitors(program: Program, count: int) -> AsyncIterator[list[Visitor]]:
    """Keep-alive connections, each used once."""
    some = [Visitor(program.web, "plain.test") for _ in range(count)]
    try:
        for visitor in some:
            assert (await visitor.get()).app == "app"
        yield some
    finally:
        for visitor in some:
            visitor.close()


def own_port(visitor: Visitor) -> int:
    assert visitor.writer
    port: int = visitor.writer.get_extra_info("sockname")[1]
    return port


async def test_both_workers_serve_http_and_https(program: Program) -> None:
    pids = await serving(program)
    trust = await asyncio.to_thread(internal_trust, program)
    async with visitors(program, 40):
        secure = [Visitor(program.websecure, "secure.test", trust) for _ in range(40)]
        for visitor in secure:
            assert (await visitor.get()).app == "app"
        for port in (program.web, program.websecure):
            counts = [len(visitors_of(pid, port)) for pid in pids]
            assert sum(counts) == 40
            assert min(counts) >= 5
        shown = await asyncio.to_thread(
            eventually, lambda: (rows := program.api("workers")) and total(rows) == 80 and rows
        )
        assert [row["pid"] for row in shown] == list(pids)
        assert min(row["connections"] for row in shown) >= 10
        for visitor in secure:
            visitor.close()
    lines = await asyncio.to_thread(eventually, lambda: requests_in(program.log) == 80 and program.log)
    assert "Traceback" not in lines


def requests_in(log: str) -> int:
    return log.count('"event": "request"')


def total(rows: list[dict[str, Any]]) -> int:
    return sum(row["connections"] for row in rows)


def internal_trust(program: Program) -> ssl.SSLContext:
    root = program.data / "internal" / "root.pem"
    eventually(root.exists)
    return ssl.create_default_context(cafile=str(root))


async def test_a_killed_worker_takes_its_own_connections_along_and_no_others(program: Program) -> None:
    victim, survivor = await serving(program)
    async with visitors(program, 30) as some:
        of_survivor = visitors_of(survivor, program.web)
        staying = [visitor for visitor in some if own_port(visitor) in of_survivor]
        assert 5 <= len(staying) <= 25
        stop = asyncio.Event()
        counts = [0] * len(staying)

        async def keep_asking(number: int, visitor: Visitor) -> None:
            port = own_port(visitor)
            while not stop.is_set():
                answer = await visitor.get()
                assert (answer.status, answer.app, own_port(visitor)) == (200, "app", port)
                counts[number] += 1

        async with asyncio.TaskGroup() as load:
            for number, visitor in enumerate(staying):
                load.create_task(keep_asking(number, visitor))
            await asyncio.sleep(0.3)
            os.kill(victim, signal.SIGKILL)
            killed, at_the_kill, slowest = time.monotonic(), list(counts), 0.0
            while time.monotonic() < killed + 2:
                slowest = max(slowest, await new_connection(program))
            successor = await replaced(program, victim)
            stop.set()
    assert slowest < 10, f"a new connection waited {slowest:.2f} s"
    assert all(after > before for before, after in zip(at_the_kill, counts, strict=True))
    assert successor not in (victim, survivor)
    [said] = [line for line in program.log.splitlines() if "worker died" in line]
    assert "was killed by SIGKILL" in said


async def new_connection(program: Program) -> float:
    """Seconds until somebody new has an answer."""
    began = time.monotonic()
    async with Visitor(program.web, "plain.test") as visitor:
        assert (await visitor.get()).app == "app"
    return time.monotonic() - began


async def test_who_waits_in_the_queue_of_a_worker_that_dies_is_served_by_the_next(program: Program) -> None:
    victim, survivor = await serving(program)
    os.kill(victim, signal.SIGSTOP)
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(new_connection(program)) for _ in range(60)]
        await asyncio.sleep(0.5)
        queued = sum(not task.done() for task in waiting)
        os.kill(victim, signal.SIGKILL)
    assert queued >= 10, "nobody was in the queue, so nothing was tested"
    assert await replaced(program, victim) != survivor


async def test_a_worker_that_hangs_is_killed_and_replaced(program: Program) -> None:
    victim, survivor = await serving(program)
    async with visitors(program, 20) as some:
        of_survivor = visitors_of(survivor, program.web)
        os.kill(victim, signal.SIGSTOP)
        successor = await replaced(program, victim)
        for visitor in some:
            if own_port(visitor) in of_survivor:
                assert (await visitor.get()).app == "app"
    assert not lives(victim)
    assert lives(successor)
    assert "hung and was killed" in program.log
    await new_connection(program)


async def test_a_worker_that_dies_again_and_again_is_replaced_less_often_and_then_serves_what_is_true_by_then(
    program: Program, tmp_path: Path
) -> None:
    for _ in range(3):
        victim, _ = await serving(program)
        os.kill(victim, signal.SIGSEGV)
        await replaced(program, victim)
    waits = [line.partition('"restart_in": ')[2][:3] for line in program.log.splitlines() if "died" in line]
    assert waits == ["0.0", "0.5", "1.0"]
    (tmp_path / "routes.yaml").write_text("http: {}\n")
    await asyncio.to_thread(eventually, lambda: not program.api("routes"))
    await all_answer(program, 404)


async def all_answer(program: Program, status: int) -> None:
    """Wait until both workers do: what the parent shows is on its way to them."""
    in_a_row = 0
    async with asyncio.timeout(30):
        while in_a_row < 20:
            async with Visitor(program.web, "plain.test") as visitor:
                in_a_row = in_a_row + 1 if (await visitor.get()).status == status else 0


async def test_a_server_that_does_not_answer_is_known_whichever_worker_finds_it_out(
    app: int, program: Program, tmp_path: Path
) -> None:
    def server_state() -> str:
        [row] = program.api("services")
        return str(row["servers"][0]["state"])

    async def ask_both(status: int, state: str) -> None:
        """Until both workers have been asked, and it is known what they found."""
        await all_answer(program, status)
        await asyncio.to_thread(eventually, lambda: server_state() == state)

    with socket.socket() as silent:
        silent.bind((LOOPBACK, 0))
        (tmp_path / "routes.yaml").write_text(ROUTES.format(port=silent.getsockname()[1]))
        await asyncio.to_thread(
            eventually, lambda: str(silent.getsockname()[1]) in str(program.api("services"))
        )
        for _ in range(2):
            await ask_both(502, "connection refused")
        silent.listen()
        async with await asyncio.start_server(converse, sock=silent):
            await ask_both(200, "up")
            await asyncio.to_thread(eventually, lambda: program.log.count('"problem gone"') == 1)


async def test_no_worker_outlives_its_parent_not_even_one_that_is_stopped(program: Program) -> None:
    first, second = await serving(program)
    os.kill(first, signal.SIGSTOP)
    await asyncio.to_thread(program.kill)
    await asyncio.to_thread(eventually, lambda: not lives(first) and not lives(second))
    await asyncio.to_thread(program.start)
    await serving(program)
    await new_connection(program)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_ends_what_is_in_flight_in_all_workers_even_if_each_process_hears_of_it(
    program: Program, number: signal.Signals
) -> None:
    pids = await serving(program)
    async with visitors(program, 24) as some:
        talkers, waiters, listeners = some[:8], some[8:16], some[16:]
        for talker in talkers:
            await talker.upgrade()
            assert await talker.message(b"before") == b"before"
        for listener in listeners:
            assert listener.writer
            listener.writer.write(b"GET /endless HTTP/1.1\r\nHost: plain.test\r\n\r\n")
            await listener.head()
        assert all(visitors_of(pid, program.web) for pid in pids)
        async with asyncio.TaskGroup() as group:
            finishing = [group.create_task(waiter.get("/slow?seconds=2")) for waiter in waiters]
            async with asyncio.timeout(30):
                while sum(BUSY.values()) < len(some):
                    await asyncio.sleep(0.02)
            for pid in pids:  # as a terminal and systemd do it
                os.kill(pid, number)
            stopping = group.create_task(asyncio.to_thread(program.end, number, 30))
            goodbyes = [await talker.frame() for talker in talkers]
    assert [(opcode, payload[:2]) for opcode, payload in goodbyes] == [(8, (1001).to_bytes(2))] * 8
    assert [task.result().app for task in finishing] == ["app"] * 8
    assert stopping.result() == 0
    assert program.took_to_stop() < 9  # Docker would kill after ten
    assert not any(lives(pid) for pid in pids)
    assert "died" not in program.log
    assert requests_in(program.log) >= 24 + 8


async def test_a_second_signal_ends_everything_at_once(program: Program) -> None:
    pids = await serving(program)
    async with visitors(program, 8) as some:
        for listener in some:
            assert listener.writer
            listener.writer.write(b"GET /endless HTTP/1.1\r\nHost: plain.test\r\n\r\n")
            await listener.head()
        assert program.process
        program.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(eventually, lambda: '"stopping"' in program.log)
        assert await asyncio.to_thread(program.end, signal.SIGTERM, 6) == 128 + signal.SIGTERM
        await asyncio.to_thread(eventually, lambda: not any(map(lives, pids)))


def test_an_address_that_is_taken_is_refused_though_the_other_one_shares_its_own(tmp_path: Path) -> None:
    flags = ("--docker", "off", "--acme-ca", "off", "--workers", "2")
    with Program(tmp_path / "one", *flags) as first:
        for workers in ("1", "2"):
            second = Program(tmp_path / f"two{workers}", *flags[:-1], workers, web=first.web)
            with pytest.raises(AssertionError, match="ended with 1"):
                second.start()
            assert "another program has it" in second.log
        third = Program(tmp_path / "one", *flags)
        with pytest.raises(AssertionError, match="ended with 1"):
            third.start()
        assert "Another Tidegate is running with the data directory" in third.log


class Listening:
    """Somebody's Docker engine that says nothing, but knows who has called."""

    def __init__(self, path: Path) -> None:
        self.callers: list[int] = []
        self.path = path

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        credentials = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        self.callers.append(struct.unpack("3i", credentials)[0])
        await reader.read()
        writer.close()


async def test_a_worker_holds_neither_the_engine_nor_a_file_of_the_data_directory(tmp_path: Path) -> None:
    engine = Listening(tmp_path / "docker.sock")
    server = await asyncio.start_unix_server(engine, str(engine.path))
    secret = {"TIDEGATE_ACME_EAB_KID": "kid", "TIDEGATE_ACME_EAB_HMAC": "c2VjcmV0"}
    flags = ("--docker", f"unix://{engine.path}", "--acme-ca", "off", "--workers", "2")
    program = Program(tmp_path / "data", *flags, settings=secret)
    await asyncio.to_thread(program.start)
    try:
        assert program.process
        rows = await asyncio.to_thread(
            eventually,
            lambda: (r := program.api("workers")) and all(w["state"] == "serving" for w in r) and r,
        )
        await asyncio.to_thread(eventually, lambda: engine.callers)
        assert set(engine.callers) == {program.process.pid}
        for row in rows:
            names = open_files(row["pid"])
            assert not [name for name in names if str(tmp_path) in name and not name.endswith(".log")]
            unix = unix_sockets() & sockets(row["pid"])
            assert len(unix) == 4, "the channel, the log, and the pair by which a loop wakes itself"
            environment = Path(f"/proc/{row['pid']}/environ").read_bytes()
            assert b"TIDEGATE_" not in environment
            assert b"c2VjcmV0" not in environment
            assert b"NoNewPrivs:\t1" in Path(f"/proc/{row['pid']}/status").read_bytes()
        assert b"c2VjcmV0" in Path(f"/proc/{program.process.pid}/environ").read_bytes()
    finally:
        server.close()
        await asyncio.to_thread(program.stop)


def unix_sockets() -> set[str]:
    return {line.split()[6] for line in Path("/proc/net/unix").read_text().splitlines()[1:]}


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Program]:
    with Program(tmp_path / "data", "--docker", "off", "--acme-ca", "off") as program:
        yield program


def test_without_workers_there_is_one_process(alone: Program) -> None:
    assert alone.process
    pid = alone.process.pid
    assert alone.api("workers") == []
    assert Path(f"/proc/{pid}/task/{pid}/children").read_text() == ""
