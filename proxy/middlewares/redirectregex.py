"""redirectregex: send visitors elsewhere when the whole URL matches an expression."""

from __future__ import annotations

import re

from proxy.exchange import RequestHead, Response
from proxy.pages import page
from proxy.redirection import redirect_status
from proxy.regex import compiled, replaced
from proxy.schema import option, options

_LOCATION = re.compile(
    r"(?:https?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.~-]+)(?::[0-9]{1,5})?(?=[/?#]|$)|(?!https?:))[!-~]+"
)
"""Where browsers go: to no broken host, and nothing in it is a space or a control character."""
_BEYOND_ASCII = re.compile("[\x80-\xff]")


@options
class RedirectRegex:
    """Redirect what matches: scheme://host[:port]/path?query."""

    regex: str = option(doc="What to look for in the URL (RE2).", example=r"^https?://www\.(.*)")
    replacement: str = option(doc="What stands there instead; $1 is the first group.", example="https://$1")
    permanent: bool = option(
        doc="Say that it is for ever, so that clients remember.", example="true", default=False
    )

    steady = True

    def __post_init__(self) -> None:
        compiled(self.regex)

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        asked = f"{request.scheme}://{request.get('Host') or request.host}{request.target}"
        if not compiled(self.regex).search(asked.encode("latin-1")):
            return request
        new = replaced(self.regex, self.replacement, asked)
        location = _BEYOND_ASCII.sub(lambda byte: f"%{ord(byte[0]):02X}", new)
        if location == asked:
            return request
        if not _LOCATION.fullmatch(location):
            return page(502, request)
        status = redirect_status(request, permanent=self.permanent)
        return Response(status, (("Location", location),))
