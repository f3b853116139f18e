"""The page of mistakes: `python -m tests.mistakes.page` writes docs/mistakes.md."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from discovery.language import Language
from tidegate.checking.finding import Finding
from tidegate.checking.judging import judge
from tidegate.checking.reading import read
from tidegate.checking.surroundings import judge_own
from tidegate.defaults import entrypoints_of
from tidegate.settings import Settings

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "mistakes.md"
BEGIN = """# Mistakes

What people get wrong, and what `tidegate check` says of it; for containers that run, nearly the same stands
in the log, in `tidegate routes` and on the dashboard. The page is made from
[tests/mistakes/mistakes.yaml](../tests/mistakes/mistakes.yaml) by running `check` over each of them.
"""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One compose file with what is wrong in it; a title alone begins a part of the page."""

    title: str
    text: str

    def findings(self) -> list[Finding]:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "home", "compose.yaml")
            file.parent.mkdir()
            file.write_text(self.text)
            files = read([file], {})
            judge_own(files, {})
            return judge(files, Language(), entrypoints_of(Settings())).findings

    def line(self, finding: Finding) -> str:
        return self.text.splitlines()[finding.place.line - 1].strip().removeprefix("- ")


def mistakes() -> list[Mistake]:
    parts = re.split(r"^--- # (.*)\n", (HERE / "mistakes.yaml").read_text(), flags=re.MULTILINE)[1:]
    return [Mistake(title, text) for title, text in zip(parts[::2], parts[1::2], strict=True)]


def page() -> Iterator[str]:
    yield BEGIN
    for mistake in mistakes():
        if not mistake.text:
            yield f"\n## {mistake.title}\n\n| mistake | written | said |\n| --- | --- | --- |"
            continue
        for finding in mistake.findings():
            said = [f"{finding.severity}: {finding.what}", finding.consequence]
            cells = mistake.title, code(mistake.line(finding)), "<br>".join(map(literal, filter(None, said)))
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def literal(text: str) -> str:
    """The text as it is, whatever Markdown would make of its back-ticks, stars and brackets."""
    return re.sub(r"([`*<$\[])", r"\\\1", text)


def whole() -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(page())) + "\n"


if __name__ == "__main__":
    PAGE.write_text(whole())
