"""testssl.sh: what Debian's checker of TLS finds at a server on loopback.  `scripts/testssl` installs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.program import LOOPBACK

ASKED = (
    *("--protocols", "--standard", "--server-preference", "--server-defaults"),
    *("--headers", "--vulnerable", "--fs", "--rc4"),
)
"""All that it asks by itself but the simulation of clients, a third of the time, which judges nothing."""
ONLY_HERE = ("--nodns", "none", "--ip", LOOPBACK)
"""No name is looked up; that it asks no authority either is its default (`--phone-out` is not said)."""
NOWHERE = {"NXCONNECT": "127.0.0.1:0", "NXDNS": "127.0.0.1:0"}
"""Where it tries what its own OpenSSL knows; else at the name "invalid.", for which a DNS server is asked.
Releases before 3.2 have one word for it and later ones the other."""
QUIETLY = ("--quiet", "--color", "0", "--warnings", "off")
LOOKED_AT = {
    *("TLS1_3", "cipherlist_NULL", "cipher_order", "cert_chain_of_trust", "HTTP_status_code", "heartbleed"),
    *("RC4", "scanTime"),
}
BLAMELESS = ("OK", "INFO", "DEBUG")


@dataclass(frozen=True, slots=True)
class Finding:
    id: str
    severity: str
    """LOW, MEDIUM, HIGH or CRITICAL; WARN for what it could not try, FATAL where it gave up."""
    text: str

    def __str__(self) -> str:
        return f"{self.severity} {self.id}: {self.text}"


def program() -> str | None:
    """The command is called otherwise where it is not Debian's."""
    return shutil.which("testssl") or shutil.which("testssl.sh")


def release(testssl: str) -> tuple[int, int]:
    """As (3, 2)."""
    said = subprocess.run((testssl, "--version"), capture_output=True, text=True, check=False).stdout
    plain = re.sub(r"\x1b\[[\d;]*m", "", said)
    found = re.search(r"testssl(?:\.sh)?\s+(?:version\s+)?(\d+)\.(\d+)", plain)
    assert found, f"no release in {said!r}"
    return int(found[1]), int(found[2])


def scan(testssl: str, host: str, port: int, root: Path, folder: Path) -> tuple[Finding, ...]:
    """Whatever it finds at this name and port of loopback that is not in order, for who trusts this root.

    An AssertionError where it gave up.
    """
    report = folder / "testssl.json"
    url = f"https://{host}:{port}/"
    command = (testssl, *QUIETLY, *ONLY_HERE, *ASKED, "--add-ca", str(root), "--jsonfile", str(report), url)
    ran = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | NOWHERE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(report.read_text())
    # Silence about everything would be no praise: one of each kind was looked at, and the end was reached.
    missing = LOOKED_AT - {each["id"] for each in told}
    assert not missing, f"{missing} missing:\n{ran.stdout}{ran.stderr}"
    return tuple(
        Finding(each["id"], each["severity"], each["finding"])
        for each in told
        if each["severity"] not in BLAMELESS
    )


def judge(found: Iterable[Finding], excused: Mapping[str, str], seldom: Iterable[str] = ()) -> list[str]:
    """What nothing excuses, and which excuses nothing needs; `seldom` need not be found each time.

    `excused`: the reason why a finding may stay, by its id.
    """
    found = tuple(found)
    unneeded = set(excused) - {each.id for each in found} - set(seldom)
    return [
        *(str(each) for each in found if each.id not in excused),
        *(f"{name} is excused, and not found" for name in sorted(unneeded)),
    ]
