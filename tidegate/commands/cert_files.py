"""Cert files: `tidegate certs import` and `export`: other programs' certificates in, ours out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from tidegate.addresses import Off
from tidegate.commands.line import ASKING, Call, data_of, refused
from tidegate.control import NotAnswering, tell
from tidegate.printable import printable
from tidegate.settings import Settings
from tidegate.sources import load_leniently
from tidegate.words import count_text

PATIENCE = 20.0
"""Seconds for the running instance to load what was written."""


def bring_in(call: Call, path: str) -> int:
    """`certs import`: works on the directory, whether an instance runs on it or not."""
    from acme_client.takeover import Taken
    from tidegate.certs import files

    settings = load_leniently((*ASKING, "acme_ca"), call.flags, os.environ, call.config)
    data = settings.data_directory
    try:
        outcomes = files.bring_in(Path(path), data, directories(settings), utc_now())
    except ValueError as error:
        return refused(str(error))
    except OSError as error:
        return refused(f"{error.filename or data}: {error.strerror or error}")
    for each in outcomes:
        print(printable(files.told(each)))
    taken = [each for each in outcomes if isinstance(each, Taken)]
    print(f"{len(taken)} of {count_text(len(outcomes), 'certificate')} taken over into {data}.")
    hosts = sorted({host for each in taken for host in each.hosts})
    if hosts:
        print(printable(loaded(call, hosts)))
    return 0 if taken else 1


def loaded(call: Call, hosts: Sequence[str]) -> str:
    try:
        query = urlencode([("host", host) for host in hosts])
        answer = tell(f"certs/reload?{query}", data_of(call), PATIENCE)
    except NotAnswering:
        return "No Tidegate runs on that directory: they are used from its next start."
    served = answer.get("served") if isinstance(answer, dict) else None
    if not served:
        return "The running Tidegate uses them as soon as a router names their hosts."
    return f"The running Tidegate serves {', '.join(map(str, served))} with them now."


def directories(settings: Settings) -> tuple[str, ...]:
    """Those of the authorities that this installation asks."""
    from acme_client.authority import choose_authority

    choices = () if isinstance(settings.acme_ca, Off) else settings.acme_ca.each
    return tuple(found for choice in choices if (found := choose_authority(choice).directory))


def hand_out(call: Call, name: str, directory: str) -> int:
    """`certs export`."""
    from tidegate.certs import exported, files

    data = data_of(call)
    try:
        held = files.held(data, name)
        if held is None:
            return refused(f"{data} holds no certificate for {name}.")
        exported.hand_out(held, Path(directory))
    except OSError as error:
        return refused(f"{error.filename or directory}: {error.strerror or error}")
    what = f"{', '.join(held.names)}, until {held.not_after:%Y-%m-%d}"
    print(printable(f"{exported.CHAIN} and {exported.KEY} of {what}, are in {directory}."))
    return 0


def utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a command looks at the clock once
