"""Containers, as the cases about Docker state them, and what is made of their labels."""

from __future__ import annotations

import re
from typing import Any

from discovery.constraints import Constraints
from discovery.container import Container
from discovery.labels import read_container
from discovery.language import Language
from discovery.merge import merge
from discovery.networks import Own
from discovery.references import plain
from discovery.template import Template
from proxy.model import RoutingConfig
from tests.conformance.cases import Case


def container(case: Case, number: int = 0) -> Container:
    labels = dict(case.get("labels", {}))
    name = case["name"].lstrip("/")
    networks = {each: address(found) for each, found in case.get("networks", {}).items()}
    ports = [re.fullmatch("([0-9]+)/tcp", each) for each in case.get("ports", {})]
    service = case.get("service_name", name)
    if service != name:  # the cases state it; an engine tells it by compose's labels
        labels |= {"com.docker.compose.project": "", "com.docker.compose.service": service}
    return Container(
        id=case.get("id") or f"{number:064x}",
        name=service,
        labels=labels,
        networks=networks,
        exposed=tuple(sorted(int(each[1]) for each in ports if each)),
        state=case.get("status") or "running",
        health=case.get("health", ""),
        network_mode=case.get("network_mode", ""),
        created=f"2026-01-01T00:00:{number:02}.000000000",
    )


def address(found: Any) -> str:
    """The network's address; the cases use the proxy's own machine, which gets no requests here."""
    text = (found.get("ipv4") or found.get("ipv6")) if isinstance(found, dict) else found
    return elsewhere(text)


def elsewhere(text: str) -> str:
    return text.replace("127.0.0.", "10.99.0.")


def language(options: Case) -> Language:
    return Language(
        default_rule=Template.parse(options.get("defaultRule", "")),
        constraints=Constraints.parse(options.get("constraints", "")),
        serve_all=options.get("exposedByDefault", True),
        network=options.get("network", ""),
    )


def own(containers: list[Container]) -> Own:
    return Own(
        frozenset(name for each in containers for name in each.networks), "f" * 64, elsewhere("127.0.0.1")
    )


def routing(case: Case) -> RoutingConfig:
    containers = [container(each, number) for number, each in enumerate(case["containers"])]
    spoken = language(case.get("options", {}))
    fragments = [read_container(each, own(containers), language=spoken) for each in containers]
    return merge(each for each in fragments if each)


def routers(config: RoutingConfig) -> dict[str, dict[str, Any]]:
    found = {}
    for router in config.routers.values():
        told = {"rule": router.rule, "service": plain(router.service)}
        if router.middlewares:
            told["middlewares"] = [plain(each) for each in router.middlewares]
        found[plain(router.name)] = told
    return found


def services(config: RoutingConfig) -> dict[str, list[str]]:
    return {
        plain(name): sorted(each.url for each in found.servers) for name, found in config.services.items()
    }
