"""Choosing: which of several is asked, where they do not simply take turns.  All of it pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import log

from proxy.exchange import RequestHead
from proxy.sticky import cookies


def least(able: Sequence[int], load: Callable[[int], float]) -> list[int]:
    """Those with the least load."""
    loads = [load(place) for place in able]
    smallest = min(loads)
    return [place for place, each in zip(able, loads, strict=True) if each == smallest]


def two_of(able: Sequence[int]) -> Sequence[int]:
    """Two of them by chance, or all where there are no more."""
    return able if len(able) <= 2 else random.sample(able, 2)


def by_hash(able: Sequence[int], key: str, members: Sequence[str], weights: Sequence[float]) -> int:
    """The member with the highest random weight: it changes for few keys when members come and go."""
    return max(able, key=lambda place: _score(key, members[place], weights[place]))


def _score(key: str, member: str, weight: float) -> float:
    digest = blake2b(f"{key}\0{member}".encode("utf-8", "surrogateescape"), digest_size=7).digest()
    return -weight / log((int.from_bytes(digest) + 0.5) / (1 << 56))


def hash_key(hash_by: str, head: RequestHead) -> str:
    """What of the request decides; empty where it says nothing."""
    kind, _, name = hash_by.partition(":")
    match kind:
        case "header":
            return head.get(name)
        case "cookie":
            return next(iter(cookies(head, name)), "")
    return str(head.client_ip)
