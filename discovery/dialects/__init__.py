"""Dialects: ways to write labels; each turns into the one grammar that `labels` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from discovery.label_text import CADDY, NGINX_PROXY, TRAEFIK

if TYPE_CHECKING:
    from discovery.container import Container
    from discovery.language import Language
    from discovery.spoken import Spoken
    from proxy.problem import Problem


class Dialect(Protocol):
    """One of the files here."""

    def closed(self, labels: Mapping[str, str], /) -> bool:
        """Whether the labels say that the container is not served."""

    def speak(self, container: Container, language: Language, problems: list[Problem], /) -> Spoken | None:
        """What the labels say; None after a mistake that leaves open what is meant."""


def dialect_called(name: str) -> Dialect:
    """Each loaded by the first container that has words of it: only who has some pays for it."""
    if name == TRAEFIK:
        from discovery.dialects import traefik

        return traefik
    if name == NGINX_PROXY:
        from discovery.dialects import nginx_proxy

        return nginx_proxy
    if name == CADDY:
        from discovery.dialects import caddy

        return caddy
    from discovery.dialects import native

    return native
