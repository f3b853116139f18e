"""Findings: what looking before an order has shown, and how sure it is.

From inside a home network much looks different: many routers do not let their
own network in by the public address (hairpin NAT) or answer there themselves,
and the DNS may lead elsewhere (split DNS).  So hardly anything is certain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from ipaddress import ip_address
from typing import Literal

from acme_client.caa import CAARecord, allowed, allowed_names
from acme_client.frozen import frozen


@frozen
class Finding:
    """In words.  `certain` that the CA would refuse; else it may, or all may be well."""

    text: str
    certain: bool = False


@frozen
class Seen:
    """Who answered at an address: this Tidegate, somebody else (`said` is how), or nobody."""

    address: str
    port: int
    who: Literal["ours", "other", "silent"]
    said: str = ""


def of_addresses(host: str, addresses: Sequence[str] | None) -> Iterator[Finding]:
    """`addresses` None: nothing is known."""
    if addresses is None:
        return
    if not addresses:
        yield Finding(
            f"The DNS has no address for {host}. Add an A record (AAAA for IPv6) that leads to this machine.",
            certain=True,
        )
    elif not any(ip_address(address.partition("%")[0]).is_global for address in addresses):
        yield Finding(
            f"Here {host} leads to {', '.join(addresses)}, where no public CA can look. If only this network"
            " sees it like that (split DNS), all is well."
        )


def of_looks(host: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    for each in seen:
        where = f"[{each.address}]:{each.port}" if ":" in each.address else f"{each.address}:{each.port}"
        how = f" ({each.said})" if each.said else ""
        six = ":" in each.address
        if each.who == "silent" and six:
            yield Finding(
                f"Nothing answers at {where}{how}, where the AAAA record of {host} leads, and CAs try IPv6"
                " first. Open the port for IPv6, or remove the AAAA record."
            )
        elif each.who == "silent":
            yield Finding(
                f"Nothing answers at {where}{how}, seen from here. If the router does not let its own network"
                f" in by this address, that means nothing; else forward port {each.port} to this machine."
            )
        elif each.who == "other":
            # There is no address translation on the way to a global IPv6 address.
            certain = six and ip_address(each.address.partition("%")[0]).is_global
            yield Finding(
                f"Somebody else answers at {where}{how}, where {host} leads."
                + (
                    " Correct or remove its AAAA record."
                    if six
                    else f" If that is the router itself, see that it forwards port {each.port} from outside."
                ),
                certain,
            )


def of_caa(
    host: str, zone: str, records: Sequence[CAARecord], identities: Collection[str], kind: str
) -> Iterator[Finding]:
    """`identities` are the CA's names for this purpose; none where it does not say."""
    if identities and not allowed(records, host, identities, kind):
        yield Finding(
            f"The CAA records of {zone} let {allowed_names(records)}, and not {', '.join(identities)}, issue"
            f' by {kind}. Add to the DNS: {zone} CAA 0 issue "{next(iter(identities))}"',
            certain=True,
        )
