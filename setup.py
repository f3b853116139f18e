"""The version; and with TIDEGATE_COMPILE=1 the modules below compiled by mypyc, else all is plain Python.

They are those that every request passes, and what those construct.  A module is
left out where it gains nothing or where its values travel between processes.

The version is that of the git tag (`v1.2.3`).  Behind it follows 1.2.4.dev5+gSHA,
and 0.1.0.dev0 stands where no tag can be seen: a shallow clone, an archive, a
build of an image.  TIDEGATE_VERSION says another one.
"""

from __future__ import annotations

import os
import re
import subprocess
from email.parser import HeaderParser
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
UNTAGGED = "0.1.0.dev0"
DESCRIBED = re.compile(
    r"v(?P<before>(?:[0-9]+\.)*)(?P<last>[0-9]+)-(?P<commits>[0-9]+)-(?P<commit>g[0-9a-f]+)"
)

COMPILED = (
    "access_log", "answering", "arrival", "asked", "authority", "awaited_exchange", "balancer",
    "capacity", "client_hello", "client_stream", "conduit", "connection", "decision", "delivery",
    "dialogue", "door", "edited", "field_lines", "fields", "framing", "gate", "head", "headers",
    "host_index", "incoming", "intake", "lane", "message", "ordinary", "particular", "pathname",
    "phase", "pick", "plain", "poller", "receipt", "reception", "repeating", "route",
    "socket_transport", "standing", "sticky", "table", "target", "tls_transport", "transport", "tunnel",
    "turn", "turns", "upgrade", "upstream", "upstream_connection", "upstream_exchange", "upstream_wire",
    "websocket", "wire", "writing",
)  # fmt: skip


def version() -> str:
    """Of the variable, an unpacked sdist, or the nearest tag; a repository around ours is not asked."""
    said = os.environ.get("TIDEGATE_VERSION", "")
    if said:
        return said.removeprefix("v")
    packed = HERE / "PKG-INFO"
    if packed.exists():
        return str(HeaderParser().parsestr(packed.read_text(encoding="utf-8"))["Version"])
    return version_of(describe()) if (HERE / ".git").exists() else UNTAGGED


def describe() -> str:
    """As in v1.2.3-5-gabcdef0; "" where git or a tag is missing."""
    asked = ["git", "-C", str(HERE), "describe", "--tags", "--long", "--match", "v[0-9]*"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""


def version_of(described: str) -> str:
    found = DESCRIBED.fullmatch(described)
    if found is None:
        return UNTAGGED
    if found["commits"] == "0":
        return found["before"] + found["last"]
    return f"{found['before']}{int(found['last']) + 1}.dev{found['commits']}+{found['commit']}"


def extensions() -> list[object]:
    if os.environ.get("TIDEGATE_COMPILE") != "1":
        return []
    from mypyc.build import mypycify

    files = [f"proxy/{name}.py" for name in COMPILED]
    made: list[object] = mypycify(
        ["--strict", *files], opt_level="3", debug_level="1", multi_file=True, group_name="tidegate"
    )
    return made


setup(version=version(), ext_modules=extensions())
