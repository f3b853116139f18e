"""Found: a certificate of another program's, as it lies there."""

from __future__ import annotations

from dataclasses import field

from acme_client.frozen import frozen


@frozen
class Found:
    """`place` says where to people; `source` is a URL of the CA that issued it, "" where nothing says."""

    place: str
    chain_pem: bytes = field(repr=False)
    key_pem: bytes = field(repr=False)
    source: str = ""


@frozen
class Unusable:
    """Something at a place where a certificate should be."""

    place: str
    reason: str
