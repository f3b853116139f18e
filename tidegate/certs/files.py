"""Files: certificates of other programs into the data directory, and ours out of it.  Blocks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from acme_client.certificate import Certificate
from acme_client.disk import make_folder
from acme_client.foreign import certificates
from acme_client.names import read_name
from acme_client.store import Store
from acme_client.takeover import LeftOut, Taken, take_over


def bring_in(path: Path, data: Path, directories: Collection[str], now: datetime) -> list[Taken | LeftOut]:
    """Each certificate at `path`, taken over into `data` or not.

    ValueError where nothing is there to be had; OSError where it cannot be read or saved.
    """
    import acme_client.reading  # noqa: F401 - while this is root: others may not be able to read our code

    found = list(certificates(path))
    with as_owner_of(data):
        make_folder(data)
        return list(take_over(found, Store(data), directories, now))


@contextmanager
def as_owner_of(data: Path) -> Iterator[None]:
    """What root writes here has to be the running instance's, who is often not root."""
    place = data
    while not place.exists():
        place = place.parent
    owner = place.stat()
    if os.geteuid() != 0 or place != data or owner.st_uid == 0:
        yield
        return
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def held(data: Path, name: str) -> Certificate | None:
    """What is held for this name, or for the wildcard above it."""
    host, store = read_name(name), Store(data)
    own = store.look(host.host)
    return own or (store.look(host.wildcard) if host.wildcard else None)


FOREIGN = (
    "; it is not of the authority that Tidegate uses here, so it is served only until Tidegate has a new one,"
    " which it gets as soon as a router names the host"
)


def told(each: Taken | LeftOut) -> str:
    """One line for people."""
    if isinstance(each, LeftOut):
        return f"{each.place}: left out: {each.reason}"
    until = f"until {each.certificate.not_after:%Y-%m-%d}"
    return f"{each.place}: taken over for {', '.join(each.hosts)}, {until}{'' if each.ours else FOREIGN}"
