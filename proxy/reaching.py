"""Reaching: how the servers of a service are connected to, and how far they are trusted."""

from __future__ import annotations

from pathlib import Path

from proxy.authority import parse_authority
from proxy.schema import Duration, FileName, option, options


@options
class ForwardingTimeouts:
    """How long servers may take."""

    dial_timeout: Duration = option(doc="Until a connection is accepted.", example="5s", default=Duration(2))
    response_header_timeout: Duration = option(
        doc="From the end of the request to the head of the answer; 0 is what the installation says.",
        example="5m",
        default=Duration(0),
    )
    idle_conn_timeout: Duration = option(
        doc="A connection that nobody uses is kept for.", example="90s", default=Duration(30)
    )

    idle_body_timeout: Duration = option(
        doc=(
            "How long a server may pause in the middle of an answer; 0 is what the installation says. "
            "Event streams and gRPC may pause for ever."
        ),
        example="10m",
        default=Duration(0),
    )

    def __post_init__(self) -> None:
        if not self.dial_timeout or not self.idle_conn_timeout:
            raise ValueError("dialTimeout and idleConnTimeout are more than 0.")


@options
class OwnCertificate:
    """What proves to servers who we are."""

    cert_file: FileName = option(doc="The certificate, and those above it (file).", example="/certs/me.pem")
    key_file: FileName = option(doc="Its key (file).", example="/certs/me.key")

    def __post_init__(self) -> None:
        for each in (self.cert_file, self.key_file):
            _check_whole(each)


@options
class Transport:
    """How servers are connected to."""

    server_name: str = option(
        doc="The name that an https server has to prove, instead of its address.",
        example="app.example.com",
        default="",
    )
    insecure_skip_verify: bool = option(
        doc="Ask whoever answers there, unverified.", example="true", default=False
    )
    root_cas: tuple[FileName, ...] = option(
        doc="Who may vouch for https servers (files); in route files only.",
        example="/certs/ca.pem",
        default=(),
    )
    certificates: tuple[OwnCertificate, ...] = option(
        doc="Our own certificates, for https servers that ask for one; in route files only.",
        example="",
        default=(),
    )
    forwarding_timeouts: ForwardingTimeouts = option(
        doc="How long servers may take.", example="", default=ForwardingTimeouts()
    )
    max_idle_conns_per_host: int = option(doc="Read, but not needed.", example="200", default=200)
    disable_http2: bool = option(
        doc="Read, but not needed: HTTP/2 is spoken to `h2c` servers alone.", example="true", default=False
    )

    def __post_init__(self) -> None:
        if self.server_name:
            parse_authority(self.server_name)
        for each in self.root_cas:
            _check_whole(each)

    @property
    def is_usual(self) -> bool:
        """Nothing is said about who is trusted, and nobody is told who we are."""
        return not (self.insecure_skip_verify or self.root_cas or self.certificates)


def _check_whole(name: FileName) -> None:
    if not Path(name).is_absolute():
        raise ValueError(f"{str(name)[:80]!r} is not the whole path of a file.")


INTERNAL = "default@internal"
"""What Traefik calls the usual transport."""
UNVERIFIED = "Nothing proves who answers there: whoever is on the way can read and change everything."
