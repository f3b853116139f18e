"""ipallowlist: let only some client addresses through."""

from __future__ import annotations

from proxy.exchange import RequestHead, Response
from proxy.ipstrategy import IPStrategy
from proxy.pages import SENTENCES, page, phrase
from proxy.schema import IPNetwork, option, options


@options
class IPAllowList:
    """Refuse every client outside these networks."""

    source_range: tuple[IPNetwork, ...] = option(
        doc="Networks whose clients may pass.",
        example="192.168.1.0/24, 10.0.0.0/8",
    )
    ip_strategy: IPStrategy | None = option(
        doc="Judge another address than the visitor's own.", example="true", default=None
    )
    reject_status_code: int = option(doc="The status of the refusal.", example="404", default=403)

    steady = True

    def __post_init__(self) -> None:
        if not self.source_range:
            raise ValueError("sourceRange names no network, so nobody could pass. Example: 192.168.1.0/24")
        if not 200 <= self.reject_status_code <= 599 or phrase(self.reject_status_code) == "Error":
            raise ValueError("rejectStatusCode is a status of HTTP such as 403 or 404.")

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        client = self.ip_strategy.client(request) if self.ip_strategy else request.client_ip
        if client is not None:
            for network in self.source_range:  # a generator would take longer than the comparisons
                if client in network:
                    return request
        return page(
            self.reject_status_code, request, SENTENCES[403] if self.reject_status_code == 403 else ""
        )
