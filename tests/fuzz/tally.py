"""Tally: how often something was tried and compared, and what was found, each kind once."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.fuzz.comparing import Finding
from tests.fuzz.targets import TARGETS, shrunk


@dataclass
class Tally:
    target: str
    tried: int = 0
    compared: int = 0
    found: dict[str, str] = field(default_factory=dict)
    """The kind of difference -> what was found, with bytes to paste into the corpus."""
    began: float = field(default_factory=time.monotonic)

    def take(self, data: bytes) -> None:
        self.tried += 1
        try:
            self.compared += TARGETS[self.target].try_out(data)
        except Finding as finding:
            if finding.kind not in self.found:
                self.found[finding.kind] = self._told(data, finding.kind)
                print(self.found[finding.kind], flush=True)

    def _told(self, data: bytes, kind: str) -> str:
        try:
            TARGETS[self.target].try_out(shrunk(TARGETS[self.target], data, kind))
        except Finding as shortest:
            return f'    "found by {self.target}": {shortest.raw!r},\n  {shortest}'
        raise AssertionError("a difference that is not there the second time")

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self) | {"began": 0, "seconds": time.monotonic() - self.began}))
