"""What several sources declare comes together as in Traefik."""

from __future__ import annotations

from discovery.fragment import Fragment
from discovery.merge import merge
from proxy.model import Router, Server, Service
from tests.conformance.cases import Case, cases


@cases("merge")
def test_merge(case: Case) -> None:
    """The sources are containers of one compose project."""
    config = merge(fragment(name, each) for name, each in case["configurations"].items())
    assert case["expected"].keys() <= {"http"}
    expected = case["expected"].get("http", {})
    routers = {name: {"rule": each.rule} for name, each in config.routers.items()}
    assert routers == expected.get("routers", {})
    services = {
        name: {"loadBalancer": {"servers": [{"url": f"http://{each.address}:80"} for each in found.servers]}}
        for name, found in config.services.items()
    }
    assert services == expected.get("services", {})


def fragment(source: str, configuration: Case) -> Fragment:
    http = configuration.get("http", {})
    return Fragment(
        source,
        app=source,
        owner=source,
        project="demo",
        routers={
            name: Router(name, each["rule"], "s@file") for name, each in http.get("routers", {}).items()
        },
        services={name: service(name, each) for name, each in http.get("services", {}).items()},
    )


def service(name: str, asked: Case) -> Service:
    urls = (each["url"] for each in asked["loadBalancer"]["servers"])
    servers = (Server("", url.removeprefix("http://").removesuffix(":80"), 80) for url in urls)
    return Service(name, tuple(servers))
