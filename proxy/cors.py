"""CORS: which pages of other origins may ask, as the headers middleware is told (Fetch standard 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Protocol

from proxy.exchange import Fields, RequestHead, get, with_field
from proxy.matchers import as_bytes, compile_regex


class Policy(Protocol):
    """The options that matter here."""

    @property
    def access_control_allow_credentials(self) -> bool: ...
    @property
    def access_control_allow_headers(self) -> tuple[str, ...]: ...
    @property
    def access_control_allow_methods(self) -> tuple[str, ...]: ...
    @property
    def access_control_allow_origin_list(self) -> tuple[str, ...]: ...
    @property
    def access_control_allow_origin_list_regex(self) -> tuple[str, ...]: ...
    @property
    def access_control_expose_headers(self) -> tuple[str, ...]: ...
    @property
    def access_control_max_age(self) -> int | None: ...


def check(policy: Policy) -> None:
    """ValueError where an expression cannot be used, or a value breaks the head."""
    _tests(policy.access_control_allow_origin_list_regex)
    for values in (
        policy.access_control_allow_headers,
        policy.access_control_allow_methods,
        policy.access_control_expose_headers,
    ):
        if not ",".join(values).isprintable():
            raise ValueError("A list of CORS holds a control character.")


def is_asked(policy: Policy) -> bool:
    return bool(
        policy.access_control_allow_credentials
        or policy.access_control_allow_headers
        or policy.access_control_allow_methods
        or policy.access_control_allow_origin_list
        or policy.access_control_allow_origin_list_regex
        or policy.access_control_expose_headers
        or policy.access_control_max_age is not None
    )


def is_preflight(request: RequestHead) -> bool:
    asks = request.get("Origin") and request.get("Access-Control-Request-Method")
    return request.method == "OPTIONS" and bool(asks)


def preflight_fields(policy: Policy, request: RequestHead) -> Iterator[tuple[str, str]]:
    yield from _common(policy, request)
    if policy.access_control_allow_headers:
        yield "Access-Control-Allow-Headers", as_bytes(",".join(policy.access_control_allow_headers))
    if policy.access_control_allow_methods:
        yield "Access-Control-Allow-Methods", as_bytes(",".join(policy.access_control_allow_methods))
    if policy.access_control_max_age is not None:
        yield "Access-Control-Max-Age", str(policy.access_control_max_age)


def response_fields(policy: Policy, request: RequestHead) -> Iterator[tuple[str, str]]:
    yield from _common(policy, request)
    if policy.access_control_expose_headers:
        yield "Access-Control-Expose-Headers", as_bytes(",".join(policy.access_control_expose_headers))


def _common(policy: Policy, request: RequestHead) -> Iterator[tuple[str, str]]:
    if allowed := _allowed_origin(policy, request.get("Origin")):
        yield "Access-Control-Allow-Origin", allowed
    if policy.access_control_allow_credentials:
        yield "Access-Control-Allow-Credentials", "true"


def _allowed_origin(policy: Policy, origin: str) -> str:
    """What Allow-Origin says; browsers take no `*` where cookies are allowed."""
    if "*" in policy.access_control_allow_origin_list:
        return origin if policy.access_control_allow_credentials else "*"
    if origin in policy.access_control_allow_origin_list:
        return origin
    tests = _tests(policy.access_control_allow_origin_list_regex)
    return origin if origin and any(test(origin) for test in tests) else ""


@lru_cache(maxsize=256)
def _tests(patterns: tuple[str, ...]) -> tuple[Callable[[str], bool], ...]:
    return tuple(map(compile_regex, patterns))


def vary_by_origin(fields: Fields) -> Fields:
    named = get(fields, "Vary")
    if "origin" in (name.strip().lower() for name in named.split(",")):
        return fields
    return with_field(fields, "Vary", f"{named},Origin" if named else "Origin")
