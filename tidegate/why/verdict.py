"""Verdict: the first line of an answer, and whether the request would be served."""

from __future__ import annotations

from collections.abc import Sequence

from proxy.explain import Explanation
from tidegate.why.answer import ServerSeen
from tidegate.why.probe import ACCEPTS


def verdict(
    url: str,
    found: Explanation,
    servers: Sequence[ServerSeen],
    failing: int | None = None,
    without_server: str = "",
    claimants: Sequence[str] = (),
) -> tuple[str, bool]:
    """`failing` is the status that visitors get because no server can be reached.

    `claimants` are containers that ask for the host in vain, with the reason.
    """
    if found.status is not None:
        if claimants:
            name, _, why = claimants[0].partition(": ")
            return f"{url} gets 404: container {name} asks for it, but gets no requests. {why}", False
        return f"{url} {_own_answer(found)}", found.route is None and found.status == 200
    route = found.route
    assert route is not None  # noqa: S101 - without a route the proxy answers itself
    router = f"router {route.name}"
    if not servers:
        return (
            f"{url} gets 503: service {route.router.service} has no server ({router}). {without_server}",
            False,
        )
    if failing:
        down = " and ".join(dict.fromkeys(f"{called(each)}: {each.probe}" for each in servers))
        return f"{url} gets {failing}: {down} ({router}).", False
    up = [each for each in servers if each.probe == ACCEPTS] or list(servers)
    by = ", ".join(map(called, up[:3])) + (f" and {len(up) - 3} more" if len(up) > 3 else "")
    if len(up) < len(servers):
        by = f"{by} ({len(up)} of {len(servers)} servers)"
    asking = [f"{each.name} ({each.kind}) lets it in" for each in found.steps if not each.told]
    condition = f", if {' and '.join(asking)}" if asking else ""
    return f"{url} is served by {by} ({router}, {found.lane} lane){condition}.", True


def called(server: ServerSeen) -> str:
    return f"container {server.container}" if server.container else server.url


def _own_answer(found: Explanation) -> str:
    if found.location:
        return f"is redirected ({found.status}) to {found.location}"
    meant = f" Did you mean {found.similar}?" if found.similar else ""
    reason = found.reason.removesuffix(".")
    return f"gets {found.status}: {reason}.{meant}" if reason else f"gets {found.status}."
