"""Reachability: servers at which nothing answers, known from the last connection that was tried."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from proxy.model import Server, Service
from proxy.problem import Problem

NO_ANSWER = "no answer in time"
UNTRUSTED = "TLS certificate not trusted"
REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EHOSTUNREACH: "no route",
    errno.ENETUNREACH: "no route",
}
OWN_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}
"""Nothing was asked of the server, so nothing is known of it."""


@dataclass(slots=True)
class Reachability:
    """What the pool's last attempts say; `changed` is called when a server begins or ceases to answer."""

    changed: Callable[[], None]
    _failing: dict[Server, str] = field(default_factory=dict)

    def tried(self, server: Server, failure: Exception | None) -> None:
        """A connection to the server was made, or it failed."""
        if isinstance(failure, OSError) and number_of(failure) in OWN_SHORTAGES:
            return
        before = self._failing.get(server)
        if failure is None:
            self._failing.pop(server, None)
        else:
            self._failing[server] = in_words(failure)
        if self._failing.get(server) != before:
            self.changed()

    def retain(self, servers: Collection[Server]) -> None:
        """Forget servers that are in no table any more: their addresses go to others."""
        self._failing = {server: why for server, why in self._failing.items() if server in servers}

    def state(self, server: Server) -> str:
        return self._failing.get(server, "up")

    def problems(self, services: Mapping[str, Service]) -> Iterator[Problem]:
        """One for each service and server of it that does not answer."""
        if not self._failing:
            return
        for service in services.values():
            down = [server for server in service.servers if server in self._failing]
            for server in down:
                yield problem(service, server, self._failing[server], alone=len(down) == len(service.servers))


def problem(service: Service, server: Server, why: str, *, alone: bool) -> Problem:
    if why == UNTRUSTED:
        what = (
            f"No connection to {server.url} ({why}). "
            "Give the app a certificate that this machine trusts, or ask it over http."
        )
    else:
        of_container = service.name.endswith("@docker")
        instead = "say which: tidegate.port=..." if of_container else "correct the service's url."
        what = f"Nothing answers at {server.url} ({why}). If the app listens on another port, {instead}"
    status = 504 if why == NO_ANSWER else 502
    consequence = f"Its visitors get {status}." if alone else "Its visitors are sent to its other servers."
    return Problem(f"{service.name}: {server.url}", what, consequence, "warning")


def in_words(failure: Exception) -> str:
    match failure:
        case ssl.SSLCertVerificationError():
            return UNTRUSTED
        case ssl.SSLError():
            return "it does not speak TLS"
        case TimeoutError():
            return NO_ANSWER
        case socket.gaierror() | UnicodeError():
            return "no such name"
        case OSError():
            return REASONS.get(number_of(failure), "no connection")
    return "no connection"


def number_of(failure: OSError) -> int:
    """The system's number, which asyncio leaves only in the text when a name has several addresses."""
    said = re.search(r"\[Errno (\d+)\]", str(failure))
    return failure.errno or (int(said[1]) if said else 0)
