"""Middlewares: one file each, and this list of them by the name that labels use."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.exchange import Middleware
from proxy.middlewares.addprefix import AddPrefix
from proxy.middlewares.basicauth import BasicAuth
from proxy.middlewares.buffering import Buffering
from proxy.middlewares.chain import Chain
from proxy.middlewares.circuitbreaker import CircuitBreaker
from proxy.middlewares.compress import Compress
from proxy.middlewares.contenttype import ContentType
from proxy.middlewares.digestauth import DigestAuth
from proxy.middlewares.encodedcharacters import EncodedCharacters
from proxy.middlewares.errors import Errors
from proxy.middlewares.forwardauth import ForwardAuth
from proxy.middlewares.grpcweb import GRPCWeb
from proxy.middlewares.headers import Headers
from proxy.middlewares.inflightreq import InFlightReq
from proxy.middlewares.ipallowlist import IPAllowList
from proxy.middlewares.maintenance import Maintenance
from proxy.middlewares.passtlsclientcert import PassTLSClientCert
from proxy.middlewares.ratelimit import RateLimit
from proxy.middlewares.redirectregex import RedirectRegex
from proxy.middlewares.redirectscheme import RedirectScheme
from proxy.middlewares.replacepath import ReplacePath
from proxy.middlewares.replacepathregex import ReplacePathRegex
from proxy.middlewares.retry import Retry
from proxy.middlewares.stripprefix import StripPrefix
from proxy.middlewares.stripprefixregex import StripPrefixRegex

MIDDLEWARES: Mapping[str, type[Middleware]] = {
    "addprefix": AddPrefix,
    "basicauth": BasicAuth,
    "buffering": Buffering,
    "chain": Chain,
    "circuitbreaker": CircuitBreaker,
    "compress": Compress,
    "contenttype": ContentType,
    "digestauth": DigestAuth,
    "encodedcharacters": EncodedCharacters,
    "errors": Errors,
    "forwardauth": ForwardAuth,
    "grpcweb": GRPCWeb,
    "headers": Headers,
    "inflightreq": InFlightReq,
    "ipallowlist": IPAllowList,
    "passtlsclientcert": PassTLSClientCert,
    "maintenance": Maintenance,
    "ratelimit": RateLimit,
    "redirectregex": RedirectRegex,
    "redirectscheme": RedirectScheme,
    "replacepath": ReplacePath,
    "replacepathregex": ReplacePathRegex,
    "retry": Retry,
    "stripprefix": StripPrefix,
    "stripprefixregex": StripPrefixRegex,
}
