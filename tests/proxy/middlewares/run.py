"""Middlewares run: declared by a tree, shown a head, asked what became of it."""

from __future__ import annotations

from typing import Any, TypeVar

from proxy.exchange import RequestHead, Response
from proxy.schema import parse_options

T = TypeVar("T")


def declared(cls: type[T], tree: Any) -> T:
    value, flaws = parse_options(cls, tree)
    assert value is not None, flaws
    return value


def mistakes(cls: type, tree: Any) -> list[str]:
    return [flaw.what for flaw in parse_options(cls, tree)[1]]


def passed(outcome: RequestHead | Response) -> RequestHead:
    assert isinstance(outcome, RequestHead), outcome
    return outcome


def answered(outcome: RequestHead | Response) -> Response:
    assert isinstance(outcome, Response), outcome
    return outcome
