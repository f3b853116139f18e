"""Where Tidegate differs from Traefik: the case's id, and why.

DIFFERS holds decisions about the product; NOT_YET what is not done yet, and
whose tests are expected to fail until it is.
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
_NOT_SERVED = "A router whose service cannot be made answers 503; a 404 would deny that the site exists."
_NOT_A_FIELD = "No field has an @ in its name (RFC 9110 5.1); the middleware that sets one is refused."
_TWICE = "A media type with a parameter given twice can be compressed like any other."

_BRACES = (
    "`{name:expression}` is what version 2 wrote; as a literal nobody means it, so it is a mistake here."
)
_OLDEST = (
    "Where containers disagree, the oldest keeps what it has, with a warning: a test run beside an app must "
    "not close the app."
)
_KEPT = (
    "A container that cannot answer keeps its routes, which say 503; a 404 would deny that the site exists."
)
_OWN_SERVER = "Labels come with images: they send requests to their own container only, never to a URL."
_OWN_PORT = "Requests go to the container itself, never by a port that is published for others."
_ONE_ROUTER = "A mistake takes away what it is about, not all of its container."
_AROUND = "Spaces around a number or a yes cannot mean anything else."
_SAID = "What is not served is a mistake, and is said to be one."
_NO_TCP = "It is about TCP routers; only HTTP is served, and a label that asks for another one is told so."
_UNREADABLE = "What cannot be read in a setting stops the start, where it is seen."
_ANY_CASE = "The first word of a label may be written in any case, like those behind it."

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
    "routing_config/002": _NOT_SERVED,
    "routing_config/035": _NOT_SERVED,
    "routing_config/022": _NOT_A_FIELD,
    "routing_config/023": _NOT_A_FIELD,
    "upstream_request/001": _NO_SUCH_SETTING,
    "upstream_request/004": "A path that would be left out is a mistake, and is said to be one.",
    "upstream_request/005": "What a semicolon in a query means is the app's business; it is passed on.",
    "constraints/018": _UNREADABLE,
    "docker_labels/003": _UNREADABLE,
    "docker_labels/004": "Without a rule nobody can ask for the service, so none is made.",
    "docker_labels/006": "A service without options is the container with its port.",
    **{f"docker_labels/{each}": _OLDEST for each in ("018", "019", "023", "024", "025", "026", "028")},
    "docker_labels/031": "A port that is empty is a mistake, and is said to be one.",
    **{f"docker_labels/{each}": _OWN_SERVER for each in ("032", "033", "034", "035")},
    **{f"docker_labels/{each}": _KEPT for each in ("036", "037", "039")},
    "docker_labels/057": _OWN_PORT,
    "docker_derived/002": "A UDP port answers no HTTP.",
    "docker_derived/003": "A router in its labels says clearly enough that a container is to be served.",
    "docker_derived/008": _ONE_ROUTER,
    "docker_derived/009": "A rule is read together with the labels; its router alone is refused.",
    "docker_derived/014": _KEPT,
    "docker_derived/015": _KEPT,
    **{f"docker_address/{each}": _OWN_PORT for each in ("008", "010", "012", "013")},
    "docker_address/020": "A container with the host's network has no other one.",
    "labels_grammar/022": _ANY_CASE,
    "labels_grammar/023": _ANY_CASE,
    "labels_grammar/026": "A value where options belong is a mistake, and is said to be one.",
    "labels_grammar/028": "A middleware that needs no option may be declared by its type alone.",
    "labels_grammar/034": "`tls=1` reads like yes and would mean no; it is a mistake, and is said to be one.",
    "labels_grammar/042": "An empty name in a list names nothing.",
    "labels_grammar/057": _AROUND,
    "labels_grammar/065": "A time that runs backwards is a mistake, and is said to be one.",
    "labels_grammar/068": "Days are a unit, too.",
    "labels_grammar/077": _AROUND,
    "labels_grammar/082": "Who writes `sticky=true` wants visitors to stay: they get the usual cookie.",
    "labels_grammar/084": _SAID,
    "labels_grammar/086": _SAID,
    "labels_grammar/088": "What follows an @ says where a name was declared; it is no part of a new name.",
    "health_checks/001": "A time that runs backwards is a mistake, and is said to be one.",
    "load_balancing/017": "A value that is none of those is a mistake, and is said to be one.",
    "merge/001": _OLDEST,
    "rules_http/030": _BRACES,
    "rules_http/041": _BRACES,
    "rules_http/100": "A user name in the request target is treated as an error (RFC 9110 4.2.4).",
    "rules_http/101": "A user name in the request target is treated as an error (RFC 9110 4.2.4).",
    "rules_domains/005": "Host() without a name is an error wherever a rule is read; it is read once.",
    "rules_priority/006": _KUBERNETES,
    "rules_priority/007": _KUBERNETES,
    "rules_priority/009": _KUBERNETES,
    "rules_priority/010": _KUBERNETES,
    **{f"rules_priority/{each:03}": _NO_TCP for each in range(13, 21)},
    **{f"rules_domains/{each:03}": _NO_TCP for each in range(6, 24)},
}

_STOPPED = "Stopped containers have no routes yet."
_SWARM = "Swarm is not watched yet."
_OWN_CERTIFICATES = "Certificates of one's own are not served yet."

NOT_YET: dict[str, str] = {
    "docker_address/023": _SWARM,
    **{f"docker_labels/{each}": _STOPPED for each in ("059", "062", "063", "064", "065")},
    **{f"merge/{each}": _OWN_CERTIFICATES for each in ("004", "005", "006", "007")},
}
