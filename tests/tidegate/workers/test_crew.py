"""The parent's side, before workers that misbehave: real processes, but not the real program."""

import asyncio
import subprocess
import sys
import textwrap
from asyncio.subprocess import DEVNULL
from contextlib import asynccontextmanager

import pytest
import structlog

from proxy.listening import CannotListen, Listener
from proxy.model import Router, RoutingConfig, Server, Service
from proxy.table import Entrypoint
from proxy.tls import KeyPair
from tests.program import ROOT
from tidegate.logs import Outlet
from tidegate.reachability import Reachability
from tidegate.serving import Setup
from tidegate.workers import post
from tidegate.workers.crew import Crew
from tidegate.workers.process import environment
from tidegate.workers.reports import LONGEST

GOOD = """
    while (order := receive_order(channel)) is not None:
        match order:
            case Open():
                say(Ready())
            case Show(serial, _, _):
                say(Shown(serial))
            case Stop():
                sys.exit(0)
            case Learn(server, failure):
                print("learnt", server.url, failure, file=sys.stderr, flush=True)
"""
PRELUDE = """
    import json, socket, sys, time
    from tidegate.workers.orders import *
    from tidegate.workers.orders import receive_order
    from tidegate.workers.reports import *
    from tidegate.workers.reports import line_of
    channel = socket.socket(fileno=int(sys.argv[1]))
    def say(report):
        channel.sendall(line_of(report))
"""
SERVER = Server("4f5e", "10.1.2.3", 80)
CONFIG = RoutingConfig(
    {"a@file": Router("a@file", "Host(`a.test`)", "a@file")}, {"a@file": Service("a@file", (SERVER,))}
)


class Scene:
    """A crew whose workers run the scripts that are given, the last one for all that follow."""

    def __init__(self, monkeypatch, size: int) -> None:
        self.scripts: list[str] = []
        self.refused: list[tuple[str, str]] = []
        self.log: list[str] = []
        self.changes: list[tuple[Server, str]] = []
        monkeypatch.setattr(post, "start", self._start)
        monkeypatch.setattr(post, "SILENT", 10**6)  # these workers have little to say, and some start slowly
        self.crew = Crew(
            size,
            Setup((Listener("web", "127.0.0.1", 0),)),
            log_level="info",
            log=Outlet(lambda record: None, self.log.append, console=False),
            reachability=Reachability(lambda *change: self.changes.append(change)),
            refused=lambda *what: self.refused.append(what),
        )

    async def _start(self, channel, log_end, sockets):
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        code = textwrap.dedent(PRELUDE) + textwrap.dedent(script)
        inherited = (channel.fileno(), *(sock.fileno() for sock in sockets))
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, str(channel.fileno())),
            stdin=DEVNULL, stdout=DEVNULL, stderr=log_end, pass_fds=inherited,
            env=environment(), cwd=ROOT,
        )  # fmt: skip

    @asynccontextmanager
    async def playing(self, *scripts: str):
        self.scripts = list(scripts)
        with structlog.testing.capture_logs() as self.events:
            await self.crew.open()
            try:
                yield self
            finally:
                await self.crew.stop(3.0)

    async def eventually(self, claim, within: float = 60.0) -> None:
        async with asyncio.timeout(within):
            while not claim():
                await asyncio.sleep(0.01)

    async def all_serve(self) -> None:
        await self.eventually(lambda: all(each.state == "serving" for each in self.crew.workers))

    def ends(self) -> list[str]:
        return [event["end"] for event in self.events if event["event"] == "worker died"]


@pytest.fixture
def scene(monkeypatch):
    return Scene(monkeypatch, 2)


@pytest.mark.parametrize(
    "bad",
    [
        r"b'hello\n'",
        r"b'{\"report\": \"Alive\", \"connections\": \"many\"}\n'",
        rf"b'x' * {LONGEST * 4}",
        rf"b'[' * {LONGEST - 1} + b'\n'",
        r"b'\x80\x04\x95cposix\nsystem\n.'" + r" + b'\n'",
    ],
)
async def test_a_worker_that_says_what_none_says_is_killed_and_replaced(scene, bad):
    async with scene.playing(f"channel.sendall({bad}); time.sleep(60)", GOOD):
        await scene.all_serve()
    [end] = scene.ends()
    assert end.startswith("said what no worker says")
    assert end.endswith("and was killed")
    assert sum(worker.deaths for worker in scene.crew.workers) == 1


@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("sys.exit(3)", "ended by itself with status 3"),
        ("import os; os.kill(os.getpid(), 11)", "was killed by SIGSEGV"),
    ],
)
async def test_how_a_worker_ended_is_said(scene, script, end):
    async with scene.playing(script, GOOD):
        await scene.all_serve()
    assert scene.ends() == [end]


async def test_a_process_that_a_dead_worker_left_behind_does_not_keep_its_post_empty(scene, tmp_path):
    left_behind = f"""
        import os, pathlib
        print("last words", file=sys.stderr, flush=True)
        if (child := os.fork()) == 0:
            time.sleep(60)
        pathlib.Path({str(tmp_path / "child")!r}).write_text(str(child))
        os._exit(4)
    """
    async with scene.playing(left_behind, GOOD):
        await scene.all_serve()
        subprocess.run(["kill", (tmp_path / "child").read_text()], check=True)
    assert scene.ends() == ["ended by itself with status 4"]
    assert scene.log == ["last words"]


async def test_a_worker_that_cannot_be_started_is_tried_again(scene, monkeypatch):
    real, tries = scene._start, []

    async def start(*inherited):
        tries.append(1)
        if len(tries) == 1:
            raise OSError(11, "Resource temporarily unavailable")
        return await real(*inherited)

    monkeypatch.setattr(post, "start", start)
    async with scene.playing(GOOD):
        await scene.all_serve()
    assert scene.ends() == ["could not be started: Resource temporarily unavailable"]


async def test_a_worker_that_says_nothing_any_more_is_killed(scene, monkeypatch):
    monkeypatch.setattr(post, "LOOK", 0.05)
    monkeypatch.setattr(post, "SILENT", 5)
    monkeypatch.setattr(post, "STARTING", 400)
    async with scene.playing("say(Ready()); time.sleep(60)"):
        await scene.eventually(lambda: len(scene.ends()) >= 2)
    assert scene.ends()[:2] == ["hung and was killed"] * 2


async def test_answers_are_shown_when_every_worker_says_so_whatever_becomes_of_one(scene, tmp_path):
    go = tmp_path / "go"
    slow = GOOD.replace(
        "say(Shown(serial))",
        f"""
                import os
                while serial and not os.path.exists({str(go)!r}):
                    time.sleep(0.01)
                say(Shown(serial))
        """.strip(),
    )
    async with scene.playing(slow, slow, GOOD):
        await scene.all_serve()
        shown = scene.crew.show({"/token": b"answer"})
        withdrawn = scene.crew.show({})
        await asyncio.sleep(0.3)
        assert not shown.done()
        for worker in scene.crew.workers[:1]:
            subprocess.run(["kill", "-9", str(worker.pid)], check=True)
        await scene.eventually(lambda: len(scene.ends()) == 1)
        await scene.all_serve()
        assert not shown.done(), "the other one has not said so yet"
        go.touch()
        await asyncio.wait_for(shown, 60)
        await asyncio.wait_for(withdrawn, 60)
        await asyncio.wait_for(scene.crew.show({"/other": b"answer"}), 60)


async def test_what_one_worker_finds_out_about_a_server_all_get_to_know_and_nothing_of_strange_servers(scene):
    finding = 'say(Tried("4f5e", "http://10.1.2.3:80", "no route"))'
    lying = 'say(Tried("4f5e", "http://10.1.2.3:81", "no route"))'
    first = GOOD.replace(
        "case Show(", f"case Serve():\n                {lying}; {finding}\n            case Show("
    )
    async with scene.playing(first, GOOD):
        await scene.all_serve()
        scene.crew.serve(scene.crew.prepare(CONFIG, [Entrypoint("web")]))
        await scene.eventually(lambda: scene.changes)
        told = "learnt http://10.1.2.3:80 no route"
        await scene.eventually(lambda: scene.log.count(told) == 2)
    assert scene.changes == [(SERVER, "no route")]


async def test_a_certificate_that_no_worker_can_use_is_told_once_each_time_it_is_published(scene):
    saying = 'say(Refused("a.test", "no start line")); say(Refused("b.test", "never heard of"))'
    refusing = GOOD.replace(
        "case Show(", f"case Certify():\n                {saying}\n            case Show("
    )
    async with scene.playing(refusing):
        await scene.all_serve()
        for _ in range(2):
            scene.refused.clear()
            scene.crew.certify({"a.test": KeyPair(b"", b"")}, KeyPair(b"", b""))
            await asyncio.wait_for(scene.crew.show({}), 60)  # reports come in their order
            assert scene.refused == [("a.test", "no start line")]


async def test_where_an_address_cannot_be_had_no_worker_starts(scene, monkeypatch):
    scene.crew._setup = Setup((Listener("web", "192.0.2.1", 80),))
    with pytest.raises(CannotListen):
        await scene.crew.open()
    assert scene.crew.workers == ()


def test_a_worker_gets_the_variables_of_its_parent_without_our_settings(monkeypatch):
    monkeypatch.setenv("TIDEGATE_ACME_EAB_HMAC", "secret")
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.setattr(sys, "path", ["", "/somewhere"])
    names = environment()
    assert names["TZ"] == "Europe/Berlin"
    assert names["PYTHONPATH"].endswith(":/somewhere")
    assert not names["PYTHONPATH"].startswith(":")
    assert not [name for name in names if name.startswith(("TIDEGATE_", "DOCKER_"))]


@pytest.mark.parametrize("steps", range(8))
async def test_a_stop_while_workers_start_is_no_fault_and_ends(scene, steps):
    async with asyncio.timeout(60), scene.playing(GOOD):
        for _ in range(steps):
            await asyncio.sleep(0)
    assert [event for event in scene.events if event["log_level"] in ("error", "critical")] == []
