"""Masking: compose's variables, carried through a translation that knows nothing of them.

`Host(`blog.${DOMAIN}`)` has to stay as general as it is, so each variable is a
word that could be part of a host name while the labels are read, and itself
again when they are written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_VARIABLE = re.compile(r"\$\$|\$\{[^{}]*(?:\$\{[^{}]*\}[^{}]*)*\}|\$[A-Za-z_][A-Za-z0-9_]*")
_FIRST_PORT = 61_001


@dataclass(slots=True)
class Mask:
    """`words` are what stands for each expression; those of ports are numbers."""

    words: dict[str, str] = field(default_factory=dict)

    def hide(self, label: str, raw: str) -> str:
        whole = _VARIABLE.fullmatch(raw) and label.lower().endswith("port")
        return _VARIABLE.sub(lambda found: self._word(found[0], number=bool(whole)), raw)

    def _word(self, expression: str, *, number: bool) -> str:
        if expression == "$$":
            return "$"
        for word, known in self.words.items():
            if known == expression and word.isdigit() == number:
                return word
        count = len(self.words)
        word = str(_FIRST_PORT + count) if number else f"zq{count}variable{count}qz"
        self.words[word] = expression
        return word

    def show(self, value: str) -> str:
        """The value as a compose file has it."""
        shown = value.replace("$", "$$")
        for word, expression in self.words.items():
            if word.isdigit():
                shown = expression if shown == word else shown
            else:
                shown = shown.replace(word, expression)
        return shown
