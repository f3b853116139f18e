"""Middlewares: one file each, and this list of them by the name that labels use."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.exchange import Middleware
from proxy.middlewares.headers import Headers
from proxy.middlewares.ipallowlist import IPAllowList
from proxy.middlewares.redirectscheme import RedirectScheme

MIDDLEWARES: Mapping[str, type[Middleware]] = {
    "headers": Headers,
    "ipallowlist": IPAllowList,
    "redirectscheme": RedirectScheme,
}
