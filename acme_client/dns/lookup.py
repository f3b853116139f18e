"""Lookup: what the DNS says - where a record belongs, and which servers have it.

The only importer of `dnspython` beside `rfc2136`.  Every method blocks.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from secrets import token_hex

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.query
import dns.rdatatype
import dns.resolver

from acme_client.dns.provider import failed
from acme_client.frozen import frozen
from acme_client.names import LOCAL_SUFFIXES

MOST_CNAMES = 8
RESOLVING = 10.0
"""Seconds for one question to the resolvers."""

ASKING = 3.0
"""Seconds for one question to one authoritative server; the next round asks it again."""


@frozen
class Place:
    """Where a proof has to be written: behind all CNAMEs, which may lead to another zone."""

    zone: str
    name: str


@frozen
class Server:
    """One address of an authoritative server."""

    name: str
    address: str


@frozen
class Heard:
    """What one server said: its values, or why it said nothing."""

    server: Server
    values: tuple[str, ...] = ()
    silence: str = ""

    def __str__(self) -> str:
        what = self.silence or ", ".join(self.values) or "no such record"
        return f"{self.server.name} ({self.server.address}): {what}"


class Lookup:
    """`resolvers` are addresses, perhaps with a port; none stands for this machine's own.

    `port` is where authoritative servers answer: 53 wherever names are real.
    """

    def __init__(self, resolvers: Sequence[str] = (), port: int = 53) -> None:
        self._resolvers = tuple(resolvers)
        self._port = port

    def place(self, name: str) -> Place:
        """Follow the CNAMEs of this name, and find the zone of where they lead."""
        resolver = self._resolver()
        at = dns.name.from_text(name)
        for _ in range(MOST_CNAMES + 1):
            onward = self._cname(resolver, at)
            if onward is None:
                return Place(self._zone(resolver, at), _plain(at))
            at = onward
        raise failed(
            f"The CNAME records of {name} lead through more than {MOST_CNAMES} names, or in a circle."
        )

    def servers(self, zone: str) -> tuple[Server, ...]:
        """Every address of every authoritative server of the zone."""
        resolver = self._resolver()
        names = [_plain(record.target) for record in self._ask(resolver, zone, "NS") or ()]
        found = tuple(
            Server(name, record.address)
            for name in sorted(names)
            for kind in ("A", "AAAA")
            for record in self._ask(resolver, name, kind) or ()
        )
        if not found:
            raise failed(f"The resolver knows no server of the zone {zone}.{self._hint()}")
        return found

    def hear(self, server: Server, name: str) -> Heard:
        """The TXT values that this server has for the name; not asked to look elsewhere (no recursion)."""
        question = dns.message.make_query(name, dns.rdatatype.TXT, flags=0)
        try:
            answer, _ = dns.query.udp_with_fallback(question, server.address, ASKING, self._port)
        except (dns.exception.DNSException, OSError) as error:
            return Heard(server, silence=_reason(error))
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return Heard(server, silence=f"refuses ({dns.rcode.to_text(answer.rcode())})")
        records = [record for rrset in answer.answer if rrset.rdtype == dns.rdatatype.TXT for record in rrset]
        return Heard(server, tuple(sorted(b"".join(record.strings).decode("latin-1") for record in records)))

    def _cname(self, resolver: dns.resolver.Resolver, at: dns.name.Name) -> dns.name.Name | None:
        """Where the name's own CNAME leads.

        One that the zone has for all names (`*.example.com CNAME home.dyndns.example`,
        as many homes have it) gives way to the record that we add; a name that
        nobody can have chosen shows it.
        """
        answer = self._ask(resolver, at, "CNAME")
        if not answer:
            return None
        beside = dns.name.Name((f"_{token_hex(8)}".encode(), *at.labels[1:]))
        of_all = self._ask(resolver, beside, "CNAME")
        onward: dns.name.Name = answer[0].target
        return None if of_all and of_all[0].target == onward else onward

    def _zone(self, resolver: dns.resolver.Resolver, at: dns.name.Name) -> str:
        try:
            zone = dns.resolver.zone_for_name(at, resolver=resolver, lifetime=RESOLVING)
        except (dns.exception.DNSException, OSError) as error:
            raise failed(
                f"The zone of {_plain(at)} cannot be found.{self._hint()}", _reason(error)
            ) from error
        plain = _plain(zone)
        # The root, or `com`: whoever asks has no such zone, the name's own is not there.
        if "." not in plain.rstrip(".") and plain not in LOCAL_SUFFIXES:
            raise failed(
                f"The zone of {_plain(at)} cannot be found: the resolver knows nothing below"
                f" {zone.to_text()!r}.{self._hint()}"
            )
        return plain

    def _ask(
        self, resolver: dns.resolver.Resolver, name: dns.name.Name | str, kind: str
    ) -> dns.rrset.RRset | None:
        """The records themselves; None where there are none."""
        try:
            answer = resolver.resolve(name, kind, raise_on_no_answer=False, search=False, lifetime=RESOLVING)
        except dns.resolver.NXDOMAIN:
            return None
        except (dns.exception.DNSException, OSError) as error:
            text = name if isinstance(name, str) else _plain(name)
            raise failed(
                f"The resolver does not say what {text} has ({kind}).{self._hint()}", _reason(error)
            ) from error
        return answer.rrset

    def _resolver(self) -> dns.resolver.Resolver:
        """A new one for each task: what it remembered of a name without a record would be out of date."""
        try:
            resolver = dns.resolver.Resolver(configure=not self._resolvers)
        except dns.resolver.NoResolverConfiguration as error:
            raise failed(f"This machine names no DNS resolver.{self._hint()}", str(error)) from error
        if self._resolvers:
            resolver.nameservers = [_nameserver(each) for each in self._resolvers]
        return resolver

    def _hint(self) -> str:
        asked = ", ".join(self._resolvers) or "this machine's own"
        return f" The resolvers asked are {asked}; choose others with the setting dns-resolvers."


def _nameserver(text: str) -> dns.nameserver.Do53Nameserver:
    host, port = text, 53
    if text.startswith("[") or text.count(":") == 1:
        host, _, digits = text.rpartition(":")
        port = int(digits)
    return dns.nameserver.Do53Nameserver(str(ip_address(host.strip("[]"))), port)


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _reason(error: Exception) -> str:
    if isinstance(error, dns.exception.Timeout):
        return "no answer in time"
    if isinstance(error, socket.gaierror | OSError) and error.strerror:
        return error.strerror
    return str(error)[:300] or type(error).__name__
