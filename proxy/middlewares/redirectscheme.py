"""redirectscheme: send visitors to the same address under another scheme or port."""

from __future__ import annotations

from typing import Literal

from proxy.authority import url_host
from proxy.exchange import RequestHead, Response
from proxy.pages import page
from proxy.redirection import redirect_status
from proxy.schema import Port, option, options

_PORT = {"http": 80, "https": 443}
_BELOW = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


@options
class RedirectScheme:
    """Redirect to another scheme, https as a rule."""

    scheme: Literal["http", "https", "ws", "wss"] = option(doc="The scheme to redirect to.", example="https")
    port: Port | None = option(doc="The port to redirect to.", example="8443", default=None)
    permanent: bool = option(
        doc="Say that it is for ever, so that clients remember.", example="true", default=False
    )

    steady = True

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        below = _BELOW[self.scheme]
        port = self.port or _PORT[below]
        if (request.scheme, request.port) == (below, port):
            return request
        if not request.host:
            return page(400, request)  # there is no address to redirect to
        shown = "" if port == _PORT[below] else f":{port}"
        location = f"{self.scheme}://{url_host(request.host)}{shown}{request.target}"
        return Response(redirect_status(request, permanent=self.permanent), (("Location", location),))
