"""Program: a command of the owner's that sets records, called as lego calls its `exec`."""

from __future__ import annotations

import os
import signal
import subprocess

from acme_client.dns.provider import failed
from acme_client.dns.variables import Variables
from acme_client.failure import Failure

LONGEST = 90.0
"""Seconds until the program is killed, with all that it has started."""


class Program:
    """PROGRAM present|cleanup _acme-challenge.www.example.com. VALUE"""

    name, holds_one = "exec", False

    def __init__(self, path: str) -> None:
        self._path = path

    @classmethod
    def read(cls, variables: Variables) -> Program:
        return cls(variables.need("EXEC_PATH"))

    def present(self, zone: str, name: str, value: str) -> None:
        self._run("present", name, value)

    def withdraw(self, zone: str, name: str, value: str) -> None:
        self._run("cleanup", name, value)

    def _run(self, what: str, name: str, value: str) -> None:
        called = f"The program of EXEC_PATH ({self._path} {what})"
        status, said = run_and_kill([self._path, what, f"{name}.", value], called)
        if status:
            raise failed(f"{called} ended with status {status}.", said)


def run_and_kill(
    command: list[str], called: str, stdin: bytes = b"", environ: dict[str, str] | None = None
) -> tuple[int, str]:
    """The program's exit status and the end of what it said; Failure where it does not start or end."""
    try:
        process = subprocess.Popen(  # noqa: S603 - what the owner told us to run
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )
    except OSError as error:
        raise failed(f"{called} cannot be started.", error.strerror or str(error)) from error
    with process:
        try:
            said, _ = process.communicate(stdin, LONGEST)
        except subprocess.TimeoutExpired as error:
            raise _too_slow(process, called) from error
    return process.returncode, said.decode("utf-8", "replace").strip()[-300:]


def _too_slow(process: subprocess.Popen[bytes], called: str) -> Failure:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return failed(f"{called} took more than {LONGEST:.0f} s and was killed.")
