"""Label reference: every label that Tidegate knows, from the same declarations that read them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from discovery.container_services import ServiceOptions
from discovery.dialects.short import ShortLabels
from discovery.routers import RouterOptions
from proxy.middlewares import MIDDLEWARES
from proxy.schema import reference
from proxy.tls_options import TLSOptions

HEAD = "| label | meaning | default | example |\n| --- | --- | --- | --- |"

INTRODUCTION = """\
# Labels

A container is served when its labels say for which host. Names of options may be written in any case; names
of your own (`blog` below) keep theirs. In a compose file a `$` is written `$$`. Route files (`--routes`) take
the long form as a tree, with `http` at its top. Labels of Traefik's are read, too: [traefik.md](traefik.md).

This page is printed by `tidegate labels`.
"""

SHORT = """
## Short labels

One word for what home servers do. They stand for long labels, which `tidegate expand FILE` prints; both
may be used on one container. They speak of the one router without a rule, else of one that
is named after the app.

A word of your own between makes several sites of one container. What is said without such a word holds
for all of them, but for `host`, `path`, `strip`, `redirect`, `priority` and `name`:

```yaml
labels:
  tidegate.host: docs.example.com
  tidegate.port: "8000"
  tidegate.admin.host: admin.docs.example.com
  tidegate.admin.port: "9000"
  tidegate.admin.allow: lan
```

`allow` is about the address that a visitor comes from. Behind another proxy or a tunnel that needs
`--trusted-proxies`. Where Docker hides addresses (its userland proxy, IPv6 to a network without it) every
visitor looks like the gateway of a bridge, which is a private address.
"""

LONG = """
## Routers and services

`blog` is a name that you choose. A router without `service` uses the container's only one.

`maxConnections` protects an app that does few things at a time. While all servers have as many requests as
that, others wait in the order in which they came; a visitor with a sticky cookie waits for the own server.
When `queue.size` wait already, or after `queue.timeout`, the answer is 503 with Retry-After. With `--workers`
each worker counts for itself: 4 workers and 5 are up to 20 requests. Health checks do not count.
"""

TLS = """
## TLS options

What handshakes take and ask for, under a name of your choice; `tidegate.tlsOptions: family` has a site use
it. A set that a container declares is for its own routers. In a route file it stands below `tls: options:`,
beside `http`, and is `family@file` for containers; one that is called `default` there holds for all hosts
that have no other. Where nothing is said it is Mozilla's intermediate configuration.

They hold for all of a host, since they are chosen by its name before there is a request. Of two routers
that say different things of one host the second answers 503, as does one whose set is missing or has a
mistake in it. So do its container's other routers of that host, also where the mistake is elsewhere in the
router; where a refused set asks for certificates, so does every router of the host. A request over a
connection that was made for a host with other options is answered 421; browsers, which make one for each
name, never see that.
"""

MIDDLEWARE = """
## Middlewares

Declared as `tidegate.http.middlewares.NAME.TYPE.OPTION`, and used by a router that lists their names in
`middlewares`: requests pass them in that order. A router whose middleware is missing or broken answers 503.
"""


def labels_page() -> str:
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield INTRODUCTION + SHORT
    yield from _table(ShortLabels, "tidegate")
    yield LONG
    yield from _table(RouterOptions, "tidegate.http.routers.blog")
    yield ""
    yield from _table(ServiceOptions, "tidegate.http.services.blog")
    yield TLS
    yield from _table(TLSOptions, "tidegate.tls.options.family")
    yield MIDDLEWARE.rstrip()
    for _, declared in sorted(MIDDLEWARES.items()):
        kind = spelled(declared.__name__)
        yield f"\n### {kind}\n\n{(declared.__doc__ or '').partition(chr(10))[0]}\n"
        yield from _table(declared, f"tidegate.http.middlewares.NAME.{kind}")


def _table(declared: type, prefix: str) -> Iterator[str]:
    yield HEAD
    yield from reference(declared, prefix)


def spelled(class_name: str) -> str:
    """`IPAllowList` as labels usually spell it: ipAllowList."""
    return re.sub("^[A-Z]+(?=[A-Z][a-z])|^[A-Z]", lambda start: start[0].lower(), class_name)
