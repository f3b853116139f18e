"""Nameserver: a real BIND on loopback, authoritative for the zones of a test, as Tidegate and a CA meet one.

    with Nameserver(folder, "example.test", "proofs.test") as dns:
        dns.port, dns.key, dns.txt("_acme-challenge.example.test")

Each zone takes updates that are signed with `key`.  All names below a zone lead
to 127.0.0.1.  It also stands for a resolver, since it knows everything there is.
`scripts/nameservers` installs it.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype

from tests.program import free_port

PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "nameservers"


def find(program: str) -> str | None:
    """A copy comes first: the profile that Debian confines the installed one by reads no test's folder."""
    return shutil.which(program, path=f"{CACHE}:{PATH}")


@dataclass(frozen=True)
class Key:
    name: str = "tidegate."
    secret: str = "c2l4dGVlbi1vci1tb3JlLW9jdGV0cy1vZi1zZWNyZXQhISE="
    algorithm: str = "hmac-sha256"


CONFIG = """\
options {{
  directory "{folder}"; pid-file none; session-keyfile none;
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion yes; allow-recursion {{ any; }}; notify no; dnssec-validation no; empty-zones-enable no;
}};
controls {{ }};
key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};
zone "." {{ type primary; file "root.zone"; }};
{zones}
"""
ROOT = "$TTL 1\n@ IN SOA ns. owner. 1 60 60 3600 1\n@ IN NS ns.\nns IN A 127.0.0.1\n"
"""Whatever is in none of the zones does not exist, and nobody outside is asked for it."""
ZONE = """\
zone "{zone}" {{ type primary; file "{zone}.zone"; update-policy {{ grant {key} zonesub TXT; }}; }};
"""
RECORDS = """\
$TTL 1
@ IN SOA ns.{zone}. owner.{zone}. 1 60 60 3600 60
@ IN NS ns.{zone}.
ns IN A 127.0.0.1
@ IN A 127.0.0.1
* IN A 127.0.0.1
{more}
"""


class Nameserver:
    program = "named"

    def __init__(self, folder: Path, *zones: str, more: dict[str, str] | None = None) -> None:
        """`more` are lines for the zones' files, by zone."""
        self._folder, self._zones, self._more = folder, zones, more or {}
        self.port = free_port()
        self.key = Key()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def __enter__(self) -> Nameserver:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._at("conf").write_text(self._config())
        (self._folder / "root.zone").write_text(ROOT)
        for zone in self._zones:
            records = RECORDS.format(zone=zone, more=self._more.get(zone, ""))
            (self._folder / f"{zone}.zone").write_text(records)
        self.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        program = find(self.program)
        assert program is not None
        with self._at("log").open("ab") as log:
            command = [program, *self._options(), str(self._at("conf"))]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        deadline = time.monotonic() + 15
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    @property
    def log(self) -> str:
        return self._at("log").read_text(errors="replace")

    def txt(self, name: str) -> list[str]:
        answer = dns.query.tcp(dns.message.make_query(name, "TXT"), "127.0.0.1", timeout=3, port=self.port)
        sets = [rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.TXT]
        return sorted(b"".join(record.strings).decode() for rrset in sets for record in rrset)

    def _config(self) -> str:
        zones = "".join(ZONE.format(zone=zone, key=self.key.name) for zone in self._zones)
        return CONFIG.format(folder=self._folder, port=self.port, key=self.key, zones=zones)

    def _options(self) -> tuple[str, ...]:
        """What comes before the path of the configuration."""
        return ("-g", "-n", "1", "-c")

    def _at(self, kind: str) -> Path:
        return self._folder / f"{self.program}.{kind}"

    def _answers(self) -> bool:
        query = dns.message.make_query(self._zones[0], "SOA")
        try:
            return bool(dns.query.tcp(query, "127.0.0.1", timeout=1, port=self.port).answer)
        except (OSError, EOFError, dns.exception.DNSException):
            return False
