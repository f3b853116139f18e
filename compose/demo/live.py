"""The demo on a terminal: a table that lives, and a tide that stops and starts the containers in turn."""

from __future__ import annotations

import itertools
import shutil
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from compose.demo.apps import Site
from compose.demo.proof import NEXT
from compose.demo.stage import Stage

TIDE = 8.0  # seconds between one stop or start and the next
WAITING = "The certificates are on their way."
CLEAR = "\x1b[H\x1b[2J"
GREEN, RED, YELLOW, DIM, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
WAITS = "waiting for its certificate"


@dataclass(frozen=True, slots=True)
class Row:
    """One site as a visitor sees it."""

    url: str
    response: str
    issuer: str
    container: str
    opened: bool = False

    @property
    def cells(self) -> tuple[str, str, str, str]:
        return self.url, self.container, self.response[:34], self.issuer

    @property
    def colour(self) -> str:
        return GREEN if self.opened else YELLOW if self.response == WAITS else RED


def show(stage: Stage) -> None:
    """Draw until Ctrl-C."""
    moves = tide(stage.sites)
    now_doing, next_move = WAITING, time.monotonic() + TIDE
    try:
        while True:
            rows = [row(stage, site) for site in stage.sites]
            if all(row.opened for row in rows) and now_doing == WAITING:
                now_doing = "All gates are open.  In a moment the demo stops a container."
            draw(rows, now_doing, stage)
            if now_doing != WAITING and time.monotonic() > next_move:
                now_doing, next_move = next(moves), time.monotonic() + TIDE
            time.sleep(0.5)
    except KeyboardInterrupt:
        print(f"\ndemo: cleaning up\n\n{NEXT}", flush=True)


def tide(sites: tuple[Site, ...]) -> Iterator[str]:
    """One container after another is stopped and started; what was done."""
    for site in itertools.cycle(sites):
        site.container.stop(timeout=1)
        yield f"The demo has stopped {site.container.name}: its gate is closed."
        site.container.start()
        yield f"The demo has started {site.container.name}: its gate is open again."


def row(stage: Stage, site: Site) -> Row:
    """What a visitor sees now."""
    name = str(site.container.name).removeprefix("tidegate-demo-")
    try:
        seen = stage.look(site)
    except ssl.SSLError:
        return Row(stage.url(site), WAITS, "", name)
    except OSError as closed:
        return Row(stage.url(site), str(closed), "", name)
    return Row(stage.url(site), seen.summary, seen.issuer, name, seen.status == 200)


def draw(rows: list[Row], now_doing: str, stage: Stage) -> None:
    head = ("URL", "CONTAINER", "FIRST RESPONSE", "ISSUER")
    widths = [max(len(cells[at]) for cells in [head, *[row.cells for row in rows]]) for at in range(4)]
    width = shutil.get_terminal_size().columns
    lines = [DIM + line(head, widths)[:width] + PLAIN]
    lines += [row.colour + line(row.cells, widths)[:width] + PLAIN for row in rows]
    lines += ["", now_doing, "", *(f"{DIM}{hint}{PLAIN}" for hint in hints(stage))]
    print(CLEAR + "\n".join(lines), flush=True)


def hints(stage: Stage) -> tuple[str, ...]:
    return (
        f"Dashboard: http://127.0.0.1:{stage.tidegate.dashboard}/",
        f"Try it yourself: docker -H {stage.engine} stop tidegate-demo-page-1",
        f"and:             .venv/bin/tidegate routes --data {from_here(stage.tidegate.data)}",
        "A browser warns: the authority of these sites is made for tests.",
        "Ctrl-C ends and cleans up.",
    )


def from_here(path: Path) -> Path:
    """As short as it can be written from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
