"""Version: which Tidegate this is, and on what it runs."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

INSTALLING = 60.0
"""Seconds that lie between two files of one installation; who edits a source takes longer."""


@cache
def version() -> str:
    """Looked up once: the answer stands in a file."""
    return _installed_beside(Path(__file__).parents[1]) or _known_to_python()


def _installed_beside(packages: Path) -> str:
    """What an installer wrote beside the package (Core metadata specifications, "Version"); else empty.

    Python's own way needs a module of half a megabyte.
    """
    for metadata in packages.glob("tidegate-*.dist-info/METADATA"):
        for line in metadata.read_text(encoding="utf-8").splitlines():
            if line.startswith("Version: "):
                return line.removeprefix("Version: ").strip()
    return ""


def _known_to_python() -> str:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("tidegate")
    except PackageNotFoundError:  # run from its source, without being installed
        return "unknown"


def version_text() -> str:
    import platform

    import aiohttp
    from aiohttp import http_parser

    fast = http_parser.HttpRequestParser is not http_parser.HttpRequestParserPy
    parser = "C parser" if fast else "pure-Python parser: tidegate run refuses to start on it"
    server = f"aiohttp {aiohttp.__version__} ({parser})"
    lines = (f"tidegate {version()} ({how_it_runs()})", f"Python {platform.python_version()}", server)
    return "".join(f"{line}\n" for line in lines)


def how_it_runs() -> str:
    """Whether what every request passes is compiled: Python takes a compiled module before its source."""
    found = find_spec("proxy.lane")
    if found is None or not found.origin or found.origin.endswith(".py"):
        return "proxy in plain Python"
    source = Path(found.origin).with_name("lane.py")
    if source.exists() and source.stat().st_mtime > Path(found.origin).stat().st_mtime + INSTALLING:
        return "proxy compiled, from older sources: make compile"
    return "proxy compiled"
