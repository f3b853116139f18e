"""Listening: the sockets of the entrypoints, bound all together or not at all."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from proxy.frozen import frozen

BACKLOG = 1024
EVERYWHERE = ["0.0.0.0", "::"]  # noqa: S104  an entrypoint is for everybody unless it says otherwise
NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


@frozen
class Listener:
    """Where an entrypoint listens.  `host` empty means every address of the machine, IPv4 and IPv6."""

    name: str
    host: str
    port: int
    tls: bool = False


class CannotListen(OSError):
    """An address cannot be had; `entrypoint` is the one whose setting asks for it."""

    def __init__(self, entrypoint: str, number: int | None, message: str) -> None:
        super().__init__(number, message)
        self.entrypoint = entrypoint


Bound: TypeAlias = tuple[Listener, socket.socket]
"""A listener and one of its sockets; it has one per family."""


def bind_all(listeners: Sequence[Listener], several: int = 1) -> list[list[Bound]]:
    """`several` sets of sockets, each listening everywhere; the kernel spreads connections over the sets.

    The first set is bound to have its addresses alone, so that somebody else's
    listener is noticed, and shares them only then (SO_REUSEPORT, socket(7)).
    """
    sets: list[list[Bound]] = [[] for _ in range(several)]
    try:
        for listener in listeners:
            for sock in _bind(listener):
                sets[0].append((listener, sock))
                if several > 1:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                for others in sets[1:]:
                    others.append((listener, _bind_beside(listener, sock)))
    except CannotListen:
        for bound in sets:
            close_all(bound)
        raise
    return sets


def close_all(bound: Iterable[Bound]) -> None:
    for _, sock in bound:
        sock.close()


def addresses_of(bound: Iterable[Bound]) -> dict[str, tuple[tuple[str, int], ...]]:
    """Where each entrypoint really listens, by its name."""
    addresses: dict[str, tuple[tuple[str, int], ...]] = {}
    for listener, sock in bound:
        host, port = sock.getsockname()[:2]
        addresses[listener.name] = (*addresses.get(listener.name, ()), (host, port))
    return addresses


def _bind(listener: Listener) -> Iterator[socket.socket]:
    """One socket per family.  A machine without IPv6 is no reason not to start."""
    port = listener.port
    for host in [listener.host] if listener.host else EVERYWHERE:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            if not listener.host and family == socket.AF_INET6 and error.errno in NO_IPV6:
                return
            raise _refused(listener, host, port, error) from error
        port = sock.getsockname()[1]
        yield sock


def _bind_beside(listener: Listener, first: socket.socket) -> socket.socket:
    """One more socket at the address of the first."""
    host, port = first.getsockname()[:2]
    try:
        return socket.create_server((host, port), family=first.family, backlog=BACKLOG, reuse_port=True)
    except OSError as error:
        raise _refused(listener, host, port, error) from error


def _refused(listener: Listener, host: str, port: int, error: OSError) -> CannotListen:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    # create_server adds to the reason, in Python's words, what is said before it here.
    why = str(error.strerror).partition(" (while attempting")[0]
    message = f"Entrypoint {listener.name!r} cannot listen on {where}: {why}."
    return CannotListen(listener.name, error.errno, message)
