"""Origin: a server named by a URL, and how far it is trusted."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path

from proxy.frozen import frozen
from proxy.schema import FileName, option, options
from proxy.shunned import Shunned


@options
class ClientTLS:
    """How an https server is asked."""

    ca: FileName = option(
        doc="Authorities that may vouch for it (file).", example="/certs/ca.pem", default=""
    )
    cert: FileName = option(doc="Our certificate (file), if it asks.", example="/certs/me.pem", default="")
    key: FileName = option(doc="The certificate's key (file).", example="/certs/me.key", default="")
    insecure_skip_verify: bool = option(
        doc="Ask whoever answers there, unverified.",
        example="false",
        default=False,
    )
    ca_optional: bool = option(doc="No effect, accepted for older files.", example="false", default=False)

    def __post_init__(self) -> None:
        if bool(self.cert) != bool(self.key):
            raise ValueError("cert and key go together.")

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(Path(name) for name in (self.ca, self.cert, self.key) if name)


@frozen
class Origin:
    scheme: str
    host: str
    port: int
    tls: ClientTLS = field(default_factory=ClientTLS)
    patience: float = 30.0
    """Seconds until it must have begun to answer."""
    shunned: Shunned | None = None
    """Where its host must not lead."""
