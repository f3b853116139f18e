"""Site: what MkDocs is told beyond mkdocs.yml; a page reads the same in the repository and on the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COMING = frozenset({"container.md", "raspberry-pi.md", "security.md", "threat-model.md"})
"""Pages that have their place in the navigation once they are written; any other one must be there."""
_OUTWARD = re.compile(r"\[([^\]]+)\]\(\.\./([^)]+)\)")


def on_config(config: Any) -> Any:
    """Leave out what is not written yet, and a heading that has nothing below it then."""
    docs = Path(config["docs_dir"])
    config["nav"] = [group for group in (_written(group, docs) for group in config["nav"]) if group]
    return config


def _written(group: dict[str, Any], docs: Path) -> dict[str, Any]:
    kept = {}
    for title, pages in group.items():
        there = [page for page in pages if not _is_missing(page, docs)]
        if there:
            kept[title] = there
    return kept


def _is_missing(page: dict[str, str], docs: Path) -> bool:
    [path] = page.values()
    return path in COMING and not (docs / path).exists()


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Name a file of the repository instead of linking to it: the site does not hold it.

    Raises FileNotFoundError where there is no such file.
    """

    def name(link: re.Match[str]) -> str:
        if not (ROOT / link[2].partition("#")[0]).exists():
            raise FileNotFoundError(f"{page.file.src_path} links to ../{link[2]}, which is not there")
        return f"`{link[2].partition('#')[0]}`"

    return _OUTWARD.sub(name, markdown)
