"""Proofs: what the settings say about proving names in the DNS."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from tidegate.addresses import Off
from tidegate.settings import Settings

if TYPE_CHECKING:
    from acme_client.challenges.dns01 import DNS01
    from acme_client.dns.choosing import Chosen
    from acme_client.events import Event


def provider_of(settings: Settings) -> Chosen | None:
    """Who can set records for us; its credentials were looked at when the settings were read."""
    if isinstance(settings.dns, Off):
        return None
    from acme_client.dns.choosing import choose_provider

    return choose_provider(settings.dns, os.environ, settings.data_directory)


def dns01_of(
    settings: Settings, provider: Chosen | None, log: Callable[[Event], None], beside: str = ""
) -> DNS01 | None:
    """`beside` names a provider that is not the installation's own: what it sets it remembers for itself."""
    if provider is None:
        return None
    from acme_client.challenges.dns01 import DNS01, Checking
    from acme_client.dns.journal import Journal

    return DNS01(
        provider,
        Journal(settings.data_directory / "dns" / (f"records-{beside}" if beside else "records")),
        log,
        resolvers=settings.dns_resolvers,
        checking=Checking(settings.dns_check == "on", settings.dns_wait),
    )
