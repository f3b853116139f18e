"""Long only: the options that no short label stands for, and what to write for them."""

from __future__ import annotations

from collections.abc import Sequence

from discovery.dialects.short import ShortLabels
from discovery.label_text import ROOT
from discovery.spoken import element_name
from proxy.schema import closest, options_of
from proxy.values import quote

LONG_ONLY = {
    "rule": "routers.{name}.rule",
    "service": "routers.{name}.service",
    "passHostHeader": "services.{name}.loadBalancer.passHostHeader",
    "weight": "services.{name}.loadBalancer.server.weight",
}


def long_spelling(path: Sequence[str], app: str) -> str:
    """What to write instead of a short label that does not exist; empty where a short one is meant."""
    if len(path) != 1:
        return ""
    known = [option.name for option in options_of(ShortLabels).values()]
    meant = closest(path[0], [*known, *LONG_ONLY])
    if meant not in LONG_ONLY:
        return ""
    name = element_name(app)
    label = f"{ROOT}.http.{LONG_ONLY[meant].format(name=name)}"
    written = quote(path[0])[1:-1]
    return f'There is no short label "{written}". Write {label}; "{name}" is a name of your choice.'
