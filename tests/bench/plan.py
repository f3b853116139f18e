"""Plan: how one run of the bench is made: against whom, how long, in which folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.backend import Backend
from tests.bench.peers import Peer
from tests.bench.site import Site, make_site


@dataclass(frozen=True, slots=True)
class Plan:
    peers: Sequence[Peer]
    backend: Backend
    folder: Path
    rounds: int
    seconds: float

    def site(self, peer: Peer, routes: int = 1) -> Site:
        """New ports and a configuration of its own, so that a restart never waits for an old socket."""
        return make_site(self.folder, peer.name, self.backend.port, self.backend.chat, routes)


def say(text: str) -> None:
    """Progress, beside the tables on standard output."""
    print(text, file=sys.stderr, flush=True)
