"""Redirection: the status that sends a client elsewhere."""

from __future__ import annotations

from proxy.exchange import RequestHead


def redirect_status(request: RequestHead, *, permanent: bool) -> int:
    """Older clients turn any method into GET after 301 and 302, never after 307 and 308."""
    if request.method in ("GET", "HEAD"):
        return 301 if permanent else 302
    return 308 if permanent else 307
