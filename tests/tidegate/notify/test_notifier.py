import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import structlog

from acme_client.events import Failed, Obtained
from acme_client.host import HostStatus
from tests.program import ROOT, Program, eventually, free_port
from tests.tidegate.notify.servers import taking
from tidegate.notify import notifier as module
from tidegate.notify.message import NotSent
from tidegate.notify.notifier import Notifier
from tidegate.notify.targets import read_target

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
HOOK = read_target("https://hook.example/TOKEN")


def failed(host):
    return Failed(host, "It has no address.", "", NOW + timedelta(hours=1), "validation")


class Stage:
    def __init__(self, data, carry=None, hosts=()):
        self.sent, self.now = [], NOW
        carry = carry or (lambda target, message: self.sent.append(message))
        self.notifier = Notifier(
            [HOOK], data, lambda: hosts, lambda: self.now, gather=0.05, pause=0.05, carry=carry
        )

    @asynccontextmanager
    async def running(self):
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.notifier.run())
            try:
                yield self
            finally:
                task.cancel()

    async def eventually(self, claim):
        async with asyncio.timeout(30):
            while not claim():
                await asyncio.sleep(0.01)


async def test_hosts_that_fail_together_are_one_message_and_the_same_is_not_told_again(tmp_path):
    stage = Stage(tmp_path)
    async with stage.running():
        for name in ("a.test", "b.test", "a.test"):
            stage.notifier.hear(failed(name))
        await stage.eventually(lambda: stage.sent)
        stage.notifier.hear(failed("a.test"))
        stage.notifier.hear(failed("c.test"))
        await stage.eventually(lambda: len(stage.sent) == 2)
    first, second = stage.sent
    assert first.title == "Tidegate: 2 things need a look"
    assert second.title == "Tidegate: no new certificate: c.test"
    again = Stage(tmp_path)
    async with again.running():  # after a restart
        again.notifier.hear(failed("a.test"))
        again.notifier.hear(failed("d.test"))
        await again.eventually(lambda: again.sent)
    assert again.sent[0].title == "Tidegate: no new certificate: d.test"


async def test_what_is_over_before_it_was_told_is_not_told(tmp_path):
    stage = Stage(tmp_path)
    async with stage.running():
        stage.notifier.hear(failed("a.test"))
        stage.notifier.hear(Obtained("a.test", "R11", NOW + timedelta(days=90), NOW))
        stage.notifier.hear(failed("b.test"))
        await stage.eventually(lambda: stage.sent)
        stage.notifier.hear(Obtained("b.test", "R11", NOW + timedelta(days=90), NOW))
        await stage.eventually(lambda: len(stage.sent) == 2)
    assert [each.title for each in stage.sent] == [
        "Tidegate: no new certificate: b.test",
        "Tidegate: Back to normal",
    ]


async def test_a_target_that_does_not_take_it_is_tried_again_and_harms_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "AGAIN", (0.05, 0.05))
    tries = []

    def carry(target, message):
        tries.append(message)
        if len(tries) == 1:
            raise NotSent("it answers 500")
        if len(tries) == 2:
            raise RuntimeError("https://hook.example/TOKEN is broken")

    stage = Stage(tmp_path, carry)
    with structlog.testing.capture_logs() as logs:
        async with stage.running():
            stage.notifier.hear(failed("a.test"))
            await stage.eventually(lambda: len(tries) == 3)
            await stage.eventually(lambda: any(line["event"] == "notified" for line in logs))
    assert [line["event"] for line in logs] == ["not notified", "notified"]
    assert "TOKEN" not in str(logs)


def refuse(target, message):
    raise NotSent("it answers 500")


async def test_what_nobody_has_taken_is_told_after_a_restart(tmp_path):
    stage = Stage(tmp_path, refuse)
    async with stage.running():
        stage.notifier.hear(failed("a.test"))
        await stage.eventually(lambda: stage.notifier._unsent)
    again = Stage(tmp_path)
    async with again.running():
        again.notifier.hear(failed("a.test"))
        await again.eventually(lambda: again.sent)
        await again.eventually((tmp_path / "notified.json").exists)
    assert again.sent[0].title == "Tidegate: no new certificate: a.test"


async def test_what_one_of_two_messages_told_is_remembered_without_the_other(tmp_path):
    sent = []

    def carry(target, message):
        if "a.test" in message.title:
            refuse(target, message)
        sent.append(message)

    stage = Stage(tmp_path, carry)
    async with stage.running():
        stage.notifier.hear(failed("a.test"))
        await stage.eventually(lambda: stage.notifier._unsent)
        for name in ("a.test", "b.test"):  # the first waits to be sent again
            stage.notifier.hear(failed(name))
        await stage.eventually(lambda: sent)
        await stage.eventually((tmp_path / "notified.json").exists)
    assert [each.title for each in sent] == ["Tidegate: no new certificate: b.test"]
    again = Stage(tmp_path)
    async with again.running():
        for name in ("a.test", "b.test"):
            again.notifier.hear(failed(name))
        await again.eventually(lambda: again.sent)
    assert again.sent[0].title == "Tidegate: no new certificate: a.test"


async def test_what_was_given_up_is_told_when_it_is_heard_of_again(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "AGAIN", (0.02,))
    tries = []

    def carry(target, message):
        tries.append(message)
        if len(tries) <= 2:
            refuse(target, message)

    stage = Stage(tmp_path, carry)
    async with stage.running():
        stage.notifier.hear(failed("a.test"))
        await stage.eventually(lambda: len(tries) == 2 and not stage.notifier._untold)
        stage.notifier.hear(failed("a.test"))
        await stage.eventually(lambda: len(tries) == 3)


async def test_a_target_that_hangs_holds_nothing_up(tmp_path):
    stage = Stage(tmp_path, lambda *_: time.sleep(6))
    async with stage.running():
        stage.notifier.hear(failed("a.test"))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        stage.notifier.hear(failed("b.test"))
    assert time.monotonic() - began < 4


async def test_ages_are_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FIRST_AGES", 0.05)
    old = HostStatus("a.test", "active", "R11", NOW + timedelta(days=5), NOW - timedelta(days=20), serial="1")
    stage = Stage(tmp_path, hosts=[old])
    async with stage.running():
        await stage.eventually(lambda: stage.sent)
    assert stage.sent[0].text == "The certificate for a.test runs out on 2027-03-06 12:00 UTC, in 5 days."


ROUTES = """
http:
  routers:
    blog: {rule: Host(`blog.example.test`), service: app}
  services:
    app: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}
"""


def test_the_program_tells_its_owner_and_its_log_no_secret(tmp_path):
    (tmp_path / "routes.yaml").write_text(ROUTES)
    with taking() as inbox:
        (tmp_path / "notify").write_text(f"http://me:s3cret@127.0.0.1:{inbox.port}/TOKEN\n")
        ca = f"https://127.0.0.1:{free_port()}/dir"
        flags = ("--docker", "off", "--routes", str(tmp_path / "routes.yaml"), "--acme-ca", ca)
        with Program(
            tmp_path / "data", *flags, settings={"TIDEGATE_NOTIFY_FILE": str(tmp_path / "notify")}
        ) as program:
            [message] = eventually(lambda: inbox.messages, within=30)
            assert message["title"] == f"Tidegate: an authority is out of order: {ca}"
            said = eventually(lambda: "notified" in program.log and program.log)
            assert "s3cret" not in said and "TOKEN" not in said
            command = [sys.executable, "-m", "tidegate", "notify", "test"]
            more = {"cwd": ROOT, "env": program.environment, "capture_output": True, "text": True}
            ran = subprocess.run(command, check=True, **more)
            assert ran.stdout == f"http://127.0.0.1:{inbox.port}: told.\n"
            assert inbox.messages[-1]["title"] == "Tidegate: a test"
            inbox.status = 403
            ran = subprocess.run(command, check=False, **more)
            assert (ran.returncode, ran.stderr) == (
                1,
                f"http://127.0.0.1:{inbox.port}: not told: it answers 403 (wrong password or token?).\n",
            )
