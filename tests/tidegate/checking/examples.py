"""The compose files and labels that this repository shows to its readers."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
_BLOCK = re.compile(r'^```ya?ml(?: title="(?!tidegate\.)[^"]*")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(tidegate\.[a-z]+)` \|.*\| (`[^`]+`|`` .* ``) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    name: str
    text: str

    def __str__(self) -> str:
        return self.name


def _of_pages() -> Iterator[Example]:
    pages = [page for page in sorted((ROOT / "docs").glob("*.md")) if page.stem != "settings"]  # not labels
    for page in [ROOT / "README.md", *pages]:
        for number, block in enumerate(_BLOCK.findall(page.read_text()), 1):
            yield Example(f"{page.relative_to(ROOT)}#{number}", _as_file(block))


def _as_file(block: str) -> str:
    """A block that shows only labels, or is indented as far as what a service says, stands below one."""
    if block.startswith("    "):
        return "services:\n  app:\n" + block
    if block.startswith("labels:"):
        return "services:\n  app:\n    expose: ['2368']\n" + textwrap.indent(block, "    ")
    return block


def _of_rows() -> Iterator[Example]:
    """Each row of a table of labels, beside a host where it needs one."""
    for page in (ROOT / "README.md", ROOT / "docs" / "labels.md"):
        for label, example in _ROW.findall(page.read_text()):
            labels = {"tidegate.host": "blog.example.com", label: example.strip("` ")}
            if label == "tidegate.strip":
                labels["tidegate.path"] = "/blog"
            if label == "tidegate.middlewares":
                labels["tidegate.http.middlewares.secure.headers.stsSeconds"] = "60"
            dollars = page.name == "labels.md"  # its examples are what the engine sees
            lines = [
                f"      {name}: '{value.replace('$', '$$') if dollars else value}'"
                for name, value in labels.items()
            ]
            network = "    networks: [front, proxy]\nnetworks: {front: , proxy: }"
            text = "\n".join(["services:", "  app:", "    expose: ['2368']", "    labels:", *lines, network])
            yield Example(f"{page.relative_to(ROOT)}:{label}", text)


def _of_files() -> Iterator[Example]:
    for path in sorted((ROOT / "compose").rglob("*.yaml")):
        yield Example(str(path.relative_to(ROOT)), path.read_text())


EXAMPLES = (*_of_files(), *_of_pages(), *_of_rows())
