"""Browser: Debian's Chromium by Playwright, which `scripts/apps` has put into .cache."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from docker.models.containers import Container

from tests.integration.image.apps.site import Site
from tests.program import ROOT

PLAYWRIGHT = ROOT / ".cache" / "apps" / "playwright"

if TYPE_CHECKING:
    Page: TypeAlias = Any
else:
    Page = object


@contextmanager
def browser(folder: Path) -> Iterator[Callable[[Site], Page]]:
    """Give pages; what they complained of is printed, which pytest shows with a failure."""
    site.addsitedir(str(PLAYWRIGHT))
    from playwright.sync_api import sync_playwright

    with ExitStack() as closing:
        playwright = closing.enter_context(sync_playwright())

        def page(where: Site) -> Page:
            running = playwright.chromium.launch(
                executable_path=str(beside(where.visitor, folder / "chromium")),
                args=[f"--host-resolver-rules=MAP {where.host} {where.address}"],
                env=os.environ | {"HOME": str(home_that_trusts(where.root, folder / "home"))},
            )
            closing.callback(running.close)
            opened = running.new_page()
            opened.set_default_timeout(60_000)
            opened.on("console", lambda message: print("browser:", message.text))
            opened.on("requestfailed", lambda request: print("browser:", request.url, request.failure))
            return opened

        yield page


def beside(visitor: Container, command: Path) -> Path:
    """Chromium, where the visitor's container is.

    It gives up what it is loading whenever an interface of its machine comes or goes, and with
    containers they do all the time (net::ERR_NETWORK_CHANGED).  In a container's network none does.
    """
    program = shutil.which("chromium")
    assert program, "scripts/apps installs chromium"
    visitor.reload()
    command.write_text(
        f'#!/bin/sh\nexec nsenter --net --target {visitor.attrs["State"]["Pid"]} {program} "$@"\n'
    )
    command.chmod(0o755)
    return command


def home_that_trusts(root: Path, home: Path) -> Path:
    """A home with a certificate store that has this authority, where Chromium looks (NSS)."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    for command in (("-N", "--empty-password"), ("-A", "-n", "authority", "-t", "C,,", "-i", str(root))):
        subprocess.run(["certutil", "-d", f"sql:{store}", *command], check=True, capture_output=True)
    return home
