"""Contradictions: what is wrong with settings that are each right on their own."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.problem import Problem
from tidegate.addresses import Address, Off
from tidegate.defaults import strangers
from tidegate.settings import Settings, possible_challenges


def contradictions(settings: Settings) -> Iterator[Problem]:
    """What is wrong with settings that are each right on their own."""
    names: set[str] = {"web", "websecure"}
    for entry in settings.entrypoint:
        if entry.name in names:
            instead = (
                f"Use --{entry.name} for it."
                if entry.name in ("web", "websecure")
                else "Name it differently."
            )
            yield Problem(f"entrypoint={entry}", f'There is already an entrypoint "{entry.name}". {instead}')
        names.add(entry.name)
    yield from unknown_entrypoints(settings)
    yield from clashes(settings)
    if bool(settings.acme_eab_kid) != bool(settings.acme_eab_hmac):
        given, missing = ("kid", "hmac") if settings.acme_eab_kid else ("hmac", "kid")
        yield Problem(f"acme_eab_{given}", f"An external account needs both: acme_eab_{missing} is missing.")
    if "zerossl" in str(settings.acme_ca).split(",") and not (
        settings.acme_eab_kid or settings.acme_eab_hmac
    ):
        yield Problem(
            "acme_ca=zerossl", "ZeroSSL wants an external account: set acme_eab_kid and acme_eab_hmac."
        )
    if settings.acme_wildcards and isinstance(settings.dns, Off):
        yield Problem(
            f"acme_wildcards={','.join(settings.acme_wildcards)}",
            "A wildcard is proven by a DNS record: choose the provider with dns.",
        )
    if settings.acme_challenges and not possible_challenges(settings):
        kind = settings.acme_challenges[0]
        lacks = {
            "http-01": "http entrypoint",
            "tls-alpn-01": "https entrypoint",
            "dns-01": "provider in dns",
        }
        yield Problem(f"acme_challenges={kind}", f"There is no {lacks[kind]} for {kind}.")
    if settings.acme_ca_bundle and not settings.acme_ca_bundle.is_file():
        yield Problem(f"acme_ca_bundle={settings.acme_ca_bundle}", "There is no such file.")


def unknown_entrypoints(settings: Settings) -> Iterator[Problem]:
    known = [each.name for each in settings.entrypoints]
    named = {
        "default_entrypoints": settings.default_entrypoints,
        "default_middlewares": settings.default_middlewares,
        "default_headers": settings.default_headers,
    }
    usual = {"web", "websecure"}  # the defaults name them, also where one is switched off
    return strangers([*known, *usual], named, f"Known: {', '.join(known) or 'none'}.")


def clashes(settings: Settings) -> Iterator[Problem]:
    """Two listeners that cannot both have their port; every-address listeners take it from all."""
    taken: dict[int, list[tuple[str, str]]] = {}
    listeners = [(entry.name, entry.address) for entry in settings.entrypoints]
    if isinstance(settings.dashboard, Address):
        listeners.append(("dashboard", settings.dashboard))
    for name, address in listeners:
        if not address.port:
            continue
        for other, host in taken.setdefault(address.port, []):
            if not host or not address.host or host == address.host:
                yield Problem(
                    f"{name}={address}", f'"{other}" has this port already. Choose another one for "{name}".'
                )
        taken[address.port].append((name, address.host))
