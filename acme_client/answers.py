"""Answers: a CA's JSON as values.  It may hold fields and kinds of challenges that nobody knows yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from acme_client.resources import Authorization, Challenge, Order


def read_order(url: str, document: Mapping[str, Any], retry_after: float | None) -> Order:
    """RFC 8555 7.1.3."""
    return Order(
        url=url,
        status=text(document, "status"),
        authorizations=tuple(item for item in items(document, "authorizations") if isinstance(item, str)),
        finalize=text(document, "finalize"),
        certificate=text(document, "certificate"),
        error=mapping(document, "error"),
        retry_after=retry_after,
    )


def read_authorization(url: str, document: Mapping[str, Any], retry_after: float | None) -> Authorization:
    """RFC 8555 7.1.4."""
    challenges = (each for each in items(document, "challenges") if isinstance(each, dict))
    return Authorization(url, text(document, "status"), tuple(map(read_challenge, challenges)), retry_after)


def read_challenge(document: Mapping[str, Any]) -> Challenge:
    """RFC 8555 7.1.5."""
    return Challenge(
        url=text(document, "url"),
        type=text(document, "type"),
        status=text(document, "status"),
        token=text(document, "token"),
        error=mapping(document, "error"),
    )


def text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def items(document: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = document.get(name)
    return value if isinstance(value, list) else ()


def mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = document.get(name)
    return value if isinstance(value, dict) else None
