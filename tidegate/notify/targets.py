"""Targets: where messages go, read from a URL whose secrets are shown to nobody."""

from __future__ import annotations

from dataclasses import field
from importlib.util import find_spec
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from proxy.authority import url_host
from proxy.frozen import frozen
from proxy.values import Unfit

Kind = Literal["webhook", "ntfy", "gotify", "discord", "mail", "apprise"]

DISCORD = ("discord.com", "discordapp.com")
KNOWN = (
    "https://HOST/..., ntfys://HOST/TOPIC, gotifys://HOST/TOKEN, discord://ID/TOKEN"
    " or smtps://USER:PASSWORD@HOST/?to=ADDRESS"
)


@frozen
class Target:
    """`shown` is what logs and people see of it.

    `url` is where a webhook, ntfy, Gotify or Discord takes messages, and whatever apprise is given.
    """

    kind: Kind
    shown: str
    url: str = field(repr=False, default="")
    user: str = field(repr=False, default="")
    password: str = field(repr=False, default="")
    topic: str = field(repr=False, default="")
    """ntfy's topic or Gotify's token."""
    mail: Mail | None = None


@frozen
class Mail:
    """`tls` from the first byte; else STARTTLS where it is offered."""

    host: str
    port: int
    tls: bool
    sender: str
    to: tuple[str, ...]


def read_target(text: str) -> Target:
    """Unfit where it is none."""
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
    except ValueError:
        raise Unfit(KNOWN, text) from None
    scheme, place = url.scheme.lower(), url_host(host) + (f":{port}" if port else "")
    user, password = unquote(url.username or ""), unquote(url.password or "")
    shown, path = f"{scheme}://{place}", url.path.strip("/")
    if not host:
        raise Unfit(KNOWN, text)
    match scheme:
        case "http" | "https" if host in DISCORD and path.startswith("api/webhooks/"):
            return Target("discord", f"discord://{path.split('/')[2]}", text)
        case "http" | "https":
            bare = url._replace(netloc=place).geturl()
            return Target("webhook", shown, bare, user, password)
        case "ntfy" if not path:
            return Target("ntfy", "ntfy://...", "https://ntfy.sh/", user, password, host)
        case "ntfy" | "ntfys" if path and "/" not in path:
            return Target("ntfy", shown, f"{secure(scheme)}://{place}/", user, password, path)
        case "gotify" | "gotifys" if path:
            above, _, token = path.rpartition("/")
            base = f"{secure(scheme)}://{place}/{above + '/' if above else ''}message"
            return Target("gotify", shown, base, topic=token)
        case "discord" if path and "/" not in path:
            # Not urlsplit's host, which is in lower case: ids are numbers, but who knows.
            identity = url.netloc.rpartition("@")[2]
            hook = f"https://discord.com/api/webhooks/{identity}/{path}"
            return Target("discord", f"discord://{identity}", hook)
        case "smtp" | "smtps":
            return mail_target(text, shown, user, password)
    if scheme in ("ntfy", "ntfys", "gotify", "gotifys", "discord"):
        raise Unfit(KNOWN, text)
    if find_spec("apprise") is None:
        raise Unfit(f"{KNOWN}; anything else needs apprise: pip install 'tidegate[apprise]'", text)
    return Target("apprise", f"{scheme}://...", text)


def mail_target(text: str, shown: str, user: str, password: str) -> Target:
    url = urlsplit(text)
    asked = parse_qs(url.query)
    to = tuple(filter(None, (each.strip() for line in asked.get("to", ()) for each in line.split(","))))
    host, tls = url.hostname or "", url.scheme.lower() == "smtps"
    sender = (asked.get("from") or [user if "@" in user else f"tidegate@{host}"])[0]
    if not to or not all("@" in each and each.isprintable() for each in (*to, sender)):
        raise Unfit("smtps://USER:PASSWORD@HOST/?to=YOU@EXAMPLE.COM", text)
    mail = Mail(host, url.port or (465 if tls else 587), tls, sender, to)
    return Target("mail", shown, "", user, password, mail=mail)


def secure(scheme: str) -> str:
    """apprise's way of saying it: the `s` at the end stands for TLS."""
    return "https" if scheme.endswith("s") else "http"
