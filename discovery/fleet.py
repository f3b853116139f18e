"""Fleet: the containers that are known to run, and what they ask for.

No I/O here: the loop in `watch` says what happened and what the engine
answered, the fleet says who has to leave, who has to be looked at, and which
routing follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from discovery.container import Container, Listed
from discovery.engine import Change
from discovery.fragment import Fragment
from discovery.labels import read_container
from discovery.language import USUAL, Language
from discovery.merge import merge
from discovery.networks import Own, Unreachable, reach
from proxy.frozen import frozen
from proxy.model import RoutingConfig
from proxy.problem import Problem

LEAVES = frozenset({"die", "stop", "pause", "destroy"})
AT_ONCE = frozenset({"9", "SIGKILL", "KILL"})
SIGNALS = {"2": "INT", "3": "QUIT", "9": "KILL", "15": "TERM", "28": "WINCH"}  # those that images stop by
MARGIN = 5.0  # seconds past its own stop timeout until a container that did not stop is served again


Shelf: TypeAlias = "dict[str, tuple[Container, Own, Fragment | None]]"
"""What each container asked for when it was read last, with what that depends on."""


@dataclass(slots=True)
class Fleet:
    """Containers by id, and what is not certain about them.

    `doubtful` have to be read from the engine again.  `leaving` were asked to
    stop: they finish what they have and get nothing new, although the engine
    calls them running.  `steps` counts the changes of each container, so that
    an answer which is older than the last change is not believed.
    """

    own: Own = field(default_factory=Own)
    language: Language = USUAL
    containers: dict[str, Container] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    leaving: dict[str, float] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=dict)

    def note(self, change: Change, now: float) -> tuple[bool, bool]:
        """Take in a change: whether the container left the routing, and whether it is gone for good.

        A container that is asked to stop leaves, but what it is answering may
        finish; one that is killed, paused or cut off is gone.
        """
        ident = change.container
        known = self.containers.get(ident)
        self.steps[ident] = self.steps.get(ident, 0) + 1
        self.doubtful.add(ident)
        if change.action == "kill" and _asks_to_stop(change.signal, known):
            self.leaving[ident] = now + MARGIN + (known.stop_timeout if known else 0)
            return known is not None, change.signal in AT_ONCE
        if change.action in LEAVES:
            self.leaving.pop(ident, None)
            self.containers.pop(ident, None)
            return known is not None, True
        if change.action == "disconnect" and known is not None:
            return self._cut_off(known, change.network)
        if change.action == "start":
            self.leaving.pop(ident, None)
        return False, False

    def _cut_off(self, known: Container, network: str) -> tuple[bool, bool]:
        """A network less: gone only if that was the one its requests came by."""
        left = known.without_network(network)
        before, after = map(self._address, (known, left))
        self.containers[known.id] = left
        return before != after, before != after

    def _address(self, container: Container) -> str | Unreachable:
        return reach(container, self.own, self.language.wish(container.labels))

    def take_doubtful(self) -> dict[str, int]:
        """Who has to be looked at, with the step at which the look begins."""
        taken = {ident: self.steps.get(ident, 0) for ident in self.doubtful}
        self.doubtful.clear()
        return taken

    def learn(self, ident: str, step: int, found: Container | None) -> None:
        """What the engine answered; `step` is from before it was asked."""
        if self.steps.get(ident, 0) != step:
            return  # something happened meanwhile, and another look is on its way
        self.unreadable.pop(ident, None)
        if found is not None and found.running:
            self.containers[ident] = found
        else:
            self.containers.pop(ident, None)
            self.steps.pop(ident, None)
            self.leaving.pop(ident, None)

    def cannot_learn(self, ident: str, why: str) -> None:
        """The engine failed on this one alone: it stays as it is known, and is looked at again."""
        self.unreadable[ident] = why
        self.doubtful.add(ident)

    def compare(self, listed: Mapping[str, Listed], steps: Mapping[str, int]) -> list[str]:
        """Mark whoever differs from the engine's list; returns those who are no longer there."""
        unheard = {ident for ident in self.containers if self.steps.get(ident) == steps.get(ident)}
        missed = sorted(unheard - listed.keys())
        for ident in self.unreadable.keys() - listed.keys():
            del self.unreadable[ident]
        for ident in missed:
            del self.containers[ident]
        for ident, entry in listed.items():
            known = self.containers.get(ident)
            if not known.looks_like(entry.glance) if known else self._concerns(entry):
                self.doubtful.add(ident)
        return missed

    def _concerns(self, entry: Listed) -> bool:
        return self.language.concerns(entry.labels)

    def missing_hosts(self) -> set[str]:
        """Containers whose network others use, and which are not known yet."""
        wanted = {each.joined for each in self.containers.values() if each.joined}
        return wanted - self.containers.keys()

    def forgive(self, now: float) -> bool:
        """Serve again who was asked to stop and did not; whether there was one."""
        over = [ident for ident, until in self.leaving.items() if until <= now]
        for ident in over:
            del self.leaving[ident]
        return bool(over)

    def picture(self) -> Picture:
        """The fleet as it is now, to be made a config of elsewhere."""
        served = {ident: each for ident, each in self.containers.items() if ident not in self.leaving}
        return Picture(
            self.own, self.language, dict(self.containers), served, dict(self.unreadable), self.shelf
        )

    def config(self) -> RoutingConfig:
        return self.picture().config()


@frozen
class Picture:
    """A fleet at one moment.  Its config may be made in any thread, as long as it is one at a time."""

    own: Own
    language: Language
    containers: Mapping[str, Container]
    served: Mapping[str, Container]
    unreadable: Mapping[str, str]
    shelf: Shelf
    """Shared by all pictures of a fleet; touched by whoever makes the config, and by nobody else."""

    def config(self) -> RoutingConfig:
        config = merge(self._fragments())
        return replace(config, problems=(*config.problems, *self._unreadable_problems()))

    def _unreadable_problems(self) -> Iterable[Problem]:
        for ident, why in sorted(self.unreadable.items()):
            known = self.containers.get(ident)
            now = (
                "What was known of it stays in force."
                if known
                else "It is not served; others are unaffected."
            )
            yield Problem(known.name if known else ident[:12], f"The engine cannot read it: {why}", now)

    def _fragments(self) -> Iterable[Fragment]:
        for ident in self.shelf.keys() - self.containers.keys():
            del self.shelf[ident]
        for container in self.served.values():
            if fragment := self._fragment(container):
                yield fragment

    def _fragment(self, container: Container) -> Fragment | None:
        """The container's fragment, kept while nothing that it depends on changes."""
        kept = self.shelf.get(container.id)
        if kept and kept[0] is container and kept[1] == self.own and not container.joined:
            return kept[2]
        fragment = read_container(container, self.own, self.containers, self.language)
        self.shelf[container.id] = (container, self.own, fragment)
        return fragment


def _asks_to_stop(signal: str, container: Container | None) -> bool:
    """Whether the signal ends the container; HUP and the like only make it reload."""
    own = _signal_name(container.stop_signal) if container else "TERM"
    return _signal_name(signal) in {"KILL", "TERM", "INT", "QUIT", own}


def _signal_name(signal: str) -> str:
    return SIGNALS.get(signal, signal).upper().removeprefix("SIG")
