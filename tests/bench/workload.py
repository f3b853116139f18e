"""Workloads: what is asked of every peer, one declaration each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tests.bench.backend import FILES, KIB
from tests.bench.chore import CHORES, Chore
from tests.bench.site import HOST, host_names

# What a browser sends with each request of a page; Host, Referer and Cookie come with them: 14 in all.
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.7,de;q=0.3",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "DNT": "1",
    "Sec-GPC": "1",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-User": "?1",
}
SESSION = "session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; seen="
PAGE = {**BROWSER, "Referer": f"http://{HOST}/item/1", "Cookie": f"{SESSION}1"}

# The path, Referer and Cookie of every request differ: nothing that a proxy remembers of a whole head helps.
FIXED = r"\r\n".join(f"{name}: {value}" for name, value in BROWSER.items())
UNIQUE = f"""
local fixed = "{FIXED}\\r\\n"
local number = 0
request = function()
    number = number + 1
    return "GET /item/" .. number .. " HTTP/1.1\\r\\nHost: {HOST}\\r\\n" .. fixed
        .. "Referer: http://{HOST}/item/" .. number - 1
        .. "\\r\\nCookie: {SESSION}" .. number .. "\\r\\n\\r\\n"
end
"""

Unit = Literal["requests", "messages", "gigabytes"]


@dataclass(frozen=True, slots=True)
class Workload:
    """One load; `unit` is what a second of the proxy's time is set against."""

    name: str
    title: str
    connections: int = 64
    path: str = "/"
    tls: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    body: int = 0
    script: str = ""  # Lua for wrk that makes the requests itself
    unit: Unit = "requests"
    routes: int = 1
    latency: bool = True
    chore: Chore | None = None

    @property
    def size(self) -> int:
        """How long one answer is."""
        return FILES.get(self.path.rpartition("/")[2], KIB)


def across(routes: int) -> str:
    """Lua that asks the hosts in an order that no cache of the last one helps with."""
    hosts = ",".join(f'"{host}"' for host in host_names(routes))
    return f"""
local hosts = {{{hosts}}}
local number, step = 0, 7919
request = function()
    number = (number + step) % #hosts
    return "GET / HTTP/1.1\\r\\nHost: " .. hosts[number + 1] .. "\\r\\n\\r\\n"
end
"""


CLOSE = {"Connection": "close"}

WORKLOADS = (
    Workload("few", "few headers"),
    Workload("few-4", "few headers, 4 connections", connections=4),
    Workload("repeated", "14 headers, repeated", headers=PAGE),
    Workload("repeated-4", "14 headers, repeated, 4 connections", connections=4, headers=PAGE),
    Workload("unique", "14 headers, each request unique", script=UNIQUE),
    Workload("unique-4", "14 headers, each request unique, 4 connections", connections=4, script=UNIQUE),
    Workload("post", "POST of 2 KiB", body=2 * KIB),
    Workload("64k", "64 KiB", path="/files/64k", unit="gigabytes", latency=False),
    Workload("10m", "10 MiB", connections=4, path="/files/10m", unit="gigabytes", latency=False),
    Workload("1g", "1 GiB", connections=2, path="/files/1g", unit="gigabytes", latency=False),
    Workload("tls", "TLS, keep-alive, 14 headers", tls=True, headers=PAGE),
    Workload("tls-4", "TLS, keep-alive, 14 headers, 4 connections", connections=4, tls=True, headers=PAGE),
    Workload("tls-new", "TLS, a new connection each", connections=32, tls=True, headers=CLOSE, latency=False),
    Workload(
        "tls-10m",
        "10 MiB over TLS",
        connections=4,
        path="/files/10m",
        tls=True,
        unit="gigabytes",
        latency=False,
    ),
    Workload("websocket", "WebSocket, 64-byte messages", connections=32, unit="messages"),
    *(
        Workload(
            each.name,
            f"{each.name}: {each.title}",
            path=each.path,
            headers={"Host": each.host, **each.headers},
            latency=False,
            chore=each,
        )
        for each in CHORES
    ),
    Workload("routes-10", "10 routes", script=across(10), routes=10),
    Workload("routes-1000", "1,000 routes", script=across(1_000), routes=1_000),
    Workload("routes-10000", "10,000 routes", script=across(10_000), routes=10_000),
)
