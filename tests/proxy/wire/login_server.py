"""A login server as small as an honest one can be: a form, a session, and an answer to every "may he?".

It speaks as Authelia, Authentik and tinyauth do, as far as their documentation of forward auth with
Traefik says; who it is decides what it is asked, how it refuses and what it tells the app.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, quote, urlsplit

from tests.proxy.wire.stage import Call

USER, PASSWORD = "anna", "correct horse"
FORM = b"<form method=post><input name=user><input name=password type=password></form>"


@dataclass(frozen=True)
class Kind:
    name: str
    asked_at: str
    """The path of the question."""
    portal: str
    """Where the form is; {host} is the app's."""
    back: str
    """The parameter that says where the visitor came from."""
    refusal: int
    """The status for a browser."""
    cookie_domain: str
    fields: dict[str, str]
    """What an app is told of a visitor."""


AUTHELIA = Kind(
    "authelia",
    "/api/authz/forward-auth",
    "https://auth.example.com/",
    "rd",
    302,
    "example.com",
    {"Remote-User": USER, "Remote-Groups": "admins,dev", "Remote-Name": "Anna", "Remote-Email": "a@b.c"},
)
AUTHENTIK = Kind(
    "authentik",
    "/outpost.goauthentik.io/auth/traefik",
    "https://{host}/outpost.goauthentik.io/start",
    "rd",
    302,
    "",
    {"X-authentik-username": USER, "X-authentik-groups": "admins|dev", "X-authentik-jwt": "e30.e30."},
)
TINYAUTH = Kind(
    "tinyauth",
    "/api/auth/traefik",
    "https://tinyauth.example.com/login",
    "redirect_uri",
    307,
    "example.com",
    {"Remote-User": USER, "Remote-Groups": "admins", "Remote-Name": "Anna", "Remote-Email": "a@b.c"},
)


@dataclass
class LoginServer:
    kind: Kind
    sessions: set[str] = field(default_factory=set)
    questions: list[Call] = field(default_factory=list)

    async def __call__(self, call: Call) -> None:
        content = await call.body()
        path = call.target.partition("?")[0]
        if path == self.kind.asked_at:
            self.questions.append(call)
            await self._judge(call)
        elif path.endswith("/logout"):
            self.sessions.discard(self._session(call))
            await self._say(call, "200 OK", b"bye", self._cookie("gone", expired=True))
        elif call.method == "POST":
            await self._log_in(call, parse_qs(content.decode()))
        else:
            await self._say(call, "200 OK", FORM, "Content-Type: text/html\r\n")

    async def _judge(self, call: Call) -> None:
        if self._session(call) in self.sessions:
            told = "".join(f"{name}: {value}\r\n" for name, value in self.kind.fields.items())
            await self._say(call, "200 OK", b"", told)
        elif "text/html" in (call.get("Accept") or ""):
            wanted = "{}://{}{}".format(*(call.get(f"X-Forwarded-{n}") for n in ("Proto", "Host", "Uri")))
            portal = self.kind.portal.format(host=call.get("X-Forwarded-Host"))
            where = f"{portal}?{self.kind.back}={quote(wanted, safe='')}"
            await self._say(call, f"{self.kind.refusal} Away", b"", f"Location: {where}\r\n")
        else:
            await self._say(call, "401 Unauthorized", b"who are you?")

    async def _log_in(self, call: Call, form: dict[str, list[str]]) -> None:
        given = form.get("user", [""])[0], form.get("password", [""])[0]
        if not (given[0] == USER and hmac.compare_digest(given[1], PASSWORD)):
            await self._say(call, "401 Unauthorized", FORM)
            return
        session = secrets.token_hex(16)
        self.sessions.add(session)
        back = parse_qs(urlsplit(call.target).query)[self.kind.back][0]
        host = urlsplit(back).hostname or ""
        if not (host == "example.com" or host.endswith(".example.com")):
            await self._say(call, "400 Bad Request", b"not back there")
            return
        await self._say(call, "303 See Other", b"", f"Location: {back}\r\n{self._cookie(session)}")

    def _cookie(self, session: str, *, expired: bool = False) -> str:
        domain = f"; Domain={self.kind.cookie_domain}" if self.kind.cookie_domain else ""
        age = "; Max-Age=0" if expired else ""
        return f"Set-Cookie: session={session}; Path=/; Secure; HttpOnly; SameSite=Lax{domain}{age}\r\n"

    def _session(self, call: Call) -> str:
        morsel = SimpleCookie(call.get("Cookie") or "").get("session")
        return morsel.value if morsel else ""

    async def _say(self, call: Call, status: str, body: bytes, fields: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\n{fields}Content-Length: {len(body)}\r\n\r\n"
        await call.send(head.encode() + body)
