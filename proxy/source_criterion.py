"""Source criterion: who counts as one client for a middleware that counts."""

from __future__ import annotations

import hashlib

from proxy.exchange import RequestHead
from proxy.field_name import check_name
from proxy.ipstrategy import IPStrategy
from proxy.schema import option, options

LONGEST = 64
"""Characters that are kept of a name for a client; a longer one is kept as its digest."""


@options
class SourceCriterion:
    """By what clients are told apart; one of the three."""

    ip_strategy: IPStrategy | None = option(doc="By this address.", example="true", default=None)
    request_header_name: str = option(doc="By this field's value.", example="X-Api-Key", default="")
    request_host: bool = option(doc="By the host asked for.", example="true", default=False)

    def __post_init__(self) -> None:
        if sum(map(bool, (self.ip_strategy, self.request_header_name, self.request_host))) > 1:
            raise ValueError("Choose one of ipStrategy, requestHeaderName and requestHost.")
        check_name(self.request_header_name)

    def source(self, request: RequestHead) -> str:
        """The client's name, short enough to be kept."""
        name = self._name(request)
        return name if len(name) <= LONGEST else hashlib.sha256(name.encode()).hexdigest()

    def _name(self, request: RequestHead) -> str:
        if self.request_header_name:
            return request.get(self.request_header_name)
        if self.request_host:
            return request.host
        return str((self.ip_strategy or _OWN).client(request) or "")


_OWN = IPStrategy()
BY_ADDRESS = SourceCriterion()
BY_HOST = SourceCriterion(request_host=True)
