"""certbot: `/etc/letsencrypt`: live/NAME links into archive/NAME, renewal/NAME.conf says whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from acme_client.foreign.found import Found, Unusable

_SERVER = re.compile(r"^server\s*=\s*(\S+)", re.MULTILINE)
_NUMBERED = re.compile(r"fullchain(\d+)\.pem\Z")


def is_home(path: Path) -> bool:
    return (path / "live").is_dir() or (path / "archive").is_dir()


def certificates(home: Path) -> Iterator[Found | Unusable]:
    for name in sorted(lineages(home)):
        place = f"{name} (certbot)"
        pair = live(home / "live" / name) or newest(home / "archive" / name)
        if pair is None:
            yield Unusable(place, "fullchain.pem or privkey.pem is missing")
            continue
        try:
            yield Found(
                place, pair[0].read_bytes(), pair[1].read_bytes(), server(home / "renewal" / f"{name}.conf")
            )
        except OSError as error:
            yield Unusable(place, f"it cannot be read: {error.strerror}")


def lineages(home: Path) -> set[str]:
    folders = (home / "live", home / "archive")
    return {each.name for folder in folders if folder.is_dir() for each in folder.iterdir() if each.is_dir()}


def live(folder: Path) -> tuple[Path, Path] | None:
    pair = folder / "fullchain.pem", folder / "privkey.pem"
    return pair if all(each.exists() for each in pair) else None


def newest(folder: Path) -> tuple[Path, Path] | None:
    """From the archive: a copy without its links is what people have in backups."""
    numbers = (match[1] for each in folder.glob("fullchain*.pem") if (match := _NUMBERED.match(each.name)))
    for number in sorted(numbers, key=int, reverse=True):
        pair = folder / f"fullchain{number}.pem", folder / f"privkey{number}.pem"
        if pair[1].exists():
            return pair
    return None


def server(conf: Path) -> str:
    try:
        found = _SERVER.search(conf.read_text(errors="replace"))
    except OSError:
        return ""
    return found[1] if found else ""
