"""Maintenance: the sites that a command has closed, kept over restarts in the data directory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import structlog

from acme_client.disk import json_bytes, make_folder, read_json, replace_file
from proxy.authority import parse_authority
from proxy.frozen import frozen
from proxy.host_index import covers
from proxy.model import RoutingConfig
from proxy.schema import closest
from proxy.values import PRIVATE, Unfit, parse_network

if TYPE_CHECKING:
    from proxy.exchange import Middleware

log = structlog.get_logger("tidegate")
FILE = "maintenance.json"
COMMAND = "command"
"""The provider of what a command declares."""
MOST = 200
"""Sites closed at one time."""
LONGEST = 500
"""Letters that visitors are told."""


class Refused(Exception):
    """The switch cannot be turned; the text says why."""


@frozen
class Closed:
    """A site that is closed: what visitors read ("" the usual), and who finds it open."""

    host: str
    text: str = ""
    allow: tuple[str, ...] = ()


@frozen
class Order:
    """What a command says: `on` None asks how it is."""

    host: str = ""
    on: bool | None = None
    text: str = ""
    allow: tuple[str, ...] = ()


def read_order(given: Mapping[str, Sequence[str]]) -> Order:
    """From the query of /api/maintenance; Refused where it is none."""

    def one(name: str) -> str:
        return (given.get(name) or ("",))[0].strip()

    switch = {"": None, "on": True, "off": False}.get(one("switch"), "neither")
    if switch == "neither":
        raise Refused("It is switched on or off.")
    if len(text := one("text")) > LONGEST or not text.isprintable():
        raise Refused(f"A text for visitors is one line of at most {LONGEST} letters.")
    allow = tuple(network for each in given.get("allow", ()) for network in networks(each))
    return Order(host_meant(one("host")), None if switch is None else bool(switch), text, allow)


def host_meant(text: str) -> str:
    """The host of a URL, or the word itself, as routers have it; Refused where a part of a site is named."""
    authority, _, below = text.rpartition("://")[2].partition("/")
    if below.strip("/"):
        raise Refused(f'A whole site is closed, not a part of it: say "{authority}".')
    try:
        return parse_authority(authority)[0]
    except ValueError:  # a wildcard, or nothing that a router can name
        return authority.lower().rstrip(".")


def networks(text: str) -> Iterator[str]:
    for each in filter(None, map(str.strip, text.split(","))):
        if each.lower() == "lan":
            yield from PRIVATE
            continue
        try:
            yield str(parse_network(each))
        except Unfit as error:
            raise Refused(f"{error} `lan` stands for all private ones.") from None


def turned(closed: Mapping[str, Closed], order: Order, hosts: Iterable[str]) -> dict[str, Closed]:
    """The sites that are closed once the order is obeyed; `hosts` are those that routers name."""
    after = dict(closed)
    if not order.on and order.host in after:
        del after[order.host]
        return after
    known = sorted(hosts)
    if not any(covers(host, order.host) or covers(order.host, host) for host in known):
        meant = closest(order.host, known)
        hint = f'Did you mean "{meant}"?' if meant else "See tidegate routes."
        raise Refused(f'No router names the host "{order.host}". {hint}')
    if not order.on:
        return after
    if len(after) >= MOST and order.host not in after:
        raise Refused(f"{MOST} sites are closed already.")
    after[order.host] = Closed(order.host, order.text, order.allow)
    return after


def with_closed(config: RoutingConfig, closed: Mapping[str, Closed]) -> RoutingConfig:
    """The config in which these sites are closed."""
    if not closed:
        return config
    names = {host: f"maintenance-{host}@{COMMAND}" for host in closed}
    made = {names[host]: middleware(each) for host, each in closed.items()}
    return replace(config, middlewares={**config.middlewares, **made}, closed=names)


def middleware(each: Closed) -> Middleware:
    from proxy.middlewares.maintenance import SENTENCE, Maintenance

    allowed = tuple(map(parse_network, each.allow))
    return Maintenance(text=each.text or SENTENCE, source_range=allowed, hosts=(each.host,))


def load(data: Path) -> dict[str, Closed]:
    """What was closed when the program last ran; blocks.  OSError where that cannot be read."""
    found = read_json(data / FILE)
    if found is None and (data / FILE).exists():
        raise OSError(f"{data / FILE} is damaged")
    entries = found.get("closed") if isinstance(found, dict) else None
    read = (_read(each) for each in entries) if isinstance(entries, list) else ()
    return {each.host: each for each in read if each}


def _read(entry: Any) -> Closed | None:
    try:
        host, text, allow = entry["host"], entry.get("text", ""), entry.get("allow", [])
        return Closed(str(host), str(text), tuple(str(parse_network(each)) for each in allow))
    except (KeyError, TypeError, AttributeError, Unfit):
        return None


def save(data: Path, closed: Mapping[str, Closed]) -> None:
    """Readers see the old content or the new; blocks."""
    entries = [{"host": each.host, "text": each.text, "allow": list(each.allow)} for each in closed.values()]
    make_folder(data)
    replace_file(data / FILE, json_bytes({"closed": entries}))


class Switch:
    """Closes sites and opens them, as it is told through the control socket."""

    def __init__(
        self,
        data: Path,
        hosts: Callable[[], Iterable[str]],
        changed: Callable[[], Awaitable[None]],
        declared: Callable[[str], bool],
    ) -> None:
        """`hosts` are those that routers name; `changed` returns when what is closed is served so.

        `declared` says whether a label or a file closes the host, which no command opens.
        """
        self.closed: Mapping[str, Closed] = {}
        self._data = data
        self._hosts = hosts
        self._changed = changed
        self._declared = declared
        self._one_by_one = asyncio.Lock()

    async def remember(self) -> None:
        """What was closed stays so.  What cannot be read is told: nobody would know that a site is open."""
        try:
            self.closed = await asyncio.to_thread(load, self._data)
        except OSError as error:
            log.error(f"which sites are closed cannot be read: {error.strerror or error}")
        if self.closed:
            said = f"closed by command: {', '.join(self.closed)}"
            log.warning("maintenance", hosts=list(self.closed), said=said)

    async def act(self, query: str) -> object:
        """Do what the query of /api/maintenance says; the sites in question that are closed now."""
        try:
            order = read_order(parse_qs(query, keep_blank_values=True))
            was = order.host in self.closed
            if order.on is not None:
                async with self._one_by_one:
                    await self._turn(order)
        except Refused as error:
            return {"refused": str(error)}
        shown = sorted(self.closed.values(), key=lambda each: each.host)
        return {
            "maintenance": [each for each in shown if order.host in ("", each.host)],
            "host": order.host,
            "was_closed": was,
            "declared": self._declared(order.host),
        }

    async def _turn(self, order: Order) -> None:
        self.closed = turned(self.closed, order, self._hosts())
        said = f"{order.host} is {'closed' if order.on else 'open'} by command"
        log.info("maintenance", host=order.host, closed=order.on, said=said)
        await self._changed()
        try:
            await asyncio.to_thread(save, self._data, self.closed)
        except OSError as error:
            reason = error.strerror or error
            raise Refused(
                f"{said}, but only until the next start: it cannot be written ({reason})."
            ) from None
