"""Lexicon process: one change of one record, read from standard input; the only importer of `lexicon`."""

from __future__ import annotations

import json
import sys
from typing import Any, NamedTuple

import tldextract
from lexicon.client import Client
from lexicon.config import ConfigResolver


class Split(NamedTuple):
    """A zone in the two parts that the library wants and joins again."""

    domain: str
    suffix: str


def split(zone: str) -> Split:
    """The library guesses by a list of public suffixes, which knows no zone of a home; ours is known."""
    domain, _, suffix = zone.partition(".")
    return Split(domain, suffix)


def change(provider: str, action: str, zone: str, name: str, value: str) -> bool:
    vars(tldextract)["TLDExtract"] = lambda **_: split
    settings: Any = ConfigResolver
    asked = {"provider_name": provider, "domain": zone, "delegated": zone}
    with Client(settings().with_env().with_dict(asked)) as records:
        if action == "create":
            return bool(records.create_record("TXT", name, value))
        return bool(records.delete_record(None, "TXT", name, value))


def main() -> int:
    task = json.load(sys.stdin)
    try:
        done = change(**task)
    except Exception as error:  # whatever a provider's module raises: its last words are for the log
        print(f"{type(error).__name__}: {error}")
        return 1
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
