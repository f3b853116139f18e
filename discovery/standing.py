"""Standing: what one container asks for, and what keeps it from getting requests; for whoever asks why."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from discovery.container import COMPOSE, Container, Listed
from discovery.fragment import Fragment
from discovery.label_text import ROOT
from discovery.labels import read_container
from discovery.language import USUAL, Language
from discovery.networks import Own
from proxy.frozen import frozen
from proxy.option import closest
from proxy.values import FALSE

SHORTEST_ID = 3
ANY_ADDRESS = "192.0.2.1"  # RFC 5737: nobody's
STATES: Mapping[str, str] = {
    "created": "It was never started.",
    "exited": "It is not running: it has exited.",
    "dead": "It is not running: the engine could not remove it.",
    "paused": "It is paused.",
    "restarting": "It keeps ending and is being restarted.",
    "removing": "It is being removed.",
}


@frozen
class Standing:
    """`hindrances` are what holds for the container as a whole; the fragment's problems say the rest."""

    container: Container
    fragment: Fragment | None
    hindrances: tuple[str, ...]


def standing(
    container: Container, own: Own, others: Mapping[str, Container], language: Language = USUAL
) -> Standing:
    """As its labels are read when it runs, which is what it would get then."""
    fragment = read_container(as_if_running(container), own, others, language)
    return Standing(container, fragment, tuple(_hindrances(container, language)))


def as_if_running(container: Container) -> Container:
    """One that does not run has no address and no word on its health; which networks it is on is known."""
    if container.running:
        return container
    networks = {name: address or ANY_ADDRESS for name, address in container.networks.items()}
    return replace(container, state="running", health="", networks=networks)


def _hindrances(container: Container, language: Language) -> Iterator[str]:
    ours = {name.lower(): value for name, value in container.labels.items() if _is_ours(name)}
    if not ours and language.dialect_of(container.labels, container.environment) is None:
        yield _without_label(container.labels)
    elif ours.get(f"{ROOT}.enable", "").strip() in FALSE and f"{ROOT}.enable" in ours:
        yield f"Its label {ROOT}.enable={ours[f'{ROOT}.enable'].strip()} closes its gate."
    if not container.running:
        yield STATES.get(container.state, f"It is not running: {container.state or 'unknown state'}.")
    elif container.health == "starting":
        yield "Its HEALTHCHECK has not passed yet."
    elif container.health == "unhealthy":
        yield "Its HEALTHCHECK says that it is unhealthy."


def _is_ours(label: str) -> bool:
    return label.lower().startswith(f"{ROOT}.")


def _without_label(labels: Mapping[str, str]) -> str:
    said = f"It has no label that begins with {ROOT}."
    meant = next((name for name in labels if closest(name.partition(".")[0], [ROOT])), None)
    hint = f"Did you mean {ROOT}.{meant.partition('.')[2]} instead of {meant}?" if meant else None
    return f"{said} {hint or f'One is enough: {ROOT}.host=NAME'}"


def meant(word: str, listed: Sequence[Listed]) -> tuple[list[str], str | None]:
    """The ids of those called so - by name, by the beginning of their id, or as a service of compose - and
    the name that is closest where nobody is."""
    named = [each.id for each in listed if each.glance.name == word]
    by_id = [each.id for each in listed if len(word) >= SHORTEST_ID and each.id.startswith(word)]
    service = [each.id for each in listed if each.labels.get(f"{COMPOSE}service") == word]
    names = {each.glance.name for each in listed} | {
        each.labels.get(f"{COMPOSE}service", "") for each in listed
    }
    found = named or service or by_id
    return found, None if found else closest(word, names - {""})


def naming(host: str, listed: Sequence[Listed], language: Language = USUAL) -> list[str]:
    """The ids of those who ask for something and name the host, not a longer one, in their labels."""
    whole = re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-]|\.\w)")
    return [
        each.id
        for each in listed
        if language.dialect_of(each.labels) is not None
        and any(whole.search(value.lower()) for value in each.labels.values())
    ]
