"""Choosing: the provider that the settings name, loaded when it has something to do."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from acme_client.dns.catalog import LEXICON, OFFERS
from acme_client.dns.provider import Provider, failed
from acme_client.dns.variables import MissingVariable, Variables


class Chosen:
    """A provider whose code, and the libraries that it takes, are loaded with the first record."""

    def __init__(self, name: str, variables: Variables) -> None:
        self.name = name
        self.holds_one = name in OFFERS and OFFERS[name].holds_one
        self._variables = variables
        self._provider: Provider | None = None

    @property
    def fingerprint(self) -> str:
        """Changes with the provider and with its credentials, and tells none of these."""
        return f"{self.name} {self._variables.fingerprint}"

    def present(self, zone: str, name: str, value: str) -> None:
        self._loaded().present(zone, name, value)

    def withdraw(self, zone: str, name: str, value: str) -> None:
        self._loaded().withdraw(zone, name, value)

    def _loaded(self) -> Provider:
        if self._provider is None:
            try:
                self._provider = _load(self.name, self._variables)
            except MissingVariable as error:
                raise failed(str(error)) from error
        return self._provider


def choose_provider(name: str, environ: Mapping[str, str], data: Path) -> Chosen:
    """The provider of this name; MissingVariable where it has not been told all that it needs.

    `data` is where it may keep something.
    """
    variables = Variables(environ, data)
    if name.startswith(LEXICON):
        if find_spec("lexicon") is None:
            raise MissingVariable(f"{name} needs a library: pip install 'tidegate[lexicon]'")
        prefix = f"LEXICON_{name.removeprefix(LEXICON).upper()}_"
        if not variables.below(prefix):
            raise MissingVariable(f"Set the variables of Lexicon for it, which begin with {prefix}")
    else:
        for spellings in OFFERS[name].needs:
            variables.need(*spellings)
        given = {optional for optional in OFFERS[name].may if variables.get(optional)}
        for each in OFFERS[name].together if given.intersection(OFFERS[name].together) else ():
            variables.need(each)
    return Chosen(name, variables)


def _load(name: str, variables: Variables) -> Provider:
    if name.startswith(LEXICON):
        from acme_client.dns.lexicon import Lexicon

        return Lexicon.read(name.removeprefix(LEXICON), variables)
    module, _, what = OFFERS[name].place.partition(":")
    reader: Any = getattr(importlib.import_module(f"acme_client.dns.{module}"), what)
    provider: Provider = reader.read(variables)
    return provider
