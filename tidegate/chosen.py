"""Chosen: what the settings choose, made of them: listeners, authorities, whoever tells the owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from acme_client.authority import Authorities, choose_authority
from acme_client.manager import Manager
from proxy.listening import Listener
from tidegate.addresses import NamedAddress, Off
from tidegate.serving import Setup
from tidegate.setting_kinds import KNOWN_CAS
from tidegate.settings import Settings

if TYPE_CHECKING:
    from tidegate.notify.notifier import Notifier
    from tidegate.own_certificates import Drawer


def setup(settings: Settings) -> Setup:
    return Setup(
        tuple(map(listener, settings.entrypoints)),
        settings.trusted_proxies,
        settings.upstream_timeout,
        settings.fast_lane == "on",
        tuple(network for each in settings.explain_to for network in each.networks),
    )


def listener(entry: NamedAddress) -> Listener:
    return Listener(entry.name, entry.address.host, entry.address.port, entry.tls)


def authorities_of(settings: Settings, dns: str = "") -> Authorities:
    choose = partial(
        choose_authority,
        email=str(settings.acme_email or ""),
        eab_kid=settings.acme_eab_kid,
        eab_hmac=str(settings.acme_eab_hmac or ""),
        dns=dns,
        profile=settings.acme_profile,
        preferred_chain=settings.acme_preferred_chain,
    )
    choices = ("off",) if isinstance(settings.acme_ca, Off) else settings.acme_ca.each
    private = [choice for choice in choices if choice not in KNOWN_CAS] or choices
    # Beside a private authority the public ones are trusted as always.
    bundles = (settings.acme_ca_bundle if choice in private else None for choice in choices)
    return Authorities(
        tuple(choose(choice, bundle=bundle) for choice, bundle in zip(choices, bundles, strict=True))
    )


def notifier_of(settings: Settings, certificates: Manager, clock: Callable[[], datetime]) -> Notifier | None:
    if settings.notify is None:
        return None
    from tidegate.notify.notifier import Notifier
    from tidegate.notify.targets import read_target

    return Notifier(
        tuple(map(read_target, settings.notify.each)),
        settings.data_directory,
        certificates.status,
        clock,
        directories=tuple(each.directory for each in certificates.authorities()),
    )


def drawer_of(settings: Settings) -> Drawer | None:
    if settings.own_certificates is None:
        return None
    from tidegate.own_certificates import Drawer

    return Drawer(settings.own_certificates)
