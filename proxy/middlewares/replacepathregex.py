"""replacepathregex: rewrite the path with an expression."""

from __future__ import annotations

from proxy.exchange import RequestHead, Response
from proxy.pathname import as_expressions_see_it, escaped, with_path
from proxy.regex import compiled, replaced
from proxy.schema import option, options


@options
class ReplacePathRegex:
    """Replace what matches in the path; X-Replaced-Path holds the one that was asked for."""

    regex: str = option(doc="What to look for (RE2).", example="^/old/(.*)")
    replacement: str = option(
        doc="What stands there instead; $1 is the first group.", example="/new/$1", default=""
    )

    steady = True

    def __post_init__(self) -> None:
        compiled(self.regex)

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        path = as_expressions_see_it(request.path)
        if not compiled(self.regex).search(path.encode("latin-1")):
            return request
        new = replaced(self.regex, self.replacement.strip(), path)
        return with_path(request.with_field("X-Replaced-Path", request.path), escaped(new))
