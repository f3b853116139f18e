"""foreign: certificates where other programs keep them: Traefik's acme.json, certbot's and Caddy's folders.

Certificates with their keys, never accounts: an account belongs to one program.
Everything here blocks, and reads only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from acme_client.foreign import caddy, certbot, traefik
from acme_client.foreign.found import Found, Unusable

KINDS = "Traefik's acme.json, certbot's directory (/etc/letsencrypt) or Caddy's data directory"


def certificates(path: Path) -> Iterator[Found | Unusable]:
    """All that is there; ValueError where it is of none of these programs, OSError where unreadable."""
    if not path.is_dir():
        yield from traefik.certificates(path)
    elif home := caddy.home(path):
        yield from caddy.certificates(home)
    elif certbot.is_home(path):
        yield from certbot.certificates(path)
    else:
        raise ValueError(f"{path} is not {KINDS}.")
