"""Workshop: what the manager's parts have in common - the CAs, the storage, and threads for both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from functools import partial
from pathlib import Path

from acme_client.accounts import Opened
from acme_client.authority import Authorities, Authority
from acme_client.events import Event
from acme_client.frozen import frozen
from acme_client.registered import Domains
from acme_client.sessions import Sessions
from acme_client.store import Store
from acme_client.worker import Worker

AT_ONCE = 4
"""Orders under way: a hundred hosts are done in minutes, and the CA is not flooded."""

OpenSession = Callable[[Store, Authority, Callable[[], datetime], str], Opened]


@frozen
class Workshop:
    """`disk` runs what the storage blocks for, `network` the requests to CAs: one each, and no waiting."""

    data: Path
    authorities: Authorities
    store: Store
    disk: Worker
    network: Worker
    sessions: Mapping[str, Sessions]
    """By the CA's directory; those for rehearsals are among them."""
    log: Callable[[Event], None]
    clock: Callable[[], datetime]
    domains: Domains = field(default_factory=Domains)

    @classmethod
    def at(
        cls,
        data: Path,
        authorities: Authorities,
        log: Callable[[Event], None],
        clock: Callable[[], datetime],
        open_session: OpenSession,
    ) -> Workshop:
        """On this directory; no CA is asked before there is something to ask it for."""
        store, network = Store(data), Worker("acme", AT_ONCE)
        sessions = {
            each.directory: Sessions(partial(open_session, store, each, clock), network, log)
            for each in authorities.with_rehearsals
            if each.directory
        }
        return cls(data, authorities, store, Worker("storage", 1), network, sessions, log, clock)
