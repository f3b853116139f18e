"""A site behind a login server, with the labels that the server's documentation gives."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlencode, urljoin, urlsplit

import pytest

from discovery.container import Container
from discovery.labels import read_container
from discovery.merge import merge
from discovery.networks import Own
from proxy.model import RoutingConfig, Server
from proxy.tls import KeyPair
from tests.proxy.wire.login_server import (
    AUTHELIA,
    AUTHENTIK,
    PASSWORD,
    TINYAUTH,
    USER,
    Kind,
    LoginServer,
)
from tests.proxy.wire.stage import App, Call, Reply, Stage, staged
from tests.proxy.wire.test_tls import LISTENERS, pair, trusting

APP = "app.example.com"
LABELS = {
    "authelia": """
        traefik.enable=true
        traefik.http.routers.authelia.rule=Host(`auth.example.com`)
        traefik.http.routers.authelia.entryPoints=https
        traefik.http.routers.authelia.tls=true
        traefik.http.middlewares.authelia.forwardAuth.address=http://authelia:9091/api/authz/forward-auth
        traefik.http.middlewares.authelia.forwardAuth.trustForwardHeader=true
        traefik.http.middlewares.authelia.forwardAuth.authResponseHeaders=Remote-User,Remote-Groups,Remote-Email,Remote-Name
    """,
    "authentik": """
        traefik.enable=true
        traefik.http.routers.authentik.rule=Host(`app.example.com`) && PathPrefix(`/outpost.goauthentik.io/`)
        traefik.http.routers.authentik.tls=true
        traefik.http.middlewares.authentik.forwardauth.address=http://authentik-proxy:9000/outpost.goauthentik.io/auth/traefik
        traefik.http.middlewares.authentik.forwardauth.trustForwardHeader=true
        traefik.http.middlewares.authentik.forwardauth.authResponseHeaders=X-authentik-username,X-authentik-groups,X-authentik-entitlements,X-authentik-email,X-authentik-name,X-authentik-uid,X-authentik-jwt
    """,
    "tinyauth": """
        traefik.enable=true
        traefik.http.routers.tinyauth.rule=Host(`tinyauth.example.com`)
        traefik.http.middlewares.tinyauth.forwardauth.address=http://tinyauth:3000/api/auth/traefik
        traefik.http.middlewares.tinyauth.forwardauth.authResponseHeaders=Remote-User,Remote-Groups,Remote-Email,Remote-Name
    """,
}
AT = {"authelia": "authelia:9091", "authentik": "authentik-proxy:9000", "tinyauth": "tinyauth:3000"}
"""Where a label's address leads; here it is a port of this machine."""


def container(name: str, port: int, text: str) -> Container:
    labels = dict(line.strip().split("=", 1) for line in text.strip().splitlines())
    return Container(id=name * 8, name=name, labels=labels, networks={"proxy": "172.18.0.5"}, exposed=(port,))


def routing(kind: Kind, app: App, login: App) -> RoutingConfig:
    site = f"""
        traefik.enable=true
        traefik.http.routers.app.rule=Host(`{APP}`)
        traefik.http.routers.app.tls=true
        traefik.http.routers.app.middlewares={kind.name}@docker
    """
    labels = LABELS[kind.name].replace(AT[kind.name], f"127.0.0.1:{login.port}")
    containers = [container("app", app.port, site), container(kind.name, login.port, labels)]
    own = Own(networks=frozenset({"proxy"}), container="f" * 64)
    config = merge(fragment for each in containers if (fragment := read_container(each, own)))
    assert not config.problems
    services = {name: replace(each, servers=here(each.servers)) for name, each in config.services.items()}
    return replace(config, services=services)


def here(servers: tuple[Server, ...]) -> tuple[Server, ...]:
    """The same on this machine: nothing is sent to a container that claims to be at a loopback address."""
    return tuple(replace(each, address="127.0.0.1") for each in servers)


class Browser:
    """Keeps cookies by their domain and goes where it is sent."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.cookies: dict[tuple[str, str], str] = {}
        self.at = ""
        self.last: Reply

    async def open(self, url: str, method: str = "GET", content: bytes = b"", fields: str = "") -> Reply:
        for _ in range(5):
            self.at = url
            reply = await self._ask(url, method, content, fields)
            location = reply.get("Location")
            if not 300 <= reply.status < 400 or not location:
                return reply
            url = urljoin(url, location)
            if reply.status != 307:
                method, content = "GET", b""
        raise AssertionError(f"sent in circles, the last time to {url}")

    async def _ask(self, url: str, method: str, content: bytes, fields: str) -> Reply:
        parts = urlsplit(url)
        assert parts.scheme == "https"
        host = parts.hostname or ""
        client = await self.stage.client("websecure", context=trusting(), name=host)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        mine = "; ".join(
            f"{name}={value}"
            for (domain, name), value in self.cookies.items()
            if host == domain or (domain.startswith(".") and host.endswith(domain))
        )
        cookie = f"Cookie: {mine}\r\n" if mine else ""
        length = f"Content-Length: {len(content)}\r\n" if content else ""
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n"
        reply = await client.ask(f"{head}{cookie}{length}{fields}\r\n".encode() + content, method)
        for name, value in reply.fields:
            if name.lower() == "set-cookie":
                self._keep(host, value)
        return reply

    def _keep(self, host: str, line: str) -> None:
        pair, *attributes = (part.strip() for part in line.split(";"))
        name, _, value = pair.partition("=")
        said = dict(each.lower().partition("=")[::2] for each in attributes)
        place = (f".{said['domain']}" if "domain" in said else host, name)
        if said.get("max-age") == "0":
            self.cookies.pop(place, None)
        else:
            self.cookies[place] = value

    async def log_in(self, password: str = PASSWORD) -> Reply:
        form = urlencode({"user": USER, "password": password}).encode()
        return await self.open(self.at, "POST", form)


def page(call: Call) -> bytes:
    return f"{call.method} {call.target}".encode()


async def site(call: Call) -> None:
    if call.get("Upgrade"):
        await call.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        await call.until_left()
        return
    content = await call.body()
    await call.answer(page(call) + content)


@contextlib.asynccontextmanager
async def guarded(kind: Kind) -> AsyncIterator[tuple[Stage, LoginServer, App]]:
    server = LoginServer(kind)
    login = App(server)
    await login.start()
    try:
        async with staged(site, config=lambda app: routing(kind, app, login), listeners=LISTENERS) as stage:
            names = (APP, "auth.example.com", "tinyauth.example.com")
            certificates: dict[str, KeyPair] = {name: pair(name) for name in names}
            stage.sni.publish(certificates, default=pair("fallback.test"))
            yield stage, server, login
    finally:
        login.stop()


EVERY = pytest.mark.parametrize("kind", [AUTHELIA, AUTHENTIK, TINYAUTH], ids=lambda kind: kind.name)
DEEP = f"https://{APP}/deep/page?q=a%20b&r=%2F"


@EVERY
async def test_a_visitor_logs_in_comes_back_to_where_he_wanted_to_go_and_logs_out(kind: Kind) -> None:
    async with guarded(kind) as (stage, server, _):
        browser = Browser(stage)
        form = await browser.open(DEEP)
        assert b"<form" in form.body
        assert browser.at.startswith(kind.portal.format(host=APP))
        assert (await browser.log_in("wrong")).status == 401
        assert not stage.app.calls
        there = await browser.log_in()
        assert (browser.at, there.status, there.body) == (DEEP, 200, b"GET /deep/page?q=a%20b&r=%2F")
        [call] = stage.app.calls
        for name, value in kind.fields.items():
            assert call.get(name) == value
        asked = server.questions[-1]
        assert [asked.get(f"X-Forwarded-{name}") for name in ("Method", "Proto", "Host", "Uri")] == [
            "GET", "https", APP, "/deep/page?q=a%20b&r=%2F",
        ]  # fmt: skip
        assert asked.get("X-Forwarded-For") == "127.0.0.1"
        again = await browser.open(f"https://{APP}/save", "POST", b"content")
        assert again.body == b"POST /savecontent"
        out = urljoin(kind.portal.format(host=APP), "logout")
        assert (await browser.open(out)).body == b"bye"
        assert b"<form" in (await browser.open(DEEP)).body
        assert len(stage.app.calls) == 2


@EVERY
async def test_a_visitor_who_has_left_elsewhere_is_out_at_once(kind: Kind) -> None:
    async with guarded(kind) as (stage, server, _):
        browser = Browser(stage)
        await browser.open(DEEP)
        await browser.log_in()
        server.sessions.clear()  # he has logged out on another device: the cookie is still there
        assert b"<form" in (await browser.open(DEEP)).body
        assert len(stage.app.calls) == 1


@EVERY
async def test_nobody_says_himself_who_he_is(kind: Kind) -> None:
    """Neither without a session, nor with one: what the server says counts, and nothing beside it."""
    async with guarded(kind) as (stage, _, _):
        browser = Browser(stage)
        lies = "".join(f"{name}: root\r\n{name.replace('-', '_')}: root\r\n" for name in kind.fields)
        await browser.open(DEEP, fields=lies + "Cookie: session=guessed\r\n")
        assert not stage.app.calls
        await browser.log_in()
        await browser.open(DEEP, fields=lies)
        assert len(stage.app.calls) == 2
        for call in stage.app.calls:
            seen = {name.lower().replace("_", "-"): value for name, value in call.fields}
            assert {name: seen[name.lower()] for name in kind.fields} == kind.fields
            assert "root" not in {value for _, value in call.fields}


@EVERY
async def test_a_stranger_cannot_pretend_to_ask_for_something_else(kind: Kind) -> None:
    """The login server's rules judge what is really asked for, trustForwardHeader or not."""
    async with guarded(kind) as (stage, server, _):
        lies = (
            "X-Forwarded-Uri: /public\r\nX-Forwarded-Host: open.example.com\r\nX-Forwarded-Method: HEAD\r\n"
            "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\nX_Forwarded_Uri: /public\r\n"
        )
        await Browser(stage).open(f"https://{APP}/secret", fields=lies)
        asked = server.questions[-1]
        names = ("Method", "Proto", "Host", "Uri", "For")
        told = [asked.get(f"X-Forwarded-{name}") for name in names]
        assert told == ["GET", "https", APP, "/secret", "127.0.0.1"]
        assert not stage.app.calls


@EVERY
async def test_programs_are_told_and_not_sent_to_a_form(kind: Kind) -> None:
    async with guarded(kind) as (stage, _, _):
        client = await stage.client("websecure", context=trusting(), name=APP)
        reply = await client.ask(
            f"POST /api HTTP/1.1\r\nHost: {APP}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        )
        assert (reply.status, reply.body) == (401, b"who are you?")
        assert not stage.app.calls


@EVERY
async def test_a_tunnel_needs_a_session_too(kind: Kind) -> None:
    async with guarded(kind) as (stage, _, _):
        browser = Browser(stage)
        await browser.open(DEEP)
        await browser.log_in()
        [value] = browser.cookies.values()
        for cookie, status in (("session=guessed", 401), (f"session={value}", 101)):
            client = await stage.client("websecure", context=trusting(), name=APP)
            fields = f"Connection: Upgrade\r\nUpgrade: x\r\nCookie: {cookie}\r\n"
            await client.send(f"GET /ws HTTP/1.1\r\nHost: {APP}\r\n{fields}\r\n".encode())
            assert (await client.head()).status == status


@EVERY
async def test_while_the_login_server_is_away_nobody_gets_in(kind: Kind) -> None:
    async with guarded(kind) as (stage, _, login):
        browser = Browser(stage)
        await browser.open(DEEP)
        await browser.log_in()
        login.stop()
        assert (await browser.open(DEEP)).status == 500
        assert len(stage.app.calls) == 1
