"""stripprefixregex: take the beginning off the path, by expressions."""

from __future__ import annotations

from proxy.exchange import RequestHead, Response
from proxy.middlewares.stripprefix import told
from proxy.pathname import cut_prefix, decoded, with_path
from proxy.regex import compiled
from proxy.schema import option, options


@options
class StripPrefixRegex:
    """Cut the beginning of the path that an expression finds; X-Forwarded-Prefix tells the app."""

    regex: tuple[str, ...] = option(
        doc="Expressions for beginnings of paths (RE2).", example="/app/[a-z0-9]+", default=()
    )

    steady = True

    def __post_init__(self) -> None:
        for pattern in self.regex:
            compiled(pattern)

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        path = decoded(request.path)
        for pattern in self.regex:
            found = compiled(pattern).search(path.encode("latin-1"))
            prefix = found[0].decode("latin-1") if found else ""
            rest = cut_prefix(request.path, prefix) if prefix else None
            if rest is not None:
                return with_path(told(request, prefix), rest)
        return request
