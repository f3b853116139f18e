"""`make demo`: containers with labels become HTTPS sites before your eyes.

On a terminal a live table stays until Ctrl-C while one container after another
is stopped and started.  Without a terminal everything that the table would
show is proved once, printed, and the exit status says whether it held.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from compose.demo import apps, live, proof
from compose.demo.stage import Stage, authority
from tests.engine import running_engine
from tests.program import Program, free_port

STATE = Path(__file__).parents[2] / ".demo"


def say(text: str) -> None:
    print(text, flush=True)


def raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    signal.signal(signal.SIGTERM, raise_interrupt)
    shutil.rmtree(STATE / "tidegate", ignore_errors=True)
    STATE.mkdir(exist_ok=True)
    with ExitStack() as cleaning:
        web = free_port()
        say("demo: looking for a Docker engine")
        engine = cleaning.enter_context(running_engine(STATE / "engine"))
        say(f"demo: engine at {engine}; building the apps' image FROM scratch and starting three containers")
        sites = cleaning.enter_context(apps.running(engine))
        flags, issuer = cleaning.enter_context(authority(STATE / "ca", web))
        say(f"demo: starting Tidegate; certificates come from {issuer}")
        tidegate = cleaning.enter_context(
            Program(STATE / "tidegate", "--docker", engine, *flags.command, web=web)
        )
        stage = Stage(engine, sites, tidegate, flags.trust)
        if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
            live.show(stage)
            return 0
        return proof.prove(stage, say)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
