"""Where Tidegate differs from Traefik on purpose: the case's id, and why.

A case stands here only for a decision about the product, never for something
that is not done yet.
"""

from __future__ import annotations

_NOT_A_HOST = "A Host field that is no host (RFC 9110 7.2) is refused with 400: apps build links from it."
_UNDERSCORES = (
    "X_Forwarded_For and its like are dropped even when a trusted proxy relays them: CGI and WSGI apps "
    "cannot tell them from X-Forwarded-For, and most proxies pass a client's own ones on."
)
_NEVER_WS = "X-Forwarded-Proto is http or https for WebSockets, too: many apps compare it with https only."
_REAL_VALUES = (
    "What a trusted proxy reports is passed on only where it can be true: an address, a scheme, a host, "
    "a port; anything else is replaced by what is known."
)
_NO_SUCH_SETTING = "The entrypoint setting that this case is about does not exist here."
_KUBERNETES = "It ranks Kubernetes providers, which do not exist here; a tie is decided by the router's name."
_NOT_A_FIELD = "No field has an @ in its name (RFC 9110 5.1); the middleware that sets one is refused."
_TWICE = "A media type with a parameter given twice can be compressed like any other."

DIFFERS: dict[str, str] = {
    "host_header/008": _NOT_A_HOST,
    "host_header/012": _NOT_A_HOST,
    "host_header/013": _NOT_A_HOST,
    "host_header/015": _NOT_A_HOST,
    "forwarded_headers/001": _UNDERSCORES,
    "forwarded_headers/003": _UNDERSCORES,
    "forwarded_headers/012": _NO_SUCH_SETTING,
    "forwarded_headers/014": _NEVER_WS,
    "forwarded_headers/015": _NO_SUCH_SETTING,
    "forwarded_headers/016": _NEVER_WS,
    "forwarded_headers/017": _NO_SUCH_SETTING,
    "forwarded_headers/018": _NEVER_WS,
    "forwarded_headers/019": _NO_SUCH_SETTING,
    "forwarded_headers/024": "X-Forwarded-Server would tell apps the proxy's host name; nothing needs it.",
    "forwarded_headers/026": _REAL_VALUES,
    "forwarded_headers/028": _REAL_VALUES,
    "forwarded_headers/029": _REAL_VALUES,
    "forwarded_headers/030": _REAL_VALUES,
    "forwarded_headers/031": _NO_SUCH_SETTING,
    "forwarded_headers/043": _NO_SUCH_SETTING,
    "forwarded_headers/046": _NO_SUCH_SETTING,
    "forwarded_headers/047": _NO_SUCH_SETTING,
    "forwarded_headers/048": _NO_SUCH_SETTING,
    "entrypoint_paths/004": "RFC 3986 5.2.4 keeps the slash before a final dot segment, as browsers do.",
    "middleware_auth/002": "A password that stands there in plain text is a mistake, and is said to be one.",
    "middleware_compress/033": "`*` stands for any coding (RFC 9110 12.5.3), for gzip too.",
    "middleware_compress/062": _TWICE,
    "middleware_compress/072": _TWICE,
    "middleware_forwardauth/047": "What an upgrade asks for travels beside the head, to the app alone.",
    "middleware_ip/019": "An ipv6Subnet that is no prefix length is a mistake, and is said to be one.",
    "middleware_redirects/007": (
        "Behind a trusted proxy the URL is the visitor's own: http:// would match for ever."
    ),
    "routing_config/022": _NOT_A_FIELD,
    "routing_config/023": _NOT_A_FIELD,
    "rules_http/100": "A user name in the request target is treated as an error (RFC 9110 4.2.4).",
    "rules_http/101": "A user name in the request target is treated as an error (RFC 9110 4.2.4).",
    "rules_domains/005": "Host() without a name is an error wherever a rule is read; it is read once.",
    "rules_priority/006": _KUBERNETES,
    "rules_priority/007": _KUBERNETES,
    "rules_priority/009": _KUBERNETES,
    "rules_priority/010": _KUBERNETES,
}
