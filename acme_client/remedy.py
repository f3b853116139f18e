"""Remedy: what the owner can do about a failure, by whose fault it is."""

from __future__ import annotations

from collections.abc import Mapping

REMEDIES: Mapping[str, str] = {
    "validation": "Correct that; it is tried again by itself, or at once by: tidegate certs renew {host}",
    "preflight": "Correct that; it is looked at again by itself, or at once by: tidegate certs renew {host}",
    "rate": "Nothing but time helps: the limit is the authority's.",
    "authority": "Nothing to do: it is asked again by itself, and a second one in --acme-ca meanwhile.",
    "unreachable": "See whether this machine reaches the authority; it is asked again by itself.",
    "configuration": "Correct that and restart Tidegate, or ask at once by: tidegate certs renew {host}",
    "dns": "See to the DNS provider and its credentials (docs/dns.md); then: tidegate certs renew {host}",
    "bug": "The log has more for whoever reports it; it is tried again by itself.",
}


def remedy(kind: str, host: str) -> str:
    """What helps against a failure of this kind; "" where there is none."""
    return REMEDIES.get(kind, "").format(host=host)
