"""With TIDEGATE_COMPILE=1 the modules below are compiled by mypyc; without it the wheel is plain Python.

They are those that every request passes, and what those construct.  A module is
left out where it gains nothing or where its values travel between processes.
"""

from __future__ import annotations

import os

from setuptools import setup

COMPILED = (
    "access_log", "answering", "arrival", "asked", "authority", "awaited_exchange", "balancer", "capacity",
    "client_hello", "client_stream", "conduit", "connection", "decision", "delivery", "dialogue",
    "door", "field_lines", "fields", "framing", "gate", "head", "headers", "host_index", "incoming",
    "intake", "lane", "message", "ordinary", "particular", "phase", "plain", "poller", "receipt",
    "reception", "repeating", "route", "socket_transport", "table", "target", "tls_transport",
    "transport", "tunnel", "turn", "turns", "upgrade", "upstream", "upstream_connection",
    "upstream_exchange", "upstream_wire", "websocket", "wire", "writing",
)  # fmt: skip


def extensions() -> list[object]:
    if os.environ.get("TIDEGATE_COMPILE") != "1":
        return []
    from mypyc.build import mypycify

    files = [f"proxy/{name}.py" for name in COMPILED]
    made: list[object] = mypycify(
        ["--strict", *files], opt_level="3", debug_level="1", multi_file=True, group_name="tidegate"
    )
    return made


setup(ext_modules=extensions())
