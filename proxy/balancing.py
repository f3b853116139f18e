"""Balancing: how a server of a service is chosen, and how it is known to be well.

The declarations are the values: labels and files are read into them, and the
proxy serves by them.
"""

from __future__ import annotations

import re

from proxy.authority import parse_authority
from proxy.reference import ServiceName
from proxy.schema import ByteSize, Duration, Port, Unfit, option, options
from proxy.status_range import StatusRange

MOST_QUEUED = 10_000
STRATEGIES = ("wrr", "leastconn", "p2c", "hrw", "leasttime")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_VALUE = re.compile(r"[\x20-\x7e\x80-\xff]*")
_PATH = re.compile(r"/[\x21-\x7e]*")
_COOKIE_PATH = re.compile(r"[\x20-\x3a\x3c-\x7e]*")  # no ";" (RFC 6265 4.1.1)


class Strategy(str):
    """Which server comes next."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Strategy:
        if text.lower() not in STRATEGIES:
            raise Unfit("one of " + ", ".join(STRATEGIES), text)
        return cls(text.lower())


class HashKey(str):
    """What decides which server a request goes to: `ip`, `header:NAME` or `cookie:NAME`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> HashKey:
        kind, colon, name = text.strip().partition(":")
        if kind.lower() == "ip" and not colon:
            return cls("ip")
        if kind.lower() in ("header", "cookie") and _TOKEN.fullmatch(name):
            return cls(f"{kind.lower()}:{name}")
        raise Unfit("ip, header:NAME or cookie:NAME", text)


class SameSite(str):
    """The cookie's SameSite, as it is written."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> SameSite:
        if text.lower() not in ("", "none", "lax", "strict"):
            raise Unfit("none, lax or strict", text)
        return cls(text.capitalize())


class HealthPath(str):
    """The target of a check: a path, and a query where there is one."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> HealthPath:
        path = text if text.startswith("/") else f"/{text}"
        if not _PATH.fullmatch(path) or ":" in text.partition("/")[0] or "#" in text:
            raise Unfit("a path such as /health", text)
        return cls(path)


class CheckMode(str):
    """How a server is checked."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> CheckMode:
        if text.lower() not in ("http", "tcp", "grpc"):
            raise Unfit("http, tcp or grpc", text)
        return cls(text.lower())


class CheckScheme(str):
    """How a server is spoken to when it is checked."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> CheckScheme:
        if text.lower() not in ("http", "https", "h2c"):
            raise Unfit("http, https or h2c", text)
        return cls(text.lower())


class Share(int):
    """A service's share of the requests; 0 is none."""

    @classmethod
    def parse(cls, text: str) -> Share:
        if not re.fullmatch("[0-9]{1,4}", text):
            raise Unfit("a weight between 0 and 9999", text)
        return cls(text)


class Percent(int):
    """Of a hundred requests."""

    @classmethod
    def parse(cls, text: str) -> Percent:
        if not re.fullmatch("[0-9]{1,3}", text) or int(text) > 100:
            raise Unfit("a number between 0 and 100", text)
        return cls(text)


@options
class StickyCookie:
    """Who has been served once is served by the same server again."""

    name: str = option(
        doc="The cookie's name; made from the service's where this says nothing.",
        example="backend",
        default="",
    )
    secure: bool = option(doc="Only sent over HTTPS.", example="true", default=False)
    http_only: bool = option(doc="Not shown to scripts.", example="true", default=False)
    same_site: SameSite = option(
        doc="Whether other sites' requests carry it: none, lax or strict.",
        example="lax",
        default=SameSite(""),
    )
    max_age: int = option(
        doc="Seconds that it is kept; 0 is until the browser is closed, less is not at all.",
        example="3600",
        default=0,
    )
    path: str = option(doc="The paths that it is sent for.", example="/app", default="/")
    domain: str = option(
        doc="The domain that it is sent to; the host alone where this says nothing.",
        example="example.com",
        default="",
    )

    def __post_init__(self) -> None:
        if not (_COOKIE_PATH.fullmatch(self.path) and _COOKIE_PATH.fullmatch(self.domain)):
            raise ValueError("path and domain of a cookie have no semicolon and no letters beyond ASCII.")


@options
class Sticky:
    """Keep each visitor at one server."""

    cookie: StickyCookie = option(doc="How the visitor is known again.", example="", default=StickyCookie())


@options
class HealthCheck:
    """Ask each server now and then whether it is well."""

    path: HealthPath = option(doc="What is asked for.", example="/health", default=HealthPath("/"))
    mode: CheckMode = option(
        doc="http, tcp where accepting a connection is enough, or grpc: the health service that gRPC has.",
        example="tcp",
        default=CheckMode("http"),
    )
    scheme: CheckScheme | None = option(
        doc="http, https or h2c, where it is not the app's own.", example="http", default=None
    )
    hostname: str = option(doc="What is sent as Host.", example="app.example.com", default="")
    port: Port | None = option(doc="The port, where it is not the app's own.", example="8081", default=None)
    method: str = option(doc="The method.", example="HEAD", default="GET")
    status: int | None = option(
        doc="The status of a server that is well; any from 200 to 399 where this says nothing.",
        example="204",
        default=None,
    )
    interval: Duration = option(doc="From one check to the next.", example="10s", default=Duration(30))
    unhealthy_interval: Duration | None = option(
        doc="The same for a server that is not well; `interval` where this says nothing.",
        example="2s",
        default=None,
    )
    timeout: Duration = option(
        doc="A server that has not answered by then is not well.", example="2s", default=Duration(5)
    )
    headers: dict[str, str] = option(
        doc="Fields to send.", example="X-Check=tidegate", default={}, secret=True
    )
    follow_redirects: bool = option(
        doc="Whether redirects to the same server are followed.", example="false", default=True
    )

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.method):
            raise ValueError(f"method: {self.method[:20]!r} is none.")
        if self.mode == "grpc" and self.scheme == "https":
            raise ValueError("A check by gRPC is made without TLS: leave scheme out.")
        if self.hostname:
            parse_authority(self.hostname)
        for name, value in self.headers.items():
            if not _TOKEN.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
                raise ValueError(f"headers: {name[:40]!r} cannot be sent.")
        if min(self.interval, self.timeout, self.unhealthy_interval or 1) < 0.1:
            raise ValueError("interval and timeout are at least 100ms.")
        if self.status is not None and not 100 <= self.status < 600:
            raise ValueError(f"status: {self.status} is none.")


@options
class PassiveHealthCheck:
    """Leave out a server that fails requests, for a while."""

    failure_window: Duration = option(
        doc="In which failures are counted, and the shortest time out; doubled each time in a row.",
        example="30s",
        default=Duration(10),
    )
    max_failed_attempts: int = option(
        doc="How many failures are too many: no answer, or a status from 500.", example="3", default=1
    )

    def __post_init__(self) -> None:
        if self.max_failed_attempts < 1 or self.failure_window <= 0:
            raise ValueError("failureWindow and maxFailedAttempts are more than 0.")


@options
class Queue:
    """Who waits while all servers have as many requests as they may."""

    size: int = option(
        doc="How many requests wait; any more are answered 503. 0 is none.", example="20", default=100
    )
    timeout: Duration = option(
        doc="How long a request waits; then it is answered 503.", example="5s", default=Duration(10)
    )

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MOST_QUEUED or self.timeout <= 0:
            raise ValueError(f"size is between 0 and {MOST_QUEUED}, timeout is more than 0.")


@options
class Balanced:
    """How a server is chosen among those of a service, and which of them may be."""

    strategy: Strategy = option(
        doc=(
            "`wrr`: in turn by weight. `leastconn`: the least busy. `p2c`: the less busy of two. "
            "`hrw`: by `hashBy`. `leasttime`: the quickest."
        ),
        example="leastconn",
        default=Strategy("wrr"),
    )
    hash_by: HashKey = option(
        doc="With `hrw`, what is served by the same server: ip, header:NAME or cookie:NAME.",
        example="header:X-User",
        default=HashKey("ip"),
    )
    sticky: Sticky | None = option(doc="Keep each visitor at one server.", example="", default=None)
    health_check: HealthCheck | None = option(doc="Ask the servers.", example="", default=None)
    passive_health_check: PassiveHealthCheck | None = option(
        doc="Judge servers by their answers.", example="", default=None
    )
    slow_start: Duration = option(
        doc="How long it takes until a server that has just come, or come back, gets its whole share.",
        example="30s",
        default=Duration(0),
    )
    max_connections: int = option(
        doc=(
            "How many requests a server has at a time; others wait. WebSockets count while they are open. "
            "0 is any number. With workers each one counts for itself."
        ),
        example="20",
        default=0,
    )
    queue: Queue = option(doc="Who waits then.", example="", default=Queue())

    def __post_init__(self) -> None:
        if self.max_connections < 0:
            raise ValueError("maxConnections is not less than 0.")
        if self.queue != Queue() and not self.max_connections:
            raise ValueError("queue needs maxConnections: without it nobody has to wait.")
        if self.hash_by != "ip" and self.strategy != "hrw":
            raise ValueError("hashBy needs strategy=hrw.")


USUAL = Balanced()


@options
class PartOptions:
    """A service among others."""

    name: ServiceName = option(doc="The service.", example="blue")
    weight: Share = option(doc="Its share of the requests; 0 is none.", example="9", default=Share(1))


@options
class HealthShared:
    """What Traefik has to be told: that a service without a server that is up is left out."""


@options
class WeightedOptions:
    """A service made of others, each with a share of the requests."""

    services: tuple[PartOptions, ...] = option(doc="The services.", example="services[0].name=blue")
    sticky: Sticky | None = option(doc="Keep each visitor at one service.", example="", default=None)
    health_check: HealthShared | None = option(
        doc="Read, but not needed: a service without a server that is up gets nothing.",
        example="",
        default=None,
    )


@options
class HashedOptions:
    """A service made of others; the address of a visitor decides which."""

    services: tuple[PartOptions, ...] = option(doc="The services.", example="services[0].name=blue")
    health_check: HealthShared | None = option(doc="Read, but not needed.", example="", default=None)


class KeptSize(int):
    """Bytes of content that are kept to be sent again; -1 is as many as there may be."""

    MOST = 4 << 20

    @classmethod
    def parse(cls, text: str) -> KeptSize:
        return cls(cls.MOST) if text == "-1" else cls(min(ByteSize.parse(text), cls.MOST))


@options
class FailoverErrors:
    """Which answers are as bad as none."""

    status: tuple[StatusRange, ...] = option(
        doc="Statuses with which the other service is asked, where asking twice does no harm.",
        example="500-504",
        default=(),
    )
    max_request_body_bytes: KeptSize = option(
        doc="Requests with more content are not asked again; 4 MiB at most.",
        example="65536",
        default=KeptSize(KeptSize.MOST),
    )

    def __post_init__(self) -> None:
        if not self.status:
            raise ValueError("status names none. Example: 500-504")


@options
class FailoverOptions:
    """A service, and another one for when it has no server that is up, or answers with certain statuses."""

    service: ServiceName = option(doc="The service.", example="main")
    fallback: ServiceName = option(doc="The other one.", example="spare")
    errors: FailoverErrors | None = option(
        doc="Answers for which the other one is asked, too.", example="", default=None
    )
    health_check: HealthShared | None = option(doc="Read, but not needed.", example="", default=None)


@options
class MirrorOptions:
    """A service that gets copies."""

    name: ServiceName = option(doc="The service.", example="next-version")
    percent: Percent = option(doc="Of a hundred requests.", example="10", default=Percent(0))


@options
class MirroringOptions:
    """A service, and others that get copies of its requests; their answers are dropped."""

    service: ServiceName = option(doc="The service that answers.", example="app")
    mirrors: tuple[MirrorOptions, ...] = option(doc="Who gets copies.", example="", default=())
    mirror_body: bool = option(doc="Whether copies have the content.", example="false", default=True)
    max_body_size: KeptSize = option(
        doc="Requests with more content are not copied; 4 MiB at most.",
        example="65536",
        default=KeptSize(KeptSize.MOST),
    )
    health_check: HealthShared | None = option(doc="Read, but not needed.", example="", default=None)
