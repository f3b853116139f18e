"""Page: the answer about one request as its visitor reads it below a page of the proxy's own."""

from __future__ import annotations

from tidegate.redaction import redact_text
from tidegate.status import as_json
from tidegate.why.answer import RequestAnswer
from tidegate.why.ask import answer, read_query
from tidegate.why.scene import Scene
from tidegate.why.text import answer_text


async def explained(query: str, scene: Scene) -> str:
    """The text; "" where it is not about a request: whoever is served asks for nothing else."""
    asking = read_query(query)
    if "://" not in asking.about:
        return ""
    found = await answer(asking, scene)
    if not isinstance(found, RequestAnswer):
        return ""
    return "".join(f"{redact_text(line)}\n" for line in answer_text(as_json(found)).splitlines())
