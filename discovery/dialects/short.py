"""Short labels: `tidegate.host=blog.example.com` and its siblings, for the usual case.

They are a shorthand for the long tree and nothing more; `expansion` says for
which.  A word of one's own between makes several sites of one container:
`tidegate.admin.host=admin.example.com`.
"""

from __future__ import annotations

from discovery.declared import Scheme, Weight
from discovery.dialects.short_values import (
    HSTS,
    Certificate,
    Closing,
    FormerName,
    HostName,
    PathStart,
    Sign,
    Visitors,
)
from proxy.balancing import HealthPath
from proxy.schema import Port, option, options


@options
class SiteLabels:
    """What can be said of one site."""

    host: tuple[HostName, ...] = option(
        doc="Host names under which visitors reach the container.",
        example="blog.example.com, www.example.com",
        default=(),
    )
    port: Port | None = option(
        doc="The port that the app listens on, where the image exposes none or several.",
        example="8080",
        default=None,
    )
    path: tuple[PathStart, ...] = option(
        doc="Only this path and those below it are this container's; the app sees it, it is not stripped.",
        example="/blog",
        default=(),
    )
    strip: bool = option(doc="Whether the app does not see `path`.", example="true", default=False)
    scheme: Scheme | None = option(doc="How the app is spoken to.", example="https", default=None)
    weight: Weight | None = option(
        doc="Its share of the requests, where several containers are one service; 0 is none.",
        example="9",
        default=None,
    )
    sticky: bool = option(
        doc="Whether each visitor stays at one of several containers.", example="true", default=False
    )
    health: HealthPath | None = option(
        doc="What the app is asked for now and then; while it gives no good answer it gets no requests.",
        example="/health",
        default=None,
    )
    redirect: tuple[FormerName, ...] = option(
        doc="Names whose visitors are sent to the first `host`.", example="www.example.com", default=()
    )
    auth: tuple[Sign, ...] = option(
        doc="Who may pass with a password, as `tidegate password NAME` or `htpasswd -nB NAME` "
        "prints it; in compose files every $ twice.",
        example="anna:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
        default=(),
        secret=True,
    )
    allow: tuple[Visitors, ...] = option(
        doc="Networks whose visitors may pass; `lan` stands for all private addresses.",
        example="lan, 203.0.113.7",
        default=(),
    )
    maintenance: Closing | None = option(
        doc="`true`: visitors read that the site is being worked on. Networks, or `lan`: they find it open "
        "all the same. Any other text is what they read. Without a label: `tidegate maintenance HOST on`.",
        example="lan",
        default=None,
    )
    headers: dict[str, str] = option(
        doc="Fields that visitors get with each answer; an empty value removes one.",
        example="X-Robots-Tag=none",
        default={},
    )
    hsts: HSTS | None = option(
        doc="`true`: for a year, browsers that have been here ask for the site over HTTPS alone (HSTS). "
        "A duration instead of the year, to begin with less; `0` takes it back.",
        example="true",
        default=None,
    )
    tls: Certificate | None = option(
        doc="`auto`: HTTPS, with a certificate that fits the name. `internal`: from Tidegate's own. "
        "`off`: plain HTTP. Another word is the name of a `resolver` of the settings. Where it says nothing, "
        "`--default-tls` counts, which is `auto`.",
        example="internal",
        default=None,
    )
    tls_options: str | None = option(
        doc="What handshakes take and ask for: a set of `tidegate.tls.options` here, or one of a route file. "
        "With client certificates in it, nobody else comes in.",
        example="family@file",
        default=None,
    )
    defaults: bool | None = option(
        doc="Whether requests pass the installation's default middlewares and headers first.",
        example="false",
        default=None,
    )
    middlewares: tuple[str, ...] = option(
        doc="Declared middlewares that requests pass, in this order, behind `allow` and `auth`.",
        example="authelia@file, secure",
        default=(),
    )
    entrypoints: tuple[str, ...] = option(
        doc="The entrypoints it listens on; all default ones where it says nothing.",
        example="websecure",
        default=(),
    )
    priority: int | None = option(
        doc="The highest is asked first, where several sites want a request.", example="100", default=None
    )
    name: str | None = option(
        doc="What the router and the service are called, instead of after the app.",
        example="blog",
        default=None,
    )


@options
class ShortLabels(SiteLabels):
    """The labels of a container that name neither a router nor a service."""

    enable: bool | None = option(
        doc="Whether the container is served; naming a host is enough to say yes.",
        example="false",
        default=None,
    )
    network: str | None = option(
        doc="The network to reach the container on, where it shares several with Tidegate.",
        example="proxy",
        default=None,
    )


OF_ONE_SITE = ("host", "path", "strip", "redirect", "priority", "name", "enable", "network")
"""What a site does not take from the labels without a site's word."""
