"""Chore: something that a proxy does to a site's requests, in the words of each peer.

A peer that has no words for it, or that is not told, is left out of its row.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import bcrypt

USER, PASSWORD = "anna", "tide-gate"
_SHA = "{SHA}" + base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
# The cheapest: Caddy and Tidegate remember who was right, and nginx is spared it by SHA-1.
_BCRYPT = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
CREDENTIALS = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
PLENTY = 10_000_000

Tree = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Chore:
    """`nginx` stands in the site's server, `nginx_http` beside it; `haproxy` in its backend, `haproxy_top`
    before everything; `caddy` in its block, `caddy_proxy` in that one's reverse_proxy; `tidegate` are
    middlewares and `balancer` options of the service, as Traefik and Tidegate read them.  `files` are written
    into the peer's folder.  `sign` is a field that an answer has when it is done.
    """

    name: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/"
    nginx: str = ""
    nginx_http: str = ""
    haproxy: str = ""
    haproxy_top: str = ""
    caddy: str = ""
    caddy_proxy: str = ""
    tidegate: Tree = field(default_factory=dict)
    balancer: Tree = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    sign: str = ""

    def missing_in(self, peer: str) -> str:
        """Why there is no figure; empty where there is one."""
        told = {
            "nginx": self.nginx,
            "HAProxy": self.haproxy,
            "Caddy": self.caddy + self.caddy_proxy,
            "Envoy": "",
        }
        return "" if told.get(peer, "as Tidegate") else f"{peer} is not told to"

    @property
    def host(self) -> str:
        return f"{self.name}.localhost"


CHORES = (
    Chore(
        "headers",
        "two fields set, one for the app",
        nginx='add_header X-Frame-Options DENY; add_header Referrer-Policy no-referrer;'
        ' proxy_set_header X-Bench 1; {inherited}',
        haproxy="http-response set-header X-Frame-Options DENY\n    http-response set-header Referrer-Policy "
        "no-referrer\n    http-request set-header X-Bench 1",
        caddy="header X-Frame-Options DENY\n  header Referrer-Policy no-referrer",
        caddy_proxy="header_up X-Bench 1",
        tidegate={
            "headers": {
                "customResponseHeaders": {"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"},
                "customRequestHeaders": {"X-Bench": "1"},
            }
        },
        sign="X-Frame-Options",
    ),
    Chore(
        "basicauth",
        "a user with a password",
        headers={"Authorization": CREDENTIALS},
        nginx='auth_basic "bench"; auth_basic_user_file users;',
        haproxy_top=f"userlist people\n    user {USER} insecure-password {PASSWORD}\n",
        haproxy="http-request auth unless { http_auth(people) }",
        caddy=f"basicauth {{\n    {USER} {base64.b64encode(_BCRYPT.encode()).decode()}\n  }}",
        tidegate={"basicAuth": {"users": [f"{USER}:{_BCRYPT}"]}},
        files={"users": f"{USER}:{_SHA}\n"},
    ),
    Chore(
        "ratelimit",
        "a rate limit that is not reached",
        nginx="limit_req zone=each burst=100000 nodelay;",
        nginx_http="limit_req_zone $binary_remote_addr zone=each:10m rate=1000000r/s;",
        haproxy="stick-table type ip size 100k expire 30s store http_req_rate(1s)\n    "
        f"http-request track-sc0 src\n    http-request deny if {{ sc_http_req_rate(0) gt {PLENTY} }}",
        tidegate={"rateLimit": {"average": PLENTY, "burst": PLENTY}},
    ),
    Chore(
        "ipallowlist",
        "three networks allowed",
        nginx="allow 10.0.0.0/8; allow 192.168.0.0/16; allow 127.0.0.0/8; deny all;",
        haproxy="http-request deny unless { src 10.0.0.0/8 192.168.0.0/16 127.0.0.0/8 }",
        caddy="@strangers not remote_ip 10.0.0.0/8 192.168.0.0/16 127.0.0.0/8\n  respond @strangers 403",
        tidegate={"ipAllowList": {"sourceRange": ["10.0.0.0/8", "192.168.0.0/16", "127.0.0.0/8"]}},
    ),
    Chore(
        "sticky",
        "visitors who stay at their server",
        headers={"Cookie": "bench=none"},
        haproxy="cookie bench insert indirect nocache",
        caddy_proxy="lb_policy cookie bench",
        balancer={"sticky": {"cookie": {"name": "bench"}}},
        sign="Set-Cookie",
    ),
    Chore(
        "compress",
        "64 KiB of text, gzip level 6",
        headers={"Accept-Encoding": "gzip"},
        path="/text",
        nginx="gzip on; gzip_comp_level 6; gzip_proxied any; gzip_types text/plain;",
        haproxy="compression algo gzip\n    compression type text/plain",
        caddy="encode {\n    gzip 6\n  }",
        tidegate={"compress": {"encodings": ["gzip"]}},
        sign="Content-Encoding",
    ),
)  # fmt: skip
