"""Chains lead where they lead in Traefik."""

from __future__ import annotations

import pytest

from proxy.exchange import Middleware, RequestHead
from proxy.reference import MiddlewareName, renamed
from proxy.steps import Unresolved, expanded
from tests.conformance.cases import Case, cases
from tests.conformance.test_middlewares import built, outcome
from tests.proxy.heads import head


def qualified(name: str, provider: str) -> str:
    return name if "@" in name or not provider else f"{name}@{provider}"


def declared(name: str, config: Case) -> Middleware:
    middleware = built({"addPrefix": {"prefix": "/any"}} if config == {"retry": {}} else config)
    assert middleware is not None
    provider = name.partition("@")[2]
    return renamed(middleware, MiddlewareName, lambda ref: qualified(ref, provider))


@cases("routing_config", "chain")
def test_chains(case: Case) -> None:
    known = {name: declared(name, config) for name, config in case["middlewares"].items()}
    names = [qualified(name, case["context_provider"]) for name in case["chain"]]
    if case["config_error"]:
        with pytest.raises(Unresolved):
            expanded(names, known)
        return
    request = head()
    for _, middleware in expanded(names, known):
        passed = outcome(middleware, request)
        assert isinstance(passed, RequestHead)
        request = passed
    assert dict(request.fields) == case["expected"]["request_headers"]
