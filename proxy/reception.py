"""Reception: the bytes of a client become requests, or the reason why not."""

from __future__ import annotations

from proxy.access_log import Tally
from proxy.exchange import IPAddress
from proxy.fields import MessageError
from proxy.gate import Entry
from proxy.head import scan_request
from proxy.headers import BadRequest, received
from proxy.turn import Turn


class Refused(Exception):
    """What came is no request; `reason` is for the log, `status` for the client."""

    def __init__(self, status: int, reason: str, tally: Tally) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.tally = tally


class Reception:
    """Receives one client's requests, each when its head is whole."""

    def __init__(self, entry: Entry, peer: IPAddress) -> None:
        self._entry = entry
        self._peer = peer
        self._seen = 0
        """Octets of an unfinished head that need no second look: a client may send them one by one."""

    def next(self, pending: bytearray, now: float) -> Turn | None:
        """Take the next request's head off `pending`; None while it is not whole."""
        tally = self.tally(now)
        try:
            scanned = scan_request(pending, seen=self._seen)
            if scanned is None:
                self._seen = len(pending)
                return None
            self._seen = 0
            tally.method = scanned.method
            entry = self._entry
            head = received(
                scanned, peer=self._peer, tls=entry.tls, local_port=entry.port, trusted=entry.gate.trusted
            )
        except MessageError as bad:
            raise Refused(bad.status, bad.reason, tally) from None
        except BadRequest as bad:
            raise Refused(400, str(bad), tally) from None
        del pending[: scanned.size]
        tally.client, tally.host, tally.path = str(head.client_ip), head.host, head.path
        return Turn(scanned, head, tally)

    def tally(self, now: float) -> Tally:
        return Tally(self._entry.name, str(self._peer), started=now)
