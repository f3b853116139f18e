"""RFC 2136: updates that BIND, Knot and PowerDNS understand, signed with a TSIG key."""

from __future__ import annotations

import socket
from binascii import Error as NotBase64
from contextlib import suppress

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataclass
import dns.tsig
import dns.update

from acme_client.dns.provider import TTL, failed, quoted
from acme_client.dns.variables import MissingVariable, Variables

LONGEST = 15.0
VARIABLES = "RFC2136_TSIG_KEY, RFC2136_TSIG_SECRET and RFC2136_TSIG_ALGORITHM"


class RFC2136:
    name, holds_one = "rfc2136", False

    def __init__(self, server: str, key: dns.tsig.Key | None, port: int = 53) -> None:
        self._server, self._port, self._key = server, port, key

    @classmethod
    def read(cls, variables: Variables) -> RFC2136:
        server, port = _host_and_port(variables.need("RFC2136_NAMESERVER"))
        name = variables.get("RFC2136_TSIG_KEY")
        if not name:
            return cls(server, None, port)
        algorithm = variables.get("RFC2136_TSIG_ALGORITHM", default="hmac-sha256").rstrip(".").lower()
        try:
            key = dns.tsig.Key(name, variables.need("RFC2136_TSIG_SECRET"), f"{algorithm}.")
            dns.tsig.get_context(key)  # type: ignore[no-untyped-call]
        except (NotBase64, NotImplementedError, dns.exception.DNSException) as error:
            raise MissingVariable(f"{VARIABLES} are no TSIG key: {error}.") from None
        return cls(server, key, port)

    def present(self, zone: str, name: str, value: str) -> None:
        update = self._update(zone)
        update.add(f"{name}.", TTL, "TXT", quoted(value))
        self._send(update, zone)

    def withdraw(self, zone: str, name: str, value: str) -> None:
        update = self._update(zone)
        update.delete(f"{name}.", "TXT", quoted(value))
        self._send(update, zone)

    def _update(self, zone: str) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(f"{zone}.", keyring=self._key)

    def _send(self, update: dns.update.UpdateMessage, zone: str) -> None:
        where = f"The DNS server {self._server} (RFC2136_NAMESERVER)"
        try:
            answer = self._exchange(update)
        except dns.exception.Timeout as error:
            raise failed(f"{where} did not answer within {LONGEST:.0f} s.") from error
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise failed(f"{where} {_what_failed(error, zone)}", str(error)) from error
        match answer.rcode():
            case dns.rcode.NOERROR:
                return
            case dns.rcode.NOTAUTH if self._key:
                hint = f"is not responsible for {zone}, or does not know our key: look at {VARIABLES}."
            case dns.rcode.REFUSED | dns.rcode.NOTAUTH | dns.rcode.NOTZONE:
                hint = f"does not let us change the zone {zone}: look at {VARIABLES}, and at its own rules."
            case code:
                hint = f"failed to change the zone {zone} ({dns.rcode.to_text(code)}); its log says more."
        raise failed(f"{where} {hint}", dns.rcode.to_text(answer.rcode()))

    def _exchange(self, update: dns.update.UpdateMessage) -> dns.message.Message:
        """With the first address of the server that takes a connection.

        The system's own resolver names them: it may be a container, or stand in /etc/hosts.
        """
        found = socket.getaddrinfo(self._server, self._port, type=socket.SOCK_STREAM)
        *others, last = dict.fromkeys(str(place[0]) for *_, place in found)
        for address in others:
            with suppress(OSError):
                return dns.query.tcp(update, address, timeout=LONGEST, port=self._port)
        return dns.query.tcp(update, last, timeout=LONGEST, port=self._port)


def _what_failed(error: Exception, zone: str) -> str:
    match error:
        case dns.tsig.PeerBadKey():
            # Knot says so of a key that it knows, too, where no rule lets it do this.
            either = f"does not know our key, or does not let it change {zone}"
            return f"{either}: look at {VARIABLES}, and at its own rules."
        case dns.tsig.PeerBadTime() | dns.tsig.BadTime():
            return "has another time than this machine: one of the two clocks is wrong."
        case dns.tsig.PeerError() | dns.tsig.BadSignature():
            return f"does not know our key: look at {VARIABLES}."
        case dns.exception.FormError():
            # What Knot says of a zone that it does not have is not signed.
            return f"gives no answer that can be trusted: perhaps it is not responsible for {zone}."
        case _:
            return "cannot be reached."


def _host_and_port(text: str) -> tuple[str, int]:
    host, port = text, "53"
    if (text.startswith("[") or text.count(":") == 1) and not text.endswith("]"):
        host, _, port = text.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise MissingVariable(
            f"RFC2136_NAMESERVER is a name or an address, perhaps with a port, not {text!r}."
        )
    return host.strip("[]"), int(port)
