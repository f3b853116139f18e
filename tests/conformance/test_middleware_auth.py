"""Signing in is what it is in Traefik."""

from __future__ import annotations

import base64
import hashlib
import re
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


def digest(asked: str, user: str, password: str) -> str:
    """How a client answers that challenge."""
    said = {"username": user, "uri": "/", "nc": "00000001", "cnonce": "c", "qop": "auth"}
    said |= dict(re.findall('(realm|nonce)="([^"]*)"', asked))
    known = md5(f"{user}:{said['realm']}:{password}")
    said["response"] = md5(f"{known}:{said['nonce']}:00000001:c:auth:{md5('GET:/')}")
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in said.items())


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@cases("middleware_auth", where=lambda case: "digestAuth" in case["config"])
async def test_digest_auth(case: Case, tmp_path: Path) -> None:
    middleware = built(with_file(case["config"], case.get("users_file_content", ""), tmp_path))
    if case.get("config_error"):
        assert middleware is None
        return
    assert isinstance(middleware, Begins)
    app = Backend()
    handler = wrapped(middleware.begin(World()), app)
    only = {**case.get("request", {}), "expect_status": case["expected"].get("status")}
    for each in case.get("requests", [only]):
        request = asking(each)
        challenge = (await handler(asking({}))).get("WWW-Authenticate")
        if "digest_auth" in each:
            proof = digest(challenge, *each["digest_auth"])
            request = Request(request.head.with_field("Authorization", proof))
        assert (await handler(request)).status == each["expect_status"]
    for name, value in case["expected"].get("upstream", {}).get("headers", {}).items():
        assert (app.request.head.get(name) or None) == value
