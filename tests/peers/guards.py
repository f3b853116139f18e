"""Guards: each peer's plain way to refuse /private on one host, added to the configuration of the bench."""

from __future__ import annotations

import json
from typing import Any

from tests.bench.peers import Peer
from tests.bench.site import Site

GUARD = "guard.test"
DENIED = "Host(`guard.test`) && PathPrefix(`/private`)"


def guarded(peer: Peer, site: Site, program: str) -> list[str]:
    """The peer's command, its configuration with the guard in it."""
    command = peer.start(site, program)
    for name, change in CHANGES.items():
        path = site.folder / name
        if path.exists():
            path.write_text(change(path.read_text(), site))
    return command


def nginx(text: str, site: Site) -> str:
    return _put(text, f"server_name {GUARD}; ", "location /private { return 403; } ")


def haproxy(text: str, site: Site) -> str:
    rule = f"http-request deny deny_status 403 if {{ req.hdr(host) -i {GUARD} }} {{ path_beg /private }}"
    return _put(text, "alpn http/1.1\n", f"    {rule}\n")


def caddy(text: str, site: Site) -> str:
    return _put(text, f"http://{GUARD}:{site.web} {{\n", "  respond /private* 403\n")


def envoy(text: str, site: Site) -> str:
    tree: Any = json.loads(text)
    for listener in tree["static_resources"]["listeners"]:
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        (host,) = (each for each in manager["route_config"]["virtual_hosts"] if each["name"] == GUARD)
        host["routes"].insert(0, {"match": {"prefix": "/private"}, "direct_response": {"status": 403}})
    return json.dumps(tree)


def tidegate(text: str, site: Site) -> str:
    tree: Any = json.loads(text)
    http = tree["http"]
    service = next(iter(http["services"]))
    http["middlewares"] = {"elsewhere": {"ipAllowList": {"sourceRange": ["192.0.2.0/24"]}}}
    http["routers"]["private"] = {
        "rule": DENIED, "service": service, "entryPoints": ["web"], "middlewares": ["elsewhere"],
    }  # fmt: skip
    return json.dumps(tree)


def _put(text: str, behind: str, what: str) -> str:
    if behind not in text:
        raise ValueError(f"no {behind!r} in the configuration")
    return text.replace(behind, behind + what)


CHANGES = {
    "nginx.conf": nginx,
    "haproxy.cfg": haproxy,
    "Caddyfile": caddy,
    "envoy.json": envoy,
    "routes.yaml": tidegate,
}
