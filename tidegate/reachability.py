"""Reachability: servers at which nothing answers, known from the last connection that was tried."""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from proxy.balancing import Balanced
from proxy.model import Server, Service
from proxy.problem import Problem

NO_ANSWER = "no answer in time"
UNTRUSTED = "TLS certificate not trusted"
NO_TLS = "it does not speak TLS"
NO_NAME = "no such name"
NO_CONNECTION = "no connection"
UNHEALTHY = "its health check fails"
FAILING = "its requests fail"
REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "connection reset",
    errno.EHOSTUNREACH: "no route",
    errno.ENETUNREACH: "no route",
}
FAILURES = frozenset(
    ("", NO_ANSWER, UNTRUSTED, NO_TLS, NO_NAME, NO_CONNECTION, UNHEALTHY, FAILING, *REASONS.values())
)
"""All that is said of a server; "" where it answers."""
OWN_SHORTAGES = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}
"""Nothing was asked of the server, so nothing is known of it."""


@dataclass(slots=True)
class Reachability:
    """What the last attempts to connect say.

    `changed` is called with the server that begins or ceases to answer, and its failure ("" for none).
    """

    changed: Callable[[Server, str], None]
    _failing: dict[Server, str] = field(default_factory=dict)

    def tried(self, server: Server, failure: Exception | None) -> None:
        """A connection to the server was made, or it failed."""
        if isinstance(failure, OSError) and number_of(failure) in OWN_SHORTAGES:
            return
        if self._failing.get(server) in (UNHEALTHY, FAILING):
            return  # until whoever has said so says otherwise
        self.hear(server, in_words(failure) if failure else "")

    def judged(self, service: Service, server: Server, well: bool) -> None:
        """A server of the service is left out, or not any more."""
        checked = isinstance(service.how, Balanced) and service.how.health_check is not None
        self.hear(server, "" if well else UNHEALTHY if checked else FAILING)

    def hear(self, server: Server, failure: str) -> None:
        """How an attempt of somebody's ended, in words."""
        if self.learn(server, failure):
            self.changed(server, failure)

    def learn(self, server: Server, failure: str) -> bool:
        """Know it without telling anybody; whether it was news."""
        before = self._failing.get(server, "")
        if failure:
            self._failing[server] = failure
        else:
            self._failing.pop(server, None)
        return failure != before

    @property
    def failing(self) -> Mapping[Server, str]:
        return self._failing

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
            if not service.is_leaf:
                continue
            down = [server for server in service.servers if server in self._failing]
            for server in down:
                yield problem(service, server, self._failing[server], alone=len(down) == len(service.servers))


def problem(service: Service, server: Server, why: str, *, alone: bool) -> Problem:
    if why in (UNHEALTHY, FAILING):
        consequence = "Its visitors get 503." if alone else "Its visitors are sent to its other servers."
        return Problem(f"{service.name}: {server.url}", f"It is left out: {why}.", consequence, "warning")
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
            return NO_TLS
        case TimeoutError():
            return NO_ANSWER
        case socket.gaierror() | UnicodeError():
            return NO_NAME
        case OSError():
            return REASONS.get(number_of(failure), NO_CONNECTION)
    return NO_CONNECTION


def number_of(failure: OSError) -> int:
    """The system's number, which asyncio leaves only in the text when a name has several addresses."""
    said = re.search(r"\[Errno (\d+)\]", str(failure))
    return failure.errno or (int(said[1]) if said else 0)
