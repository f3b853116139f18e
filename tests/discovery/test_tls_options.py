"""TLS options that containers declare: whose they are, and what becomes of a site without them."""

from __future__ import annotations

import pytest
import trustme

from discovery.container import Container
from discovery.labels import read_container
from discovery.merge import combine, merge
from discovery.networks import Own
from discovery.route_file import read_text
from proxy.model import Entrypoint, RoutingConfig
from proxy.table import RoutingTable, compile_table
from proxy.tls_options import USUAL, TLSOptions

OWN = Own(frozenset({"proxy"}))
PEM = trustme.CA().cert_pem.bytes().decode()
ASKING = {
    "tidegate.host": "home.test",
    "tidegate.tlsOptions": "family",
    "tidegate.tls.options.family.clientAuth.caFiles": PEM,
}
OTHER = {"tidegate.host": "other.test", "tidegate.tlsOptions": "family"}


def served(*several: dict[str, str], files: RoutingConfig | None = None) -> RoutingTable:
    containers = (
        Container(
            f"{n:064}", f"app-{n}", labels=labels, networks={"proxy": f"172.18.0.{n + 2}"}, exposed=(80,)
        )
        for n, labels in enumerate(several)
    )
    fragments = (read_container(each, OWN) for each in containers)
    config = combine(files or RoutingConfig(), merge(each for each in fragments if each))
    return compile_table(config, [Entrypoint("websecure", tls=True)])


def actions(table: RoutingTable) -> dict[str, str]:
    return {route.rule.hosts[0]: route.action for route in table.routes["websecure"]}


def test_a_container_brings_whom_to_trust_in_its_labels() -> None:
    table = served(ASKING, {"tidegate.host": "open.test"})
    assert table.securing.of("home.test").client_auth.ca_files == (PEM.strip(),)
    assert table.securing.of("open.test") == USUAL
    assert actions(table) == {"home.test": "serve", "open.test": "serve"}


def test_what_a_container_declares_is_of_no_use_to_another() -> None:
    assert actions(served(ASKING, OTHER)) == {"home.test": "serve", "other.test": "broken"}


def test_a_containers_set_does_not_stand_before_that_of_a_file() -> None:
    files = RoutingConfig(tls_options={"family@file": TLSOptions(min_version="VersionTLS13")})
    table = served(ASKING, OTHER, files=files)
    assert actions(table) == {"home.test": "serve", "other.test": "serve"}
    assert table.securing.of("home.test").asks
    assert table.securing.of("other.test").min_version == "VersionTLS13"


def test_a_mistake_in_a_set_leaves_the_site_closed_and_no_other() -> None:
    broken = ASKING | {"tidegate.tls.options.family.clientAuth.caFiles": "/etc/family.pem"}
    assert actions(served(broken, {"tidegate.host": "open.test"})) == {
        "home.test": "broken",
        "open.test": "serve",
    }


def test_a_set_of_a_file_that_is_not_there_leaves_the_site_closed() -> None:
    table = served(OTHER)
    assert actions(table) == {"other.test": "broken"}
    assert "None is declared" in table.problems[0].what


def test_no_container_says_what_holds_for_all_hosts() -> None:
    table = served(ASKING | {"tidegate.tls.options.default.sniStrict": "true"})
    assert table.securing.default == USUAL


def beside(*labels: str) -> dict[str, str]:
    """What becomes of the routers of a container one of which asks for certificates, and of a stranger's."""
    site = {
        "tidegate.http.routers.all.rule": "Host(`home.test`)",
        "tidegate.http.routers.else.rule": "Host(`else.test`)",
        "tidegate.http.routers.admin.rule": "Host(`home.test`) && PathPrefix(`/admin`)",
        "tidegate.http.routers.admin.tls.options": "family",
        "tidegate.tls.options.family.clientAuth.caFiles": PEM,
    }
    site |= dict(label.split("=", 1) for label in labels)
    stranger = {
        "tidegate.http.routers.guest.rule": "Host(`home.test`) && PathPrefix(`/guest`)",
        "tidegate.http.routers.guest.tls.options": "default",
    }
    table = served(site, stranger) if labels else served(site)
    for name in table.routes["websecure"]:
        told = any(f"routers.{name.name.partition('@')[0]}." in each.where for each in table.problems)
        assert told is (name.action == "broken")
    return {route.name.partition("@")[0]: route.action for route in table.routes["websecure"]}


def test_beside_a_router_that_asks_for_certificates_all_are_served_with_them() -> None:
    assert beside() == {"admin": "serve", "all": "serve", "else": "serve"}


@pytest.mark.parametrize(
    "label",
    [
        "priority=high",
        "middelwares=x",
        "tls.optoins=family",
        "tls.optionz.name=family",
        "tls.certresolvr=x",
        "tls=false",
        "parentrefs=x",
    ],
)
def test_a_mistake_in_a_router_that_asks_for_certificates_does_not_open_its_host(label: str) -> None:
    assert beside(f"tidegate.http.routers.admin.{label}") == {
        "all": "broken",
        "else": "serve",
        "guest": "serve",
    }


def misspelt(*labels: str) -> dict[str, str]:
    """What becomes of the routers of a container that asks for certificates by a misspelt label alone."""
    site = {
        "tidegate.http.routers.all.rule": "Host(`home.test`)",
        "tidegate.http.routers.else.rule": "Host(`else.test`)",
        "tidegate.http.routers.admin.rule": "Host(`home.test`) && PathPrefix(`/admin`)",
        "tidegate.tls.options.family.clientAuth.caFiles": PEM,
    }
    site |= dict(label.split("=", 1) for label in labels)
    return {route.name.partition("@")[0]: route.action for route in served(site).routes["websecure"]}


@pytest.mark.parametrize(
    "label",
    [
        "tlsoptions=family",
        "tls-options=family",
        "tsl.options=family",
        "tsl.optionz=family",
        "tls.optionz=family",
    ],
)
def test_a_host_is_not_open_where_the_way_to_its_options_is_misspelt(label: str) -> None:
    found = misspelt(f"tidegate.http.routers.admin.{label}")
    assert found == {"all": "broken", "else": "serve"}


@pytest.mark.parametrize("section", ["routrs", "router", "Ruoters", "things"])
def test_a_host_is_not_open_where_the_section_of_its_options_is_misspelt(section: str) -> None:
    found = misspelt(f"tidegate.http.{section}.admin.tls.options=family")
    assert found == {"admin": "broken", "all": "broken", "else": "serve"}


def test_a_router_all_of_whose_labels_are_misspelt_still_speaks_of_its_hosts() -> None:
    found = misspelt(
        "tidegate.http.routrs.own.rule=Host(`else.test`)", "tidegate.http.routrs.own.tls.options=family"
    )
    assert found == {"admin": "serve", "all": "serve", "else": "broken"}


def test_a_misspelt_section_of_a_route_file_does_not_open_a_host_either() -> None:
    text = """
tls: {options: {family: {minVersion: VersionTLS13}}}
http:
  routrs:
    admin: {rule: "Host(`home.test`) && PathPrefix(`/admin`)", service: s, tls: {options: family}}
  routers:
    home: {rule: Host(`home.test`), service: s}
    else: {rule: Host(`else.test`), service: s}
  services: {s: {loadBalancer: {servers: [{url: "http://127.0.0.1:9"}]}}}
"""
    assert actions(served(files=merge([read_text(text, "a.yml")]))) == {
        "home.test": "broken",
        "else.test": "serve",
    }


def test_another_misspelt_section_takes_nothing_from_anybody() -> None:
    found = misspelt(
        "tidegate.http.middleware.secure.headers.customFrameOptionsValue=DENY",
        "tidegate.http.servics.s.loadbalancer.server.port=80",
    )
    assert found == {"admin": "serve", "all": "serve", "else": "serve"}


@pytest.mark.parametrize("rule", ["Hots(`home.test`)", "Host(`home.test`", "PathPrefix(`/admin`)"])
def test_where_its_rule_says_no_host_nothing_of_its_container_is_open(rule: str) -> None:
    found = beside(f"tidegate.http.routers.admin.rule={rule}", "tidegate.http.routers.admin.priority=high")
    assert found == {"all": "broken", "else": "broken", "guest": "serve"}


def test_with_the_same_options_a_router_is_served_whatever_becomes_of_another() -> None:
    again = "tidegate.http.routers.all.tls.options=family"
    found = beside("tidegate.http.routers.admin.priority=high", again)
    assert found == {"all": "serve", "else": "serve", "guest": "broken"}


def test_a_mistake_in_a_route_file_does_not_open_a_host_either() -> None:
    text = """
tls: {options: {family: {minVersion: VersionTLS13}}}
http:
  services: {s: {loadBalancer: {servers: [{url: "http://10.0.0.1"}]}}}
  routers:
    all: {rule: "Host(`home.test`)", service: s}
    admin: {rule: "Host(`home.test`) && Path(`/a`)", service: s, priority: high, tls: {options: family}}
"""
    assert actions(served(files=merge([read_text(text, "a.yml")]))) == {"home.test": "broken"}


def test_a_router_whose_name_is_taken_still_closes_its_host() -> None:
    first = {"tidegate.http.routers.admin.rule": "Host(`first.test`)"}
    second = {
        "tidegate.http.routers.admin.rule": "Host(`home.test`) && Path(`/a`)",
        "tidegate.http.routers.admin.tls.options": "family",
        "tidegate.http.routers.all.rule": "Host(`home.test`)",
        "tidegate.tls.options.family.clientAuth.caFiles": PEM,
    }
    assert actions(served(first, second)) == {"first.test": "serve", "home.test": "broken"}
