"""Message: what is sent, whatever carries it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["bad", "good"]
LONGEST = 1900
"""Characters; Discord takes 2,000, ntfy 4,096 bytes."""


@dataclass(frozen=True, slots=True)
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
