"""DNS-01 against a real CA and a real DNS server that takes signed updates."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from acme_client import events
from acme_client.authority import Authority
from acme_client.challenges.dns01 import DNS01, Checking
from acme_client.dns.choosing import choose_provider
from acme_client.dns.journal import Journal, Record
from acme_client.dns.lookup import Lookup
from acme_client.manager import Manager
from tests.caddy import Caddy
from tests.integration.acme.conftest import Gate
from tests.integration.acme.test_pebble import verify
from tests.knot import Knot
from tests.nameserver import Nameserver, find
from tests.pebble import Pebble

pytestmark = pytest.mark.acme

ZONE, PROOFS = "example.test", "proofs.test"
APEX, WILDCARD, BLOG = ZONE, f"*.{ZONE}", f"blog.{ZONE}"
DELEGATED = "delegated.example.test"
MORE = {ZONE: f"_acme-challenge.delegated IN CNAME there.{PROOFS}.\n"}


@pytest.fixture
def nameserver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Nameserver]:
    kind = getattr(request, "param", Nameserver)
    if find(kind.program) is None:
        pytest.skip(f"{kind.program} is not installed: run scripts/nameservers")
    with kind(tmp_path / kind.program, ZONE, PROOFS, more=MORE) as server:
        yield server


at_either = pytest.mark.parametrize(
    "nameserver", (Nameserver, Knot), indirect=True, ids=lambda kind: kind.program
)


class DNSGate(Gate):
    """A manager that has nothing but the DNS to prove a name by."""

    def __init__(
        self, data: Path, ca: Pebble | Caddy, server: Nameserver, provider: Any = None, **settings: Any
    ) -> None:
        super().__init__(data, ca)
        self.provider = provider or choose_provider("rfc2136", credentials(server), data)
        checking = Checking(settings.pop("check", True))
        self.dns01 = DNS01(
            self.provider,
            Journal(data / "dns" / "records"),
            self.said.append,
            checking=checking,
            lookup=lambda: Lookup([server.address], server.port),
        )
        authority = Authority(ca.directory_url, bundle=ca.ca_bundle, dns="yes", **settings)
        self.manager = Manager(data, authority, self._publish, self.said.append, dns01=self.dns01)


def credentials(server: Nameserver) -> dict[str, str]:
    return {
        "RFC2136_NAMESERVER": server.address,
        "RFC2136_TSIG_KEY": server.key.name,
        "RFC2136_TSIG_SECRET": server.key.secret,
    }


@pytest.fixture
def ca(pebble: Callable[..., Pebble], nameserver: Nameserver) -> Pebble:
    return pebble(dns=nameserver.port, sleep=0, reuse=0)


@at_either
async def test_a_wildcard_and_its_apex_are_certified_at_once_and_nothing_of_ours_is_left(
    ca: Pebble, nameserver: Nameserver, tmp_path: Path
) -> None:
    tidegate = DNSGate(tmp_path / "data", ca, nameserver)
    await asyncio.to_thread(tidegate.provider.present, ZONE, f"_acme-challenge.{ZONE}", "somebody else's")
    tidegate.want(APEX, WILDCARD, BLOG, f"shop.{ZONE}", f"a.b.{ZONE}")
    async with tidegate.running():
        await tidegate.active((APEX, WILDCARD, BLOG, f"a.b.{ZONE}"))
        await tidegate.eventually(lambda: not list((tmp_path / "data/dns/records").glob("*.json")))
    root = await asyncio.to_thread(ca.issuing_root)
    verify(tidegate.served[WILDCARD], root, BLOG)
    verify(tidegate.served[APEX], root, APEX)
    assert sorted(tidegate.served) == [WILDCARD, f"a.b.{ZONE}", APEX]
    assert {event.host for event in tidegate.told(events.Ordering)} == {APEX, WILDCARD, f"a.b.{ZONE}"}
    assert await asyncio.to_thread(nameserver.txt, f"_acme-challenge.{ZONE}") == ["somebody else's"]
    assert tidegate.told(events.Failed) + tidegate.told(events.RecordLeft) == []


async def test_another_ca_certifies_a_wildcard_in_the_same_way(
    caddy: Callable[..., Caddy], nameserver: Nameserver, tmp_path: Path
) -> None:
    ca = await asyncio.to_thread(caddy, resolver=nameserver.address)
    tidegate = DNSGate(tmp_path / "data", ca, nameserver)
    tidegate.want(APEX, WILDCARD)
    async with tidegate.running():
        await tidegate.active((APEX, WILDCARD))
    verify(tidegate.served[WILDCARD], ca.issuing_root(), BLOG)
    assert tidegate.told(events.Failed) == []


async def test_a_cname_leads_to_the_zone_that_is_written_to(
    ca: Pebble, nameserver: Nameserver, tmp_path: Path
) -> None:
    tidegate = DNSGate(tmp_path / "data", ca, nameserver)
    tidegate.want(DELEGATED)
    async with tidegate.running():
        await tidegate.active((DELEGATED,))
        await tidegate.eventually(lambda: not list((tmp_path / "data/dns/records").glob("*.json")))
    assert f"updating zone '{PROOFS}/IN'" in nameserver.log
    assert f"updating zone '{ZONE}/IN'" not in nameserver.log


LIFE = """
import sys, asyncio
from pathlib import Path
from tests.integration.acme.test_dns01 import *
from tests.nameserver import Nameserver
data, directory, bundle, port = sys.argv[1:]
server = Nameserver(Path(data))
server.port = int(port)
class Slow:
    name, holds_one = "rfc2136", False
    def __init__(self, provider): self.provider = provider
    def present(self, *record):
        self.provider.present(*record)
        print("present", flush=True)
        sys.stdin.read()  # until we are killed
class CA:
    directory_url, ca_bundle, http_port, address = directory, Path(bundle), 0, "127.0.0.1"
gate = DNSGate(Path(data), CA, server, Slow(choose_provider("rfc2136", credentials(server), Path(data))))
gate.want("blog.example.test")
asyncio.run(gate.manager.run())
"""


@at_either
async def test_what_a_killed_run_left_is_removed_at_the_next_start_and_nothing_else(
    ca: Pebble, nameserver: Nameserver, tmp_path: Path
) -> None:
    name = f"_acme-challenge.{BLOG}"
    provider = choose_provider("rfc2136", credentials(nameserver), tmp_path)
    await asyncio.to_thread(provider.present, ZONE, name, "somebody else's")
    arguments = (tmp_path / "data", ca.directory_url, ca.ca_bundle, nameserver.port)
    command = [sys.executable, "-c", LIFE, *map(str, arguments)]
    life = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert life.stdout
    assert await asyncio.to_thread(life.stdout.readline) == b"present\n"
    life.kill()
    life.communicate()
    assert len(await asyncio.to_thread(nameserver.txt, name)) == 2
    again = DNSGate(tmp_path / "data", ca, nameserver)
    again.want(APEX)
    async with again.running():
        await again.active((APEX,))
        await again.eventually(lambda: not list((tmp_path / "data/dns/records").glob("*.json")))
    assert await asyncio.to_thread(nameserver.txt, name) == ["somebody else's"]


class ClumsyProvider:
    """Real updates; removing fails as often as it is told."""

    name, holds_one = "rfc2136", False

    def __init__(self, provider: Any, failures: int) -> None:
        self.provider, self.failures = provider, failures

    def present(self, *record: str) -> None:
        self.provider.present(*record)

    def withdraw(self, *record: str) -> None:
        if self.failures:
            self.failures -= 1
            from acme_client.dns.provider import failed

            raise failed("The server is being moved.")
        self.provider.withdraw(*record)


async def test_a_clean_up_that_fails_costs_no_certificate_and_is_done_later(
    ca: Pebble, nameserver: Nameserver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acme_client.challenges.dns01.AGAIN", 0.2)
    real = choose_provider("rfc2136", credentials(nameserver), tmp_path)
    tidegate = DNSGate(tmp_path / "data", ca, nameserver, ClumsyProvider(real, failures=3))
    tidegate.want(BLOG)
    async with tidegate.running():
        await tidegate.active((BLOG,))
        await tidegate.eventually(lambda: tidegate.told(events.RecordLeft))
        await tidegate.eventually(lambda: not list((tmp_path / "data/dns/records").glob("*.json")))
    assert len(tidegate.told(events.RecordLeft)) == 1
    assert "being moved" in str(tidegate.told(events.RecordLeft)[0])
    assert await asyncio.to_thread(nameserver.txt, f"_acme-challenge.{BLOG}") == []


@at_either
async def test_a_server_that_takes_no_update_from_us_is_told_with_the_variables_and_the_order_stands(
    ca: Pebble, nameserver: Nameserver, tmp_path: Path
) -> None:
    wrong = credentials(nameserver) | {"RFC2136_TSIG_SECRET": "bm90IHRoZSBzZWNyZXQ="}
    tidegate = DNSGate(tmp_path / "data", ca, nameserver, choose_provider("rfc2136", wrong, tmp_path))
    tidegate.want(WILDCARD)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.told(events.Failed))
    status = tidegate.status(WILDCARD)
    assert "RFC2136_TSIG_SECRET" in status.last_error
    assert "does not know our key" in status.last_error
    assert wrong["RFC2136_TSIG_SECRET"] not in str(tidegate.said)
    assert (tmp_path / "data" / "certs" / f"_wildcard_.{ZONE}" / "order.json").exists()


async def test_servers_that_do_not_get_the_record_are_named_and_no_failure_is_counted_by_the_ca(
    ca: Pebble, nameserver: Nameserver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acme_client.challenges.dns01.PATIENCE", 1.0)

    class Elsewhere:
        name, holds_one = "rfc2136", False

        def present(self, *record: str) -> None: ...
        def withdraw(self, *record: str) -> None: ...

    tidegate = DNSGate(tmp_path / "data", ca, nameserver, Elsewhere())
    tidegate.want(WILDCARD)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.told(events.Failed))
    assert "ns.example.test (127.0.0.1): no such record" in tidegate.status(WILDCARD).last_error
    assert "Attempting to validate" not in ca.log


async def test_a_record_of_a_provider_that_is_no_longer_set_up_is_told_of_once_and_forgotten(
    ca: Pebble, nameserver: Nameserver, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "data" / "dns" / "records")
    await asyncio.to_thread(
        lambda: journal.add(Record("desec", ZONE, f"_acme-challenge.{ZONE}", "x")).release()
    )
    tidegate = DNSGate(tmp_path / "data", ca, nameserver)
    tidegate.want(APEX)
    async with tidegate.running():
        await tidegate.eventually(lambda: tidegate.told(events.RecordLeft))
        await tidegate.active((APEX,))
        await tidegate.eventually(lambda: not list((tmp_path / "data/dns/records").glob("*.json")))
    assert "desec set it" in str(tidegate.told(events.RecordLeft)[0])


async def test_an_own_program_that_hangs_costs_its_host_a_try_and_no_other_host_anything(
    ca: Pebble, nameserver: Nameserver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("acme_client.dns.program.LONGEST", 5.0)
    program = tmp_path / "program"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys, time\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from acme_client.dns.rfc2136 import RFC2136\n"
        "from acme_client.dns.variables import Variables\n"
        "what, name, value = sys.argv[1:]\n"
        "if 'shop' in name and what == 'present':\n"
        "    time.sleep(60)\n"
        f"provider = RFC2136.read(Variables({credentials(nameserver)!r}))\n"
        "act = provider.present if what == 'present' else provider.withdraw\n"
        f"act({ZONE!r}, name.rstrip('.'), value)\n"
    )
    program.chmod(0o755)
    chosen = choose_provider("exec", {"EXEC_PATH": str(program)}, tmp_path)
    tidegate = DNSGate(tmp_path / "data", ca, nameserver, chosen)
    tidegate.want(BLOG, f"*.shop.{ZONE}")
    async with tidegate.running():
        await tidegate.active((BLOG,))
        await tidegate.eventually(lambda: tidegate.status(f"*.shop.{ZONE}").state == "failed")
        await tidegate.eventually(lambda: not list((tmp_path / "data/dns/records").glob("*.json")))
    assert "was killed" in tidegate.status(f"*.shop.{ZONE}").last_error
    assert nameserver.key.secret not in str(tidegate.said)
