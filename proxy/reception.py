"""Reception: the bytes of a client become requests, or the reason why not."""

from __future__ import annotations

from dataclasses import replace

from proxy.access_log import Tally
from proxy.exchange import IPAddress
from proxy.fields import MessageError
from proxy.gate import Entry
from proxy.head import LIMITS, scan_request
from proxy.headers import BadRequest, plain_address, received
from proxy.ordinary import Reader
from proxy.receipt import Receipt
from proxy.turn import Turn

LONGEST_KEPT = 4 * 1024
"""Octets of a head that a connection remembers at most."""


class Refused(Exception):
    """What came is no request; `reason` is for the log, `status` for the client."""

    def __init__(self, status: int, reason: str, tally: Tally) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.tally = tally


class Reception:
    """Receives one client's requests, each when its head is whole."""

    def __init__(self, entry: Entry, peer: IPAddress, certificate: bytes = b"") -> None:
        """`certificate` is what the client has proved to be (DER)."""
        self._entry = entry
        self._peer = peer
        self._certificate = certificate
        self.last: Receipt | None = None
        """The head before: browsers and programs send the same one again and again."""
        self._for_itself = not certificate and plain_address(peer) not in entry.gate.trusted
        """The client speaks for nobody else and is a stranger, so its heads may be ordinary."""
        self._reader: Reader | None = None
        """Made with the first head after a silence: who is idle holds none."""
        self._seen = 0
        """Octets of an unfinished head that need no second look: a client may send them one by one."""

    def next(self, pending: bytearray, now: float) -> Turn | None:
        """Take the next request's head off `pending`; None while it is not whole."""
        receipt = self._receipt(pending) or self._examine(pending, now)
        if receipt is None:
            return None
        self._seen = 0
        del pending[: receipt.scanned.size]
        return self.turn(receipt, now)

    def whole(self, data: bytes, now: float) -> Turn | None:
        """The next request where these bytes are an ordinary head and nothing else, as they mostly are."""
        if self.last and data == self.last.block:
            return self.turn(self.last, now)
        if self._for_itself and 4 < len(data) <= LIMITS.head and data.find(b"\r\n\r\n") == len(data) - 4:
            receipt = self._read(data)
            if receipt:
                self._keep(receipt)
                return self.turn(receipt, now)
        return None

    def turn(self, receipt: Receipt, now: float) -> Turn:
        head = receipt.head
        tally = Tally(self._entry.name, receipt.client, now, head.method, head.host, receipt.path)
        return Turn(receipt.scanned, head, tally, receipt=receipt)

    def _receipt(self, pending: bytearray) -> Receipt | None:
        """The head where it is ordinary."""
        last = self.last
        if last and pending.startswith(last.block):
            return last
        if self._for_itself:
            end = pending.find(b"\r\n\r\n", max(0, self._seen - 3), LIMITS.head)
            if end >= 0 and (receipt := self._read(bytes(pending[: end + 4]))):
                self._keep(receipt)
                return receipt
        return None

    def _read(self, block: bytes) -> Receipt | None:
        reader = self._reader
        if reader is None:
            entry = self._entry
            reader = Reader(entry.lines, entry.hosts, plain_address(self._peer))
            self._reader = reader
        return reader.read(block)

    def _examine(self, pending: bytearray, now: float) -> Receipt | None:
        """Any head, read step by step."""
        tally, entry = self.tally(now), self._entry
        try:
            scanned = scan_request(pending, seen=self._seen)
            if scanned is None:
                self._seen = len(pending)
                return None
            tally.method = scanned.method
            head = received(
                scanned, peer=self._peer, tls=entry.tls, local_port=entry.port, trusted=entry.gate.trusted
            )
        except MessageError as bad:
            raise Refused(bad.status, bad.reason, tally) from None
        except BadRequest as unclear:
            raise Refused(400, str(unclear), tally) from None
        if self._certificate:
            head = replace(head, certificate=self._certificate)
        block = bytes(pending[: scanned.size])
        receipt = Receipt(block, scanned, head, str(head.client_ip), head.path)
        self._keep(receipt)
        return receipt

    def _keep(self, receipt: Receipt) -> None:
        self.last = receipt if len(receipt.block) <= LONGEST_KEPT else None

    def forget(self) -> None:
        """The client is silent: what is remembered of it costs more than to read its next head anew."""
        self.last = self._reader = None

    def tally(self, now: float) -> Tally:
        return Tally(self._entry.name, str(self._peer), started=now)
