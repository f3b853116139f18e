"""Refused address: what to tell somebody whose address cannot be listened on, and what to write instead."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

from tidegate.addresses import Address, NamedAddress

PRIVILEGED = 1024
"""Ports below it are for root (ip(7), ip_unprivileged_port_start)."""


def refused_entrypoint(entry: NamedAddress, number: int | None) -> str:
    def setting(address: Address) -> str:
        usual = entry.name in ("web", "websecure")
        return f"--{entry.name} {address}" if usual else f"--entrypoint {entry._replace(address=address)}"

    usual_port = 8443 if entry.tls else 8080
    return refused(f"Entrypoint {entry.name}", entry.address, number, setting, usual_port)


def refused_dashboard(address: Address, number: int | None) -> str:
    return refused("The dashboard", address, number, lambda instead: f"--dashboard {instead}", 8900)


def refused(
    who: str, address: Address, number: int | None, setting: Callable[[Address], str], usual_port: int
) -> str:
    """Why `who` cannot have the address, by the number of the system's error, and the setting that helps."""
    cannot = f"{who} cannot listen on port {address.port}"
    instead = setting(address._replace(port=usual_port + (address.port == usual_port)))
    match number:
        case errno.EADDRINUSE:
            return f"{cannot}: another program has it. Stop that program, or choose another port: {instead}"
        case errno.EACCES if address.port < PRIVILEGED:
            return (
                f"{cannot}: ports below {PRIVILEGED} are for root. Start Tidegate as root or in a container, "
                f"let everybody have them (sudo sysctl net.ipv4.ip_unprivileged_port_start={address.port}), "
                f"or choose another port: {instead}"
            )
        case errno.EACCES:
            return f"{cannot}: this system does not allow it. Choose another port: {instead}"
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT | socket.EAI_NONAME:
            everywhere = setting(Address("", address.port))
            return (
                f"{who} cannot listen on {address}: this machine has no such address. "
                f"Choose one that it has, or all of them: {everywhere}"
            )
    words = os.strerror(number) if number and number > 0 else "the address cannot be used"
    return f"{who} cannot listen on {address}: {words.lower()}. Choose another address: {instead}"
