"""Addresses: where Tidegate listens, as its settings write it.

Tuples, because the schema reads a dataclass as a group of options.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import Literal, NamedTuple

from proxy.schema import Unfit

EXPECTED = "an address such as :80, 127.0.0.1:8080 or [::1]:8080"
HIGHEST = 65535
HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
ENTRYPOINT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")


class Address(NamedTuple):
    """A host and a port; without host every address of the machine, IPv4 and IPv6; port 0 is any free one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        host, colon, port = text.rpartition(":")
        number = text if not colon else port
        if re.fullmatch("[0-9]+", number, re.ASCII) and (len(number) > 5 or int(number) > HIGHEST):
            raise Unfit(f"an address with a port up to {HIGHEST}, such as :8080", text)
        if not colon and re.fullmatch("[0-9]{1,5}", text):
            raise Unfit(f"an address: :{text} for every address of this machine, or 127.0.0.1:{text}", text)
        if not colon or not re.fullmatch("[0-9]{1,5}", port):
            raise Unfit(EXPECTED, text)
        return cls(read_host(host, text), int(port))

    @property
    def bind_host(self) -> str | None:
        """The host as asyncio takes it: None is every address of both families."""
        return self.host or None

    @property
    def reachable_host(self) -> str:
        """The host at which this machine reaches it."""
        try:
            every = not self.host or ip_address(self.host).is_unspecified
        except ValueError:
            every = False
        return ("::1" if ":" in self.host else "127.0.0.1") if every else self.host

    @property
    def is_loopback(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_host(host: str, whole: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        try:
            return str(IPv6Address(host[1:-1]))
        except ValueError:
            raise Unfit(EXPECTED, whole) from None
    if host == "*":
        return ""
    # All digits and dots is a mistyped IPv4 address, which a resolver would read in ways of its own.
    mistyped = re.fullmatch(r"[0-9.]+", host) and not is_ipv4(host)
    if host and (mistyped or not HOST_NAME.fullmatch(host)):
        raise Unfit(EXPECTED, whole)
    return host


def is_ipv4(text: str) -> bool:
    try:
        return ip_address(text).version == 4
    except ValueError:
        return False


class NamedAddress(NamedTuple):
    """One more entrypoint: NAME=ADDR, with /tls behind it where it speaks HTTPS."""

    name: str
    address: Address
    tls: bool = False

    @classmethod
    def parse(cls, text: str) -> NamedAddress:
        name, sign, place = text.partition("=")
        if not sign or not ENTRYPOINT_NAME.fullmatch(name.strip()):
            raise Unfit("NAME=ADDR such as admin=127.0.0.1:8443/tls", text)
        address, slash, suffix = place.strip().partition("/")
        if slash and suffix.lower() != "tls":
            raise Unfit("nothing or /tls after the address", text)
        return cls(name.strip(), Address.parse(address), bool(slash))

    def __str__(self) -> str:
        return f"{self.name}={self.address}{'/tls' if self.tls else ''}"


class Off:
    """What is switched off; false, so that `if settings.dashboard:` reads as it means."""

    @classmethod
    def parse(cls, text: str) -> Off:
        if text.lower() != "off":
            raise Unfit('"off"', text)
        return OFF

    def __bool__(self) -> Literal[False]:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Off)

    def __hash__(self) -> int:
        return hash(Off)

    def __repr__(self) -> str:
        return "off"


OFF = Off()
