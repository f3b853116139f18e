"""stripprefix: take the beginning off the path before the app gets it."""

from __future__ import annotations

from proxy.exchange import RequestHead, Response
from proxy.matchers import as_bytes
from proxy.pathname import cut_prefix, escaped, with_path
from proxy.schema import option, options


@options
class StripPrefix:
    """Cut the first of these prefixes that the path begins with; X-Forwarded-Prefix tells the app."""

    prefixes: tuple[str, ...] = option(doc="Beginnings of paths.", example="/app, /old-app", default=())
    force_slash: bool = option(
        doc="No effect, accepted for older files: a path always begins with a slash.",
        example="false",
        default=False,
    )

    steady = True

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        for prefix in filter(None, map(as_bytes, self.prefixes)):
            rest = cut_prefix(request.path, prefix)
            if rest is not None:
                return with_path(told(request, prefix), rest)
        return request


def told(request: RequestHead, prefix: str) -> RequestHead:
    """The request with the prefix where apps look for it, behind those that were cut before."""
    before = request.get("X-Forwarded-Prefix")
    shown = escaped(prefix) if not prefix.isprintable() or not prefix.isascii() else prefix
    return request.with_field("X-Forwarded-Prefix", f"{before}, {shown}" if before else shown)
