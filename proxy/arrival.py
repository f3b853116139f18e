"""Arrival: a client at a TLS entrypoint, from its first byte until hands are shaken.

The hello is read before TLS begins, so that the name and the protocols that the
client asks for choose how it is served.
"""

from __future__ import annotations

import socket
import ssl
from time import monotonic, time
from typing import Final

from proxy.client_hello import HANDSHAKE, LONGEST, Unreadable, read_client_hello
from proxy.connection import Connection
from proxy.gate import Entry
from proxy.poller import NO_MORE, ONCE_PER_ARRIVAL, READABLE, TROUBLE, Watched, poller, report
from proxy.tls import ACME_TLS, SNI, has_expired
from proxy.tls_options import TLSOptions
from proxy.tls_transport import TLSTransport, shake

PLAIN_TO_TLS: Final = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 49\r\n"
    b"Connection: close\r\n\r\nThis address speaks HTTPS. Begin it with https:\n\n"
)
UNRECOGNIZED_NAME: Final = b"\x15\x03\x03\x00\x02\x02\x70"
"""A fatal alert as a record (RFC 6066 3, RFC 8446 6.2): never another host's certificate."""

MOST_HEARD: Final = 64 * 1024
"""Octets that are thrown away of a client that is refused."""


class Arrival(Watched):
    def __init__(self, sock: socket.socket, connection: Connection, entry: Entry, sni: SNI) -> None:
        self._sock = sock
        self._descriptor = sock.fileno()
        self._connection = connection
        self._entry = entry
        self._sni = sni
        self._tls: ssl.SSLSocket | None = None
        self._options: TLSOptions = sni.default_options
        self._since = monotonic()
        self._said = -1
        """Octets that came after OpenSSL has refused the client; -1 while it has not."""
        self._poller = poller()
        # What is looked at and left there would be told again and again; this way, only news are: more
        # bytes, or that no more will come.
        self._poller.watch(self._descriptor, self, READABLE | NO_MORE | ONCE_PER_ARRIVAL)
        entry.arrivals.add(self)

    def ready(self, events: int) -> None:
        try:
            if self._said >= 0:
                self._hear_out()
            elif self._tls is None:
                self._look(bool(events & (NO_MORE | TROUBLE)))
            else:
                self._shake(self._tls)
        except ssl.SSLError:
            self._part()
        except OSError:  # a handshake that fails is the client's loss alone
            self.dismiss()
        except Exception as bug:
            report("a connection could not be taken in", bug)
            self.dismiss()

    def _part(self) -> None:
        """Let the client read why: with TLS 1.3 it may speak already, and a reset would take the alert."""
        tls = self._tls
        try:
            if tls is None:
                self.dismiss()
                return
            tls.shutdown(socket.SHUT_WR)  # the socket drops its TLS with this
            self._said = 0
            self._poller.change(self._descriptor, READABLE)
        except OSError:
            self.dismiss()

    def _hear_out(self) -> None:
        data = self._tls.recv(LONGEST) if self._tls else b""
        self._said += len(data)
        if not data or self._said > MOST_HEARD:
            self.dismiss()

    def sweep(self, now: float) -> None:
        if now - self._since > self._entry.gate.limits.handshake:
            self.dismiss()

    def dismiss(self) -> None:
        self._poller.forget(self._descriptor)
        self._entry.arrivals.discard(self)
        (self._tls or self._sock).close()
        self._connection.never_began()

    def _look(self, ended: bool) -> None:
        hello = self._sock.recv(LONGEST, socket.MSG_PEEK)
        if hello[:1].isalpha():
            self._refuse(PLAIN_TO_TLS)
        elif not hello or hello[0] != HANDSHAKE or (not self._choose(hello) and ended):
            self.dismiss()

    def _choose(self, data: bytes) -> bool:
        """Go on by what the hello says; False while it is not whole."""
        try:
            hello = read_client_hello(data)
        except Unreadable:
            self._begin(self._sni.server_context, self._sni.default_options)  # it finds out by itself
            return True
        if hello is None:
            return False
        terms = self._sni.find(hello.server_name, hello.alpn)
        if terms:
            self._begin(terms.context, terms.options)
        else:
            self._refuse(UNRECOGNIZED_NAME)
        return True

    def _refuse(self, answer: bytes) -> None:
        self._sock.recv(LONGEST)  # closing with unread input would reset what we say
        self._sock.send(answer)
        self.dismiss()

    def _begin(self, context: ssl.SSLContext, options: TLSOptions) -> None:
        self._options = options
        # Of a client that has just left, `ssl` closes the socket itself, and its number is the next one's.
        self._poller.forget(self._descriptor)
        self._tls = context.wrap_socket(self._sock, server_side=True, do_handshake_on_connect=False)
        self._poller.watch(self._descriptor, self, READABLE)
        self._shake(self._tls)

    def _shake(self, tls: ssl.SSLSocket) -> None:
        wanted = shake(tls)
        if wanted:
            self._poller.change(self._descriptor, wanted)
            return
        if tls.selected_alpn_protocol() == ACME_TLS:
            self.dismiss()  # the authority has seen what it came for (RFC 8737 3)
            return
        if self._options.asks and tls.session_reused and has_expired(tls.getpeercert(True), time()):
            self.dismiss()  # TLS 1.2 resumes by number, and OpenSSL does not look at the certificate again
            return
        self._poller.forget(self._descriptor)
        self._entry.arrivals.discard(self)
        self._connection.begin(TLSTransport(tls, self._connection, self._options))
