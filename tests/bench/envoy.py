"""Envoy's configuration, which is a tree rather than a text."""

from __future__ import annotations

import json

from tests.bench.site import Site
from tests.program import LOOPBACK

Tree = dict[str, object]

TYPES = "type.googleapis.com/envoy.extensions"
MANAGER = f"{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = f"{TYPES}.filters.http.router.v3.Router"
TLS = f"{TYPES}.transport_sockets.tls.v3.DownstreamTlsContext"


def envoy(site: Site, program: str) -> list[str]:
    listeners = [listener(site, site.web, tls=False), listener(site, site.websecure, tls=True)]
    clusters = [cluster(port) for port in site.backends]
    tree = {"static_resources": {"listeners": listeners, "clusters": clusters}}
    config = site.write("envoy.json", json.dumps(tree))
    return [program, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error", "-c", config]


def listener(site: Site, port: int, *, tls: bool) -> Tree:
    chain: Tree = {"filters": [{"name": "http", "typed_config": manager(site)}]}
    if tls:
        chain["transport_socket"] = {"name": "tls", "typed_config": certificate(site)}
    return {"name": f"p{port}", "address": address(port), "filter_chains": [chain]}


def manager(site: Site) -> Tree:
    hosts = [{"name": host, "domains": [host], "routes": [route(port)]} for host, port in site.hosts.items()]
    return {
        "@type": MANAGER,
        "stat_prefix": "http",
        "codec_type": "HTTP1",
        "use_remote_address": True,
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "route_config": {"name": "all", "virtual_hosts": hosts, "ignore_port_in_host_matching": True},
        "http_filters": [{"name": "router", "typed_config": {"@type": ROUTER}}],
    }


def route(port: int) -> Tree:
    """No time limit on a whole answer: Envoy's default of 15 s is for calls between services."""
    return {"match": {"prefix": "/"}, "route": {"cluster": f"b{port}", "timeout": "0s"}}


def certificate(site: Site) -> Tree:
    pair = {
        "certificate_chain": {"filename": str(site.certificate)},
        "private_key": {"filename": str(site.key)},
    }
    return {"@type": TLS, "common_tls_context": {"tls_certificates": [pair]}}


def cluster(port: int) -> Tree:
    endpoint = {"lb_endpoints": [{"endpoint": {"address": address(port)}}]}
    return {
        "name": f"b{port}",
        "type": "STATIC",
        "load_assignment": {"cluster_name": f"b{port}", "endpoints": [endpoint]},
    }


def address(port: int) -> Tree:
    return {"socket_address": {"address": LOOPBACK, "port_value": port}}
