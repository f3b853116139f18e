"""The demo on a terminal: a table that lives, and a tide that stops and starts the containers in turn."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Iterator

from compose.demo.apps import Site
from compose.demo.stage import Stage

TIDE = 8.0  # seconds between one stop or start and the next
CLEAR = "\x1b[H\x1b[2J"
GREEN, RED, DIM, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[2m", "\x1b[0m"


def show(stage: Stage) -> None:
    """Draw until Ctrl-C."""
    moves = tide(stage.sites)
    now_doing, next_move = "waiting for certificates", time.monotonic() + TIDE
    try:
        while True:
            rows = [row(stage, site) for site in stage.sites]
            draw(rows, now_doing, stage)
            if time.monotonic() > next_move:
                now_doing, next_move = next(moves), time.monotonic() + TIDE
            time.sleep(0.5)
    except KeyboardInterrupt:
        print("\ndemo: cleaning up", flush=True)


def tide(sites: tuple[Site, ...]) -> Iterator[str]:
    for site in itertools.cycle(sites):
        site.container.stop(timeout=1)
        yield f"stopped container {site.container.name}"
        site.container.start()
        yield f"started container {site.container.name}"


def row(stage: Stage, site: Site) -> tuple[str, str, str, str, bool]:
    """URL, container, issuer, answer, whether it is open."""
    try:
        seen = stage.look(site)
    except OSError as closed:
        return stage.url(site), str(site.container.name), "", str(closed)[:60], False
    return stage.url(site), str(site.container.name), seen.issuer, seen.summary, seen.status == 200


def draw(rows: list[tuple[str, str, str, str, bool]], now_doing: str, stage: Stage) -> None:
    head = ("URL", "CONTAINER", "ISSUER", "FIRST RESPONSE")
    widths = [max(len(cells[at]) for cells in [head, *[row[:4] for row in rows]]) for at in range(4)]
    width = shutil.get_terminal_size().columns
    lines = [DIM + line(head, widths)[:width] + PLAIN]
    lines += [(GREEN if row[4] else RED) + line(row[:4], widths)[:width] + PLAIN for row in rows]
    hint = f"dashboard: http://127.0.0.1:{stage.tidegate.dashboard}/   Ctrl-C ends and cleans up"
    lines += ["", f"{now_doing}   {DIM}{hint}{PLAIN}"]
    print(CLEAR + "\n".join(lines), flush=True)


def line(cells: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
