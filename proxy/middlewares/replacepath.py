"""replacepath: ask the app for one path, whatever was asked for."""

from __future__ import annotations

from proxy.exchange import RequestHead, Response
from proxy.matchers import as_bytes
from proxy.pathname import escaped, with_path
from proxy.schema import option, options


@options
class ReplacePath:
    """Replace the whole path; X-Replaced-Path holds the one that was asked for."""

    path: str = option(doc="The path that the app gets.", example="/index.html")

    steady = True

    def __post_init__(self) -> None:
        if not self.path.startswith("/"):
            raise ValueError("path begins with a slash. Example: /index.html")

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        return with_path(request.with_field("X-Replaced-Path", request.path), escaped(as_bytes(self.path)))
