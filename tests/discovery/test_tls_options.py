"""TLS options that containers declare: whose they are, and what becomes of a site without them."""

from __future__ import annotations

import trustme

from discovery.container import Container
from discovery.labels import read_container
from discovery.merge import combine, merge
from discovery.networks import Own
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
