"""Signing in is what it is in Traefik."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from proxy.exchange import Begins, Request
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import receive
from tests.conformance.test_middlewares import built
from tests.proxy.middlewares.world import Backend, World, wrapped


def with_file(config: Case, content: str, folder: Path) -> Case:
    file = folder / "users"
    file.write_text(content)
    return {
        kind: {key: str(file) if value == "@FILE" else value for key, value in options.items()}
        for kind, options in config.items()
    }


def asking(request: Case) -> Request:
    fields: list[list[str]] = list(request.get("headers", []))
    if "basic_auth" in request:
        token = base64.b64encode(":".join(request["basic_auth"]).encode()).decode()
        fields.append(["Authorization", f"Basic {token}"])
    return Request(receive("/", "a.test", fields))


@cases("middleware_auth", where=lambda case: "basicAuth" in case["config"])
async def test_basic_auth(case: Case, tmp_path: Path) -> None:
    middleware = built(with_file(case["config"], case.get("users_file_content", ""), tmp_path))
    if case.get("config_error"):
        assert middleware is None
        return
    assert isinstance(middleware, Begins)
    app = Backend()
    handler = wrapped(middleware.begin(World()), app)
    for each in case.get("requests", ()):
        answer = await handler(asking(each))
        assert answer.status == each["expect_status"]
        for name, value in each.get("expect_headers", {}).items():
            assert answer.get(name) == value
    if "request" in case:
        answer = await handler(asking(case["request"]))
        assert answer.status == case["expected"]["status"]
        expected: dict[str, Any] = case["expected"].get("upstream", {})
        for name, value in expected.get("headers", {}).items():
            assert (app.request.head.get(name) or None) == value
