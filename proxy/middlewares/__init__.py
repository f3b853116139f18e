"""Middlewares: one file each, and this list of them.

Labels spell them as they like (`canonical`).  Only who uses one pays for it: all of them are 1 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from proxy.exchange import Middleware
from proxy.when_asked import WhenAsked

CLASSES = (
    "AddPrefix",
    "BasicAuth",
    "Buffering",
    "Chain",
    "CircuitBreaker",
    "Compress",
    "ContentType",
    "DigestAuth",
    "EncodedCharacters",
    "Errors",
    "ForwardAuth",
    "GRPCWeb",
    "Headers",
    "InFlightReq",
    "IPAllowList",
    "PassTLSClientCert",
    "Maintenance",
    "RateLimit",
    "RedirectRegex",
    "RedirectScheme",
    "ReplacePath",
    "ReplacePathRegex",
    "Retry",
    "StripPrefix",
    "StripPrefixRegex",
)
"""Each in the module that has its name in lower case."""


def _load(name: str) -> type[Middleware]:
    return cast("type[Middleware]", getattr(import_module(f"{__name__}.{name}"), _BY_NAME[name]))


_BY_NAME = {each.lower(): each for each in CLASSES}
MIDDLEWARES: Mapping[str, type[Middleware]] = WhenAsked(_BY_NAME, _load)
