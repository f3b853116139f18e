"""Unread: words of other proxies that are not listened to, and how they would be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from tidegate.checking.finding import Finding
from tidegate.composefile.imagined import Imagined, is_other_proxy
from tidegate.composefile.service import Label

WHOSE = {
    "caddy": "Labels of caddy-docker-proxy",
    "nginx-proxy": "Variables of nginx-proxy",
    "traefik": "Labels of Traefik",
}
_CADDY = re.compile(r"caddy(_[0-9]+)?(\..+)?", re.IGNORECASE)


def unread(every: Iterable[Imagined], served: Collection[str], dialects: Sequence[str]) -> Iterator[Finding]:
    """Said once of each dialect; who is served all the same has other words that count."""
    first: dict[str, tuple[Imagined, Label]] = {}
    for each in every:
        if each.container.id not in served and not is_other_proxy(each.service):
            for dialect, label in _words(each):
                if dialect not in dialects:
                    first.setdefault(dialect, (each, label))
    for dialect, (each, label) in first.items():
        what = f"{WHOSE[dialect]} are not read unless asked for: --dialects {','.join((*dialects, *first))}"
        subject = f"{each.container.name}: {label.name}"
        yield Finding(label.place, "notice", subject, what, "They are ignored.")


def _words(each: Imagined) -> Iterator[tuple[str, Label]]:
    for label in each.service.labels.values():
        if _CADDY.fullmatch(label.name):
            yield "caddy", label
        elif label.name.lower().startswith("traefik."):
            yield "traefik", label
    if variable := each.service.environment.get("VIRTUAL_HOST"):
        yield "nginx-proxy", variable
