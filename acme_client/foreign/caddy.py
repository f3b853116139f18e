"""Caddy: `certificates/CA/NAME/NAME.{crt,key,json}` below its data directory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from acme_client.foreign.found import Found, Unusable

OWN = "local"
"""The folder of what Caddy's own authority has signed."""


def home(path: Path) -> Path | None:
    """The directory with `certificates`, if this is Caddy's or the one around it."""
    return next((each for each in (path, path / "caddy") if (each / "certificates").is_dir()), None)


def certificates(directory: Path) -> Iterator[Found | Unusable]:
    for chain in sorted((directory / "certificates").glob("*/*/*.crt")):
        place = f"{chain.stem.replace('wildcard_', '*')} (Caddy)"
        if chain.parent.parent.name == OWN:
            yield Unusable(place, "Caddy's own authority has signed it; Tidegate has one of its own")
            continue
        try:
            pair = chain.read_bytes(), chain.with_suffix(".key").read_bytes()
            yield Found(place, *pair, issuer(chain.with_suffix(".json")))
        except OSError as error:
            yield Unusable(place, f"{Path(error.filename or chain).name} cannot be read: {error.strerror}")


def issuer(path: Path) -> str:
    """The directory of the CA, which stands beside the certificate."""
    try:
        document: Any = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return ""
    data = document.get("issuer_data") if isinstance(document, dict) else None
    return str(data.get("ca") or data.get("url") or "") if isinstance(data, dict) else ""
