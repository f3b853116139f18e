"""Lexicon process: one change of one record, read from standard input; the only importer of `lexicon`."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Any

import tldextract
from lexicon.client import Client
from lexicon.config import ConfigResolver


def change(provider: str, action: str, zone: str, name: str, value: str) -> bool:
    # The zone is known: the list of public suffixes that comes with the library is enough to split it,
    # and its newest edition need not be fetched.
    vars(tldextract)["TLDExtract"] = partial(tldextract.TLDExtract, suffix_list_urls=())
    asked = {"provider_name": provider, "domain": zone, "delegated": zone}
    settings: Any = ConfigResolver
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
