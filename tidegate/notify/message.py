"""Message: what is sent, whatever carries it."""

from __future__ import annotations

from typing import Literal

from proxy.frozen import frozen

Tone = Literal["bad", "good"]
LONGEST = 1900
"""Characters; Discord takes 2,000, ntfy 4,096 bytes."""


@frozen
class Message:
    """`title` is one line."""

    title: str
    text: str
    tone: Tone = "bad"

    def cut(self) -> Message:
        text = self.text if len(self.text) <= LONGEST else f"{self.text[: LONGEST - 1]}…"
        return Message(self.title, text, self.tone)


class NotSent(Exception):
    """It was not taken; the text says why and holds no secret."""
