"""Label language: how the settings want labels to be read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from discovery.allowed_hosts import AllowedHosts
from discovery.constraints import Constraints
from discovery.language import Language
from discovery.out_of_bounds import Bounds, engine_of
from tidegate.addresses import Address, Off
from tidegate.named_resolvers import names_of
from tidegate.settings import Settings

if TYPE_CHECKING:
    from discovery.template import Template


def language_of(settings: Settings) -> Language:
    pairs = (pair.partition("=") for pair in settings.traefik_names)
    return Language(
        dialects=settings.dialects,
        default_rule=_template(settings.default_rule),
        constraints=Constraints.parse(settings.constraints),
        serve_all=settings.serve_all == "on",
        network=settings.network,
        entrypoints=frozenset(each.name for each in settings.entrypoints),
        names={name: meaning for name, _, meaning in pairs},
        allowed=AllowedHosts.parse(settings.allow_hosts),
        bounds=bounds_of(settings, os.environ),
        resolvers=names_of(settings),
    )


def _template(text: str) -> Template | None:
    if not text:
        return None
    from discovery.template import Template  # only who has one pays for it

    return Template.parse(text)


def bounds_of(settings: Settings, environ: Mapping[str, str]) -> Bounds:
    """Where this installation's own things listen, to which no label may lead."""
    dashboard = settings.dashboard.port if isinstance(settings.dashboard, Address) else 0
    watched = not isinstance(settings.docker, Off)
    engine = engine_of(str(settings.docker or environ.get("DOCKER_HOST", ""))) if watched else ("", 0)
    ports = frozenset(each.address.port for each in settings.entrypoints) - {0}
    return Bounds(ports, dashboard, engine)
