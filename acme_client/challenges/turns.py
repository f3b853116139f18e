"""Turns: with which kind of challenge an attempt begins."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from acme_client.challenges.proof import Prover


def in_order(provers: Sequence[Prover], kinds: Collection[str]) -> tuple[Prover, ...]:
    """Those of these kinds, in their order."""
    by_kind = {prover.type: prover for prover in provers}
    return tuple(by_kind[kind] for kind in kinds if kind in by_kind)


def begin_with(provers: Sequence[Prover], first: str) -> tuple[Prover, ...]:
    """The provers in their order, this kind before the others."""
    return tuple(sorted(provers, key=lambda prover: prover.type != first))


def next_kind(provers: Sequence[Prover], failed: str, host: str) -> str:
    """The kind after the one that has failed, round about, of those that can prove the host at all.

    "" where there is no other one.
    """
    kinds = [prover.type for prover in provers if not prover.obstacle(host)]
    if failed not in kinds or len(kinds) < 2:
        return ""
    return kinds[(kinds.index(failed) + 1) % len(kinds)]
