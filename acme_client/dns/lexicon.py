"""Lexicon: the ninety providers of `dns-lexicon`, in a process of their own.

Most of its modules set no time limit on a request, and what it loads is 40 MB:
a process can be killed, and is gone afterwards.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from acme_client.dns.program import run_and_kill
from acme_client.dns.provider import failed
from acme_client.dns.variables import Variables

KEPT = (
    *("PATH", "HOME", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
"""Variables that the process may see beside its own: no other provider's secrets."""


class Lexicon:
    holds_one = False

    def __init__(self, provider: str, variables: dict[str, str]) -> None:
        self.name = f"lexicon:{provider}"
        self._provider = provider
        self._variables = variables

    @classmethod
    def read(cls, provider: str, variables: Variables) -> Lexicon:
        return cls(provider, variables.below(prefix(provider)))

    def present(self, zone: str, name: str, value: str) -> None:
        self._run("create", zone, name, value)

    def withdraw(self, zone: str, name: str, value: str) -> None:
        self._run("delete", zone, name, value)

    def _run(self, action: str, zone: str, name: str, value: str) -> None:
        task = {"provider": self._provider, "action": action, "zone": zone, "name": name, "value": value}
        command = [sys.executable, "-P", "-m", "acme_client.dns.lexicon_process"]
        called = f"Lexicon's provider {self._provider}"
        with TemporaryDirectory(prefix="tidegate-lexicon-") as cache:
            status, said = run_and_kill(command, called, json.dumps(task).encode(), self._environ(cache))
        if status:
            hidden = said
            for secret in self._variables.values():
                hidden = hidden.replace(secret, "[hidden]")
            names = ", ".join(sorted(self._variables)) or f"{prefix(self._provider)}AUTH_TOKEN and its like"
            raise failed(f"{called} could not {action} the record: look at {names}.", hidden)

    def _environ(self, cache: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        where = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        return {**kept, **self._variables, "TLDEXTRACT_CACHE_PATH": cache, "PYTHONPATH": where}


def prefix(provider: str) -> str:
    return f"LEXICON_{provider.upper()}_"
