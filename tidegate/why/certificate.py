"""Certificate: the one that a client gets who names a host, and why it is not another one."""

from __future__ import annotations

from collections.abc import Mapping

from acme_client.certificate import INTERNAL, Certificate
from acme_client.host import HostStatus
from tidegate.why.answer import CertificateSeen
from tidegate.words import date_text

OWN = "Tidegate's own authority signed it; `tidegate trust` says how devices come to trust it."


def certificate_seen(
    host: str,
    shown_for: str | None,
    served: Mapping[str, Certificate],
    default: Certificate | None,
    status: HostStatus | None,
) -> CertificateSeen | None:
    """`shown_for` is the name under which SNI has one for the host, None where it shows the default."""
    certificate = served.get(shown_for) if shown_for else default
    if certificate is None:
        return None
    return CertificateSeen(
        host,
        certificate.names,
        certificate.issuer,
        certificate.not_after,
        _note(certificate, shown_for, status),
        status.resolver if status else "",
    )


def _note(certificate: Certificate, shown_for: str | None, status: HostStatus | None) -> str:
    if shown_for is None and status is None:
        return "No router names this host, so this is the certificate for all unknown names."
    if status is None or status.state == "active":
        return ""
    if status.state == "internal" or not status.last_error:
        return OWN if certificate.directory == INTERNAL else ""
    when = f" Next try {date_text(status.next_try, to_the_minute=True)}." if status.next_try else ""
    return f"The authority has given none yet: {status.last_error}{when}"
