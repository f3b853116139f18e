"""addprefix: put something before the path that the app gets."""

from __future__ import annotations

from proxy.exchange import RequestHead, Response
from proxy.matchers import as_bytes
from proxy.pathname import escaped, with_path
from proxy.schema import option, options


@options
class AddPrefix:
    """Put a prefix before the path."""

    prefix: str = option(doc="What is put before the path.", example="/app")

    steady = True

    def __post_init__(self) -> None:
        if not self.prefix.strip():
            raise ValueError("prefix is empty. Example: /app")

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        return with_path(request, escaped(as_bytes(self.prefix)) + request.path)
