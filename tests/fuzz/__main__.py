"""`make fuzz`: a long hunt for inputs that two readers understand differently.

Guided by coverage where atheris is there (`.cache/atheris`), else by hypothesis with a database that
remembers.  A finding is printed as bytes to paste into tests/proxy/corpus; exit status 1 if there is one.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.fuzz import shapes
from tests.fuzz.tally import Tally
from tests.fuzz.targets import TARGETS
from tests.program import ROOT

KEPT = ROOT / ".cache" / "fuzz"
ATHERIS = ROOT / ".cache" / "atheris"
SHAPES: dict[str, st.SearchStrategy[bytes]] = {
    "request": shapes.request_heads(),
    "response": shapes.response_heads(),
    "chunks": shapes.chunked_bodies(),
}
ROUND = 200  # examples drawn at a time: what is left of a round when time is up is drawn for nothing


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--folder", type=Path, default=KEPT)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    guide = (ATHERIS / "atheris").is_dir() or importlib.util.find_spec("atheris") is not None
    # Shapes are mostly accepted, guided bytes find what nobody thought of: each has its share of the time.
    share = chosen.minutes * 60 / len(TARGETS) / (2 if guide else 1)
    tallies = [shaped(name, share, chosen.folder) for name in TARGETS]
    if guide:
        tallies += [guided(name, share, chosen.folder) for name in TARGETS]
    for each in tallies:
        tried, compared, found = each["tried"], each["compared"], len(each["found"])
        print(
            f"{each['how']:8} {each['target']:9} {tried:9,} tried, {compared:9,} accepted and compared, "
            f"{found} found, in {each['seconds']:.0f} s"
        )
    return 1 if any(each["found"] for each in tallies) else 0


def shaped(name: str, seconds: float, folder: Path) -> dict[str, Any]:
    tally = Tally(name)
    until = time.monotonic() + seconds
    steering = st.binary(min_size=2, max_size=2)

    @settings(
        max_examples=ROUND,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate],
        database=DirectoryBasedExampleDatabase(folder / "hypothesis"),
    )
    @given(SHAPES[name], steering)
    def take(raw: bytes, steered: bytes) -> None:
        if time.monotonic() < until:
            tally.take(raw + steered)

    while time.monotonic() < until:
        take()
    tally.write(folder / f"{name}.json")
    return json.loads((folder / f"{name}.json").read_text()) | {"how": "shaped"}


def guided(name: str, seconds: float, folder: Path) -> dict[str, Any]:
    """In a process of its own: libFuzzer ends it as it likes."""
    told = folder / f"{name}.json"
    told.unlink(missing_ok=True)
    path = os.pathsep.join([str(ROOT), str(ATHERIS)])
    process = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.guided", name, str(seconds), str(folder)],
        env=os.environ | {"PYTHONPATH": path},
        cwd=folder,  # a crash of a parser leaves its input here
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if process.returncode != 0 or not told.exists():
        raise SystemExit(
            f"the guided hunt of {name} ended with {process.returncode}:\n{process.stderr[-4000:]}"
        )
    return json.loads(told.read_text()) | {"how": "guided"}


if __name__ == "__main__":
    sys.exit(main())
