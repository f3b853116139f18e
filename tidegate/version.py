"""Version: which Tidegate this is, and on what it runs."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed


@cache
def version() -> str:
    """Looked up once: the answer stands in a file."""
    try:
        return installed("tidegate")
    except PackageNotFoundError:  # run from its source, without being installed
        return "unknown"


def version_text() -> str:
    import aiohttp
    from aiohttp import http_parser

    fast = http_parser.HttpRequestParser is not http_parser.HttpRequestParserPy
    parser = "C parser" if fast else "pure-Python parser: tidegate run refuses to start on it"
    server = f"aiohttp {aiohttp.__version__} ({parser})"
    lines = (f"tidegate {version()}", f"Python {platform.python_version()}", server)
    return "".join(f"{line}\n" for line in lines)
