"""Printable: strangers' words (labels, paths, names) made harmless for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with whatever a terminal takes for an order written out: colours, bells, reversed writing."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
