"""Caddy blocks: labels of caddy-docker-proxy as the blocks of a Caddyfile.

A label is a path of directives, its value their arguments.  A number before a
name orders blocks, one behind it keeps two of the same name apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

ROOT_LABEL = re.compile(r"caddy(_[0-9]+)?(\.|$)")
LAST = 1 << 30
MOST_STEPS = 12
UPSTREAMS = "upstreams:"
"""What a token begins with that stands for the container itself."""

_STEP = re.compile(r"(?:([0-9]{1,9})_)?(.+?)(?:_[0-9]{1,9})?")
_UPSTREAMS = re.compile(r"\{\{\s*upstreams(?:\s+(http|https|h2c))?(?:\s+([0-9]{1,5}))?\s*\}\}")
_TOKEN = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|`([^`]*)`|([^\s\"`]\S*)")


class BrokenLabelError(ValueError):
    """A label cannot be read; the text says why, `label` which."""

    def __init__(self, what: str, label: str) -> None:
        super().__init__(what)
        self.label = label


@dataclass(slots=True)
class Block:
    """One directive with its arguments and what stands below it."""

    name: str
    label: str
    order: int = LAST
    tokens: tuple[str, ...] = ()
    below: dict[str, Block] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Block]:
        """What stands below it, in the order in which Caddy is told it."""
        return sorted(self.below.values(), key=lambda each: (each.order, each.name, each.tokens))


def belongs(labels: Mapping[str, str]) -> dict[str, str]:
    return {label: value for label, value in labels.items() if ROOT_LABEL.match(label)}


def read_blocks(labels: Mapping[str, str]) -> list[Block]:
    """The blocks at the top; raises BrokenLabelError."""
    top: dict[str, Block] = {}
    for label in sorted(belongs(labels)):
        steps = [step.replace("\\.", ".") for step in re.split(r"(?<!\\)\.", label)]
        if len(steps) > MOST_STEPS or "" in steps:
            raise BrokenLabelError(f"A label is at most {MOST_STEPS} names with dots between.", label)
        here, block = top, None
        for step in steps:
            found = _STEP.fullmatch(step)
            order, name = (found[1], found[2]) if found else ("", step)
            block = here.setdefault(step, Block(name, label, int(order) if order else LAST))
            here = block.below
        if block is not None:
            block.label, block.tokens = label, tuple(_tokens(labels[label], label))
    return list(top.values())


def _tokens(value: str, label: str) -> Iterator[str]:
    """The arguments; the container itself is one word, whichever way it is meant."""
    text = _UPSTREAMS.sub(lambda found: f"{UPSTREAMS}{found[1] or ''}:{found[2] or ''}", value)
    if "{{" in text:
        raise BrokenLabelError("Of templates only {{upstreams}} is read, with a scheme and a port.", label)
    text = text.replace("\\\n", " ")
    if _TOKEN.sub("", text).strip():
        raise BrokenLabelError("A quote in the value has no partner.", label)
    for quoted, raw, bare in _TOKEN.findall(text):
        if bare.startswith("#"):
            return
        yield bare or raw or re.sub(r'\\"', '"', quoted)
