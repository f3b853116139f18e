"""maintenance: say that the site is being worked on, to all but those who work on it."""

from __future__ import annotations

from dataclasses import replace

from proxy.exchange import RequestHead, Response
from proxy.host_index import covers
from proxy.pages import page
from proxy.schema import Duration, IPNetwork, option, options

SENTENCE = "This site is being worked on. Please come back a little later."


@options
class Maintenance:
    """Answer 503 with a kind page and Retry-After."""

    text: str = option(doc="What visitors read.", example="We are back at noon.", default=SENTENCE)
    source_range: tuple[IPNetwork, ...] = option(
        doc="Networks whose clients find the site open all the same.", example="192.168.1.0/24", default=()
    )
    hosts: tuple[str, ...] = option(
        doc="Names that are closed; all of the router's where it says nothing.",
        example="blog.example.com",
        default=(),
    )
    retry_after: Duration = option(
        doc="When programs should ask again.", example="30m", default=Duration(300)
    )

    steady = True

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        if self.hosts and not any(covers(host, request.host) for host in self.hosts):
            return request
        if any(request.client_ip in network for network in self.source_range):
            return request
        closed = page(503, request, self.text or SENTENCE)
        others = tuple(field for field in closed.fields if field[0] != "Retry-After")
        return replace(closed, fields=(*others, ("Retry-After", str(max(int(self.retry_after), 1)))))
