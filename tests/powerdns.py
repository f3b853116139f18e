"""PowerDNS: a real one on loopback, with its HTTP API and a zone; `scripts/nameservers` installs it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.nameserver import find
from tests.program import free_port

SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")


class PowerDNSServer:
    key = "a-key-of-the-api"

    def __init__(self, folder: Path, zone: str) -> None:
        self._folder, self._zone = folder, zone
        self.port, self._web = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self._web}"

    def __enter__(self) -> PowerDNSServer:
        program = find("pdns_server")
        assert program is not None
        self._folder.mkdir()
        database = self._folder / "zones.sqlite3"
        with sqlite3.connect(database) as opened:
            opened.executescript(SCHEMA.read_text())
        said = {
            "daemon": "no",
            "guardian": "no",
            "launch": "gsqlite3",
            "gsqlite3-database": database,
            "local-address": "127.0.0.1",
            "local-port": self.port,
            "socket-dir": self._folder,
            "api": "yes",
            "api-key": self.key,
            "webserver": "yes",
            "webserver-port": self._web,
            "webserver-address": "127.0.0.1",
            "cache-ttl": 0,
            "query-cache-ttl": 0,
        }
        (self._folder / "pdns.conf").write_text("".join(f"{name}={value}\n" for name, value in said.items()))
        with (self._folder / "pdns.log").open("ab") as log:
            command = [program, f"--config-dir={self._folder}"]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait()
        servers = {"name": f"{self._zone}.", "kind": "Native", "nameservers": [f"ns.{self._zone}."]}
        self.ask("POST", "/zones", servers)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(10)

    def txt(self, name: str) -> list[str]:
        """What its API has, which is what its DNS answers, caches aside."""
        sets = self.ask("GET", f"/zones/{self._zone}.")["rrsets"]
        found = [each for each in sets if (each["name"], each["type"]) == (f"{name}.", "TXT")]
        return sorted(record["content"].strip('"') for each in found for record in each["records"])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/v1/servers/localhost{path}",
            json.dumps(body).encode() if body else None,
            {"X-API-Key": self.key, "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=5) as response:
            return json.load(response)

    def _wait(self) -> None:
        deadline = time.monotonic() + 15
        while True:
            try:
                self.ask("GET", "")
            except (OSError, urllib.error.URLError):
                log = (self._folder / "pdns.log").read_text(errors="replace")
                assert self._process.poll() is None, log
                assert time.monotonic() < deadline, log
                time.sleep(0.05)
            else:
                return
