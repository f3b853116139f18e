"""Configs: each peer's own way to say "these hosts go to these ports", written into its folder.

What is asked of every peer: one worker, routing by host, the visitor's address
forwarded, upstream connections kept alive, WebSocket let through, TLS 1.2 and
1.3, no access log.  Otherwise each has its defaults.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.bench.site import HOST, Site
from tests.program import LOOPBACK

NGINX = """
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections 10000; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server_names_hash_max_size 65536; server_names_hash_bucket_size 128;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    proxy_max_temp_file_size 0;  # else a large answer is written to disk first: half the speed
    proxy_http_version 1.1;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    {inherited}
    ssl_protocols TLSv1.2 TLSv1.3;
    {sites}
}}
"""


# A server that sets one field for its app has to set all of them again.
INHERITED = """
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
"""


def nginx(site: Site, program: str) -> list[str]:
    web = f"listen {LOOPBACK}:{site.web};"
    # Only where it is used: a server that merely inherits a certificate holds a TLS context of 40 KiB.
    pair = f"ssl_certificate {site.certificate}; ssl_certificate_key {site.key};"
    websecure = f"listen {LOOPBACK}:{site.websecure} ssl; {pair}"
    pools = (
        f"upstream b{port} {{ server {LOOPBACK}:{port}; keepalive 128; keepalive_requests 1000000000; }}"
        for port in site.backends
    )
    servers = (
        f"server {{ {web} {websecure if host == HOST else ''} server_name {host}; "
        f"location / {{ proxy_pass http://b{port}; }} }}"
        for host, port in site.hosts.items()
    )
    chores = (
        f"{each.nginx_http} server {{ {web} server_name {each.host}; "
        f"{each.nginx.format(inherited=INHERITED)} location / {{ proxy_pass http://b{site.main}; }} }}"
        for each in site.chores
        if each.nginx
    )
    sites = "\n    ".join([*pools, *servers, *chores])
    text = NGINX.format(sites=sites, inherited=INHERITED)
    path = site.write("nginx.conf", text)
    return [program, "-p", str(site.folder), "-c", path, "-e", "error.log", "-g", "daemon off;"]


HAPROXY = """
global
    nbthread 1
    maxconn 4000
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
    option forwardfor
    option splice-response
frontend all
    bind {web}
    bind {websecure} ssl crt {pem} alpn http/1.1
    http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
    use_backend %[req.hdr(host),field(1,:),lower,map({hosts})]
"""


def haproxy(site: Site, program: str) -> list[str]:
    lines = [f"{host} b{port}\n" for host, port in site.hosts.items()]
    lines += [f"{each.host} {each.name}\n" for each in site.chores]
    hosts = site.write("hosts.map", "".join(lines))
    pem = site.write("both.pem", site.certificate.read_text() + site.key.read_text())
    web, websecure = f"{LOOPBACK}:{site.web}", f"{LOOPBACK}:{site.websecure}"
    text = "".join(each.haproxy_top for each in site.chores)
    text += HAPROXY.format(web=web, websecure=websecure, pem=pem, hosts=hosts)
    text += "".join(f"backend b{port}\n    server s {LOOPBACK}:{port}\n" for port in site.backends)
    text += "".join(
        f"backend {each.name}\n    {each.haproxy}\n    server s {LOOPBACK}:{site.main} cookie s\n"
        for each in site.chores
    )
    return [program, "-db", "-f", site.write("haproxy.cfg", text)]


CADDY = """
{
    admin off
    auto_https off
    log default {
        level ERROR
    }
}
"""


def caddy(site: Site, program: str) -> list[str]:
    """One block a host: many addresses on one block would be one route."""
    blocks = [
        f"http://{host}:{site.web} {{\n  bind {LOOPBACK}\n  reverse_proxy {LOOPBACK}:{port}\n}}\n"
        for host, port in site.hosts.items()
    ]
    blocks += [
        f"http://{each.host}:{site.web} {{\n  bind {LOOPBACK}\n  {each.caddy}\n"
        f"  reverse_proxy {LOOPBACK}:{site.main} {{\n    {each.caddy_proxy}\n  }}\n}}\n"
        for each in site.chores
        if each.caddy or each.caddy_proxy
    ]
    blocks.append(
        f"https://{HOST}:{site.websecure} {{\n  bind {LOOPBACK}\n  tls {site.certificate} {site.key}\n"
        f"  reverse_proxy {LOOPBACK}:{site.hosts[HOST]}\n}}\n"
    )
    config = site.write("Caddyfile", CADDY + "".join(blocks))
    return [program, "run", "--adapter", "caddyfile", "--config", config]


def traefik(site: Site, program: str) -> list[str]:
    pair = {"certFile": str(site.certificate), "keyFile": str(site.key)}
    tree = route_tree(site) | {"tls": {"certificates": [pair]}}
    docker = [] if site.docker == "off" else [f"--providers.docker.endpoint={site.docker}"]
    return [
        *(program, *docker, "--providers.file.filename=" + site.write("routes.yaml", json.dumps(tree))),
        *("--global.checknewversion=false", "--global.sendanonymoususage=false", "--log.level=ERROR"),
        f"--entrypoints.web.address={LOOPBACK}:{site.web}",
        f"--entrypoints.websecure.address={LOOPBACK}:{site.websecure}",
    ]


def route_tree(site: Site) -> dict[str, object]:
    """Routers and services as Traefik and Tidegate read them; JSON is YAML too."""
    services = {
        f"b{port}": {"loadBalancer": {"servers": [{"url": f"http://{LOOPBACK}:{port}"}]}}
        for port in site.backends
    }
    chores = [each for each in site.chores if each.tidegate or each.balancer]
    services |= {
        each.name: {"loadBalancer": {"servers": [{"url": f"http://{LOOPBACK}:{site.main}"}], **each.balancer}}
        for each in chores
    }
    middlewares = {each.name: each.tidegate for each in chores if each.tidegate}
    return {
        "http": {
            "routers": dict(routers(site)),
            "services": services,
            **({"middlewares": middlewares} if middlewares else {}),
        }
    }


def routers(site: Site) -> Iterator[tuple[str, dict[str, object]]]:
    """A plain router for each host, a secure one for the first alone: the rest want no certificate."""
    for number, (host, port) in enumerate(site.hosts.items()):
        router: dict[str, object] = {"rule": f"Host(`{host}`)", "service": f"b{port}"}
        yield f"web{number}", router | {"entryPoints": ["web"]}
        if number == 0:
            yield from chore_routers(site)
            yield "secure", router | {"entryPoints": ["websecure"], "tls": {}}


def chore_routers(site: Site) -> Iterator[tuple[str, dict[str, object]]]:
    for each in site.chores:
        doing = {"middlewares": [each.name]} if each.tidegate else {}
        yield (
            each.name,
            {"rule": f"Host(`{each.host}`)", "service": each.name, "entryPoints": ["web"], **doing},
        )
