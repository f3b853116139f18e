"""Filter: stands in for the program before the hardened one's engine, with the flags that the file gives."""

from __future__ import annotations

import sys

from tests.integration.docker.socket_proxy import SocketProxy

SOCKET = "unix:///var/run/docker.sock"


def main(flags: list[str]) -> None:
    told = dict(flag.lstrip("-").partition("=")[::2] for flag in flags)
    unknown = told.keys() - {"listenip", "allowfrom", "allowGET", "watchdoginterval", "stoponwatchdog"}
    if unknown:
        raise SystemExit(f"no such flags: {unknown}")
    with SocketProxy(SOCKET, "\n", None, told["allowGET"], (told["listenip"], 2375)) as proxy:
        proxy.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
