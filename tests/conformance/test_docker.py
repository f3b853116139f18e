"""Containers with Traefik's labels get the routers, services and addresses that they get there."""

from __future__ import annotations

from typing import Any

from discovery.networks import Own, Unreachable, Wish, reach
from discovery.ports import choose_port
from discovery.references import plain
from tests.conformance.cases import Case, cases
from tests.conformance.containers import container, elsewhere, routers, routing, services
from tests.conformance.middlewares import told


@cases("docker_labels", where=lambda case: "http" in case["expected"])
def test_docker_labels(case: Case) -> None:
    check(case)


@cases("docker_derived")
def test_docker_derived(case: Case) -> None:
    check(case)


def check(case: Case) -> None:
    config, expected = routing(case), case["expected"]
    http = expected["http"]
    assert routers(config) == expected_routers(http.get("routers", {}))
    assert services(config) == expected_services(http.get("services", {}))
    if "middlewares" in http:
        found = {plain(name): told(each) for name, each in config.middlewares.items()}
        assert found == http["middlewares"]
    for kind in ("tcp", "udp"):
        if expected.get(kind, {}).get("routers"):
            assert any(f"{kind.upper()} routers are not served" in each.what for each in config.problems)


def expected_routers(expected: Case) -> dict[str, Any]:
    wanted = ("rule", "service", "middlewares")
    return {name: {key: each[key] for key in wanted if key in each} for name, each in expected.items()}


def expected_services(expected: Case) -> dict[str, Any]:
    return {
        name: sorted(elsewhere(server["url"]) for server in each["loadBalancer"].get("servers", []))
        for name, each in expected.items()
    }


@cases("docker_address", "port")
def test_docker_port(case: Case) -> None:
    assert port_of(case) == case["expected_port"]


@cases("docker_address", "ip_port")
def test_docker_ip_and_port(case: Case) -> None:
    each = container(case["container"])
    own = Own(frozenset(each.networks), "f" * 64)
    found = reach(each, own, Wish("", case["options"]["network"]))
    assert {"ip": found, "port": port_of(case), "error": False} == case["expected"]


def port_of(case: Case) -> str:
    wanted = int(case["server_port_label"]) if case["server_port_label"] else None
    exposed = container(case["container"]).exposed
    port = choose_port(exposed, wanted)
    if isinstance(port, str) and exposed:
        port = exposed[0]  # what labels of Traefik's get: tests/golden/labels/traefik-several-ports.txt
    return "" if isinstance(port, str) else str(port)


@cases("docker_address", "ip")
def test_docker_ip(case: Case) -> None:
    each = container(case["container"])
    own = Own(frozenset(each.networks), "f" * 64, "127.0.0.1")
    wish = Wish(case["network_label"], case["options"]["network"], soft=True)
    found = reach(each, own, wish)
    assert not isinstance(found, Unreachable)
    assert found == case["expected_ip"]
