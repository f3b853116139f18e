"""HTTP-01: the answers that the CA may fetch at this moment (RFC 8555 8.3)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

PREFIX = "/.well-known/acme-challenge/"


class HTTP01:
    """Token -> key authorization, while a challenge is open.

    The host is not looked at: a token is the CA's own random number, and
    whoever asks with it may know the answer.
    """

    def __init__(self) -> None:
        self._answers: dict[str, bytes] = {}

    @contextmanager
    def show(self, token: str, key_authorization: str) -> Iterator[None]:
        self._answers[token] = key_authorization.encode("ascii")
        try:
            yield
        finally:
            self._answers.pop(token, None)

    def answer(self, path: str) -> bytes | None:
        """The body for this path, or None where it belongs to whichever app serves the host."""
        if not path.startswith(PREFIX):
            return None
        return self._answers.get(path.removeprefix(PREFIX))
