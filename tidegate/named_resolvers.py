"""Named resolvers: the settings as each resolver has them, for the hosts of routers that name it.

    resolver:
      company:
        acme-ca: https://ca.example.lan/acme/directory
        acme-ca-bundle: /etc/tidegate/company.pem

or `--resolver company.acme-ca=https://...`, one flag for each line.  What a resolver does not say
is as the installation has it; but what belongs to a CA goes with that CA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from acme_client.authority import Authorities
from proxy.certifying import Resolvers
from proxy.problem import Problem
from proxy.schema import parse_options
from tidegate.chosen import authorities_of
from tidegate.contradictions import contradictions
from tidegate.proofs import dns01_of, provider_of
from tidegate.settings import Settings, possible_challenges

if TYPE_CHECKING:
    from acme_client.challenges.dns01 import DNS01
    from acme_client.events import Event
    from acme_client.resolver import Resolver

OF_A_CA = ("acme_profile", "acme_preferred_chain", "acme_ca_bundle", "acme_eab_kid", "acme_eab_hmac")


def names_of(settings: Settings) -> Resolvers:
    """Those that labels and files may name."""
    return Resolvers(frozenset(each.name for each in settings.resolver))


def settings_of(settings: Settings) -> tuple[dict[str, Settings], list[Problem]]:
    """By resolver, and what is wrong with them; reads the files that hold keys."""
    found, problems = {}, []
    for name in dict.fromkeys(each.name for each in settings.resolver):
        own: dict[str, str] = {}
        for each in settings.resolver:
            if each.name == name and each.setting in own:
                problems.append(_wrong(name, each.setting, "This is given twice."))
            elif each.name == name:
                own[each.setting] = each.value
        given, flaws = _parsed(own)
        problems += [_wrong(name, setting, what) for setting, what in flaws]
        if given is not None and not flaws:
            found[name] = _completed(settings, given, {word.removesuffix("_file") for word in own})
            problems += _contradictions(name, found[name])
    return found, problems


def _wrong(name: str, setting: str, what: str) -> Problem:
    return Problem("resolver", f'Resolver "{name}", {setting.replace("_", "-")}: {what}')


def _parsed(own: Mapping[str, str]) -> tuple[Settings | None, list[tuple[str, str]]]:
    words, flaws = dict(own), []
    if file := words.pop("acme_eab_hmac_file", ""):
        try:
            words["acme_eab_hmac"] = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            flaws.append(("acme_eab_hmac_file", f"{file} cannot be read: {reason}."))
    settings, found = parse_options(Settings, words)
    return settings, flaws + [(".".join(flaw.path), flaw.what) for flaw in found]


def _completed(settings: Settings, given: Settings, said: set[str]) -> Settings:
    """The installation's, with what this resolver says instead."""
    own = said | set(OF_A_CA) if "acme_ca" in said else said
    return replace(settings, resolver=(), **{name: getattr(given, name) for name in own})


def _contradictions(name: str, settings: Settings) -> Iterator[Problem]:
    """What does not fit together; all else is the installation's own matter."""
    for problem in contradictions(replace(settings, acme_wildcards=())):
        setting = problem.where.partition("=")[0]
        if setting.startswith("acme_"):
            yield _wrong(name, setting, problem.what)


def resolvers_of(
    settings: Settings, usual: DNS01 | None, hear: Callable[[Event], None]
) -> dict[str, Resolver]:
    """All that have names, for the certificate manager; `usual` sets records for the installation itself."""
    if not settings.resolver:
        return {}
    from acme_client.resolver import Resolver

    # Whoever sets records for one provider does so alone: most know only whole sets of values.
    setters = {str(settings.dns): usual}
    found = {}
    for name, own in settings_of(settings)[0].items():
        provider = provider_of(own)
        if str(own.dns) not in setters:
            setters[str(own.dns)] = dns01_of(own, provider, hear, str(own.dns))
        authorities = authorities_of(own, provider.fingerprint if provider else "").all
        found[name] = Resolver(
            Authorities(tuple(each.of_resolver(name) for each in authorities)),
            possible_challenges(own),
            setters[str(own.dns)],
        )
    return found
