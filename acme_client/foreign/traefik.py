"""Traefik: `acme.json`, of one resolver (v1) or of several by their names (v2 and v3)."""

from __future__ import annotations

import binascii
import json
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from acme_client.foreign.found import Found, Unusable


def certificates(path: Path) -> Iterator[Found | Unusable]:
    """ValueError where this is no file of Traefik's."""
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        raise ValueError(f"{path} is no JSON, as Traefik's acme.json would be.") from None
    stores = stores_of(document)
    if not stores:
        raise ValueError(f"{path} is not Traefik's acme.json: it has no certificates.")
    for resolver, store in stores.items():
        source = str(at(store, "Account", "Registration", "uri") or "")
        for each in at(store, "Certificates") or ():
            yield one(each, resolver, source)


def stores_of(document: Any) -> dict[str, Any]:
    """By the resolver's name; "" for the one of a file that knows no names."""
    if not isinstance(document, dict):
        return {}
    stores = {"": document, **document}
    return {name: each for name, each in stores.items() if isinstance(at(each, "Certificates"), list)}


def one(entry: Any, resolver: str, source: str) -> Found | Unusable:
    name = str(at(entry, "domain", "main") or "a certificate without a name")
    place = f"{name} (resolver {resolver})" if resolver else name
    try:
        chain, key = (b64decode(str(at(entry, part) or ""), validate=True) for part in ("certificate", "key"))
    except (binascii.Error, ValueError):
        return Unusable(place, "its entry is damaged")
    return Found(place, chain, key, source)


def at(value: Any, *path: str) -> Any:
    """What stands there, whatever the case of the keys: v1 wrote `Domain`, v2 `domain`."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = next((inner for name, inner in value.items() if name.lower() == key.lower()), None)
    return value
