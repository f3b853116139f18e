"""Label language: how the settings want labels to be read."""

from __future__ import annotations

from discovery.allowed_hosts import AllowedHosts
from discovery.constraints import Constraints
from discovery.language import Language
from discovery.template import Template
from tidegate.settings import Settings


def language_of(settings: Settings) -> Language:
    pairs = (pair.partition("=") for pair in settings.traefik_names)
    return Language(
        dialects=settings.dialects,
        default_rule=Template.parse(settings.default_rule),
        constraints=Constraints.parse(settings.constraints),
        serve_all=settings.serve_all == "on",
        network=settings.network,
        entrypoints=frozenset(each.name for each in settings.entrypoints),
        names={name: meaning for name, _, meaning in pairs},
        allowed=AllowedHosts.parse(settings.allow_hosts),
    )
