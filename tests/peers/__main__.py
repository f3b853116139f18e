"""`make peers-corpus`: the corpora of requests and apps, played at Tidegate's two lanes and at its peers.

With --names the cases that did not come out as expected are listed; --only plays the groups whose name has
this in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tests.bench.peers import PEERS, Peer
from tests.bench.site import HOST, Site, make_certificate, trusting
from tests.peers.backend import backend
from tests.peers.guards import guarded
from tests.peers.judging import Outcome, Verdict
from tests.peers.playing import Address, play_all
from tests.program import free_port

AGAIN = ("octet by octet", "over TLS")
"""The same cases, sent in another way."""
Results = dict[tuple[str, str], Outcome]
"""(group, name) -> outcome."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make peers-corpus", description=__doc__)
    parser.add_argument("--peers", default="", help="separated by commas; a part of the name will do")
    parser.add_argument("--only", default="")
    parser.add_argument("--names", action="store_true")
    parser.add_argument("--into", type=Path, help="where to write all outcomes, as JSON")
    chosen = parser.parse_args()
    wanted = [each.strip().lower() for each in chosen.peers.split(",") if each.strip()]
    every: dict[str, Results] = {}
    with tempfile.TemporaryDirectory(prefix="tidegate-peers-") as folder:
        make_certificate(Path(folder))
        for peer in PEERS:
            if wanted and not any(each in peer.name.lower() for each in wanted):
                continue
            if peer.absence:
                print(f"{peer.name}: {peer.absence}", flush=True)
                continue
            name = f"{peer.name} {peer.version_number()}"
            every[name] = asyncio.run(played(peer, Path(folder), chosen.only))
            wrong = sum(outcome[0] is Verdict.HARMFUL for outcome in every[name].values())
            print(f"{name}: {len(every[name])} cases, {wrong} harmful", flush=True)
    print("\n".join(table(every)))
    if chosen.names:
        print("\n".join(named(every)))
    print("\n".join(alone(every)))
    if chosen.into:
        chosen.into.write_text(json.dumps(as_json(every), indent=1))


async def played(peer: Peer, folder: Path, only: str) -> Results:
    async with backend() as behind:
        own = folder / peer.name.lower().replace(" ", "-").replace(",", "")
        own.mkdir()
        hosts = dict.fromkeys((HOST, "a.test", "guard.test"), behind.port)
        site = Site(own, free_port(), free_port(), hosts, folder / "certificate.pem", folder / "key.pem")
        guarding = replace(peer, start=lambda site, program: guarded(peer, site, program))
        async with elsewhere(guarding.serving(site)):
            address = Address(site.web, site.websecure, trusting(), behind)
            found = play_all(address, only)
            return {(case.group, case.name): outcome async for case, outcome in found}


@asynccontextmanager
async def elsewhere(context: AbstractContextManager[object]) -> AsyncIterator[None]:
    """Enter and leave it in a thread: it waits for answers that come from this loop."""
    await asyncio.to_thread(context.__enter__)
    try:
        yield
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


def table(every: dict[str, Results]) -> Iterator[str]:
    groups = list(dict.fromkeys(group for results in every.values() for group, _ in results))
    yield "| group | cases | " + " | ".join(every) + " |"
    yield "| --- | --- |" + " --- |" * len(every)
    for group in [*groups, ""]:
        counts = [counted(results, group) for results in every.values()]
        cells = (f"{right}" + (f" ({harmful} harmful)" if harmful else "") for right, harmful, _ in counts)
        yield f"| {group or 'all'} | {counts[0][2]} | " + " | ".join(cells) + " |"


def counted(results: Results, group: str) -> tuple[int, int, int]:
    """As expected, harmful, and all; of every group where none is named."""
    verdicts = [outcome[0] for (its, _), outcome in results.items() if group in ("", its)]
    return verdicts.count(Verdict.AS_EXPECTED), verdicts.count(Verdict.HARMFUL), len(verdicts)


def named(every: dict[str, Results]) -> Iterator[str]:
    for peer, results in every.items():
        for (group, name), (verdict, why) in results.items():
            if verdict is not Verdict.AS_EXPECTED:
                yield f"{peer}: {group}: {name}: {verdict.value}: {why[:160]}"


def alone(every: dict[str, Results]) -> Iterator[str]:
    """Where everybody else disagrees with our expectation: either they all repair, or we are wrong."""
    others = {name: results for name, results in every.items() if not name.startswith("Tidegate")}
    if len(others) < 2:
        return
    disagree: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, results in others.items():
        for case, (verdict, why) in results.items():
            if verdict is not Verdict.AS_EXPECTED and case[0] not in AGAIN:
                disagree[case].append(f"{name.split(' ')[0]} {why[:80]}")
    yield "\nAll peers disagree with:"
    for (group, name), why in disagree.items():
        if len(why) == len(others):
            yield f"  {group}: {name}: {'; '.join(why)}"


def as_json(every: dict[str, Results]) -> dict[str, dict[str, list[str]]]:
    return {
        peer: {f"{group}: {name}": [verdict.value, why] for (group, name), (verdict, why) in results.items()}
        for peer, results in every.items()
    }


if __name__ == "__main__":
    main()
