"""Machine: how and where the figures were taken, and with which versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.peers import Peer, version_number

METHOD = """\
Each proxy has one core and one worker; its backend (nginx, answers of 1 KiB) and the load generator
share another. Rounds alternate between the proxies within one run, and a figure is the median of its
rounds. What is compared is work for each second of processor time of the proxy's whole process tree, so
a figure does not depend on how busy the load generator is. Latency is that of clients who ask again as
soon as they are answered, on 64 connections unless the row says otherwise. Every proxy routes by host,
forwards the visitor's address, keeps its upstream connections and speaks TLS 1.2 and 1.3 with one ECDSA
P-256 certificate; none writes an access log. Otherwise each has its defaults, but nginx may not put
answers into temporary files and HAProxy may splice. A WebSocket message is 64 bytes, and each way
counts."""
TOOLS = {"wrk": ("wrk", "-v"), "nginx as the backend": ("nginx", "-v")}


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())


def machine(peers: Sequence[Peer]) -> Iterator[str]:
    """A Markdown list."""
    yield f"* {processor()}, {os.cpu_count()} cores, {memory_gb():.0f} GiB, {platform.machine()}"
    yield f"* {system()}, Linux {platform.release()}, Python {platform.python_version()}"
    versions = [f"{peer.name} {peer.version_number()}" for peer in peers if not peer.absence]
    versions += [f"{name} {version_number(command)}" for name, command in TOOLS.items()]
    yield f"* {'; '.join(versions)}"
