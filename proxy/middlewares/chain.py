"""chain: several middlewares under one name."""

from __future__ import annotations

from proxy.reference import MiddlewareName
from proxy.schema import option, options


@options
class Chain:
    """Pass through these middlewares, in this order."""

    middlewares: tuple[MiddlewareName, ...] = option(
        doc="Names of middlewares, chains among them.", example="lan-only, secure-headers"
    )

    def __post_init__(self) -> None:
        if not self.middlewares:
            raise ValueError("middlewares names none. Example: lan-only, secure-headers")
