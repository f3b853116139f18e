"""Limits: how long a client may keep us waiting.

There is none on the length or the duration of a transfer that makes progress.
Seconds; the defaults stand between nginx's (60 for everything) and what slow
phones need.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    handshake: float = 10.0
    """TLS, from the accepted connection to its first usable byte."""
    head: float = 10.0
    """From a request's first byte (or from the accepted connection) to the end of its head."""
    idle: float = 75.0
    """Between two requests of a kept connection; browsers give up at 60 to 115."""
    content: float = 60.0
    """Without one byte of a body that the app is waiting for."""
    write: float = 60.0
    """Without one byte of an answer taken by the client."""
    unread: float = 5.0
    """An early answer is out: how long the rest of the request is read away to keep the connection."""
    linger: float = 2.0
    """The last answer is out: how long input is thrown away, so that no reset overtakes that answer."""
    sweep: float = 0.5
    """How often the limits are looked at."""
    connections: int | None = None
    """Client connections at a time; None: what the limit of open files allows."""
