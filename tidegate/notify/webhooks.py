"""Webhooks: ntfy, Gotify, Discord and whoever takes JSON.  Blocks: for a thread, some seconds.

By http.client, not aiohttp's client: that is 10 MB which a quiet installation does without.
"""

from __future__ import annotations

import http.client
import json
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import field
from typing import Any
from urllib.parse import urlsplit

from proxy.frozen import frozen
from tidegate.notify.message import Message, NotSent
from tidegate.notify.targets import Target

PATIENCE = 15.0
"""Seconds for each step of it."""


@frozen
class Outgoing:
    url: str = field(repr=False)
    document: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


def outgoing(target: Target, message: Message) -> Outgoing:
    """What this target wants to be told, and how it wants it."""
    bad = message.tone == "bad"
    headers = authorization(target)
    document: Mapping[str, Any]
    match target.kind:
        case "ntfy":
            document = {
                "topic": target.topic,
                "title": message.title,
                "message": message.text,
                "priority": 4 if bad else 3,
                "tags": ["warning" if bad else "white_check_mark"],
            }
        case "gotify":
            document = {"title": message.title, "message": message.text, "priority": 7 if bad else 4}
            headers = {"X-Gotify-Key": target.topic}
        case "discord":
            # Nobody is pinged by what stands in a name.
            content = f"**{message.title}**\n{message.text}"[:2000]
            document = {"content": content, "allowed_mentions": {"parse": []}}
        case _:
            document = {"title": message.title, "message": message.text, "tone": message.tone}
    return Outgoing(target.url, document, headers)


def authorization(target: Target) -> dict[str, str]:
    if target.user and not target.password and target.user.startswith("tk_"):
        return {"Authorization": f"Bearer {target.user}"}  # ntfy's access tokens
    if target.user:
        pair = b64encode(f"{target.user}:{target.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {}


def post(what: Outgoing) -> None:
    """NotSent where it is not taken.  No redirect is followed: secrets are for this address."""
    url = urlsplit(what.url)
    target = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(
            url.hostname or "", url.port, timeout=PATIENCE, context=context
        )
    else:
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=PATIENCE)
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Tidegate", **what.headers}
    try:
        connection.request("POST", target, json.dumps(what.document).encode(), headers)
        status = connection.getresponse().status
    except TimeoutError:
        raise NotSent("it does not answer in time") from None
    except OSError as error:
        raise NotSent((error.strerror or type(error).__name__).lower()) from None
    except (http.client.HTTPException, ValueError) as error:
        raise NotSent(f"it answers strangely ({type(error).__name__})") from None
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise NotSent(f"it answers {status}{hint(status)}")


def hint(status: int) -> str:
    if status in (401, 403):
        return " (wrong password or token?)"
    if status == 404:
        return " (wrong address?)"
    return " (too much was sent to it)" if status == 429 else ""
