"""Expiring: authorities for clients that vouch for nobody any more, or soon will not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from proxy.client_certificate import Certificate, read_certificate
from proxy.problem import Problem
from proxy.securing import Securing

SOON = timedelta(days=14)


def expiring(securing: Securing, now: datetime) -> Iterator[Problem]:
    """A problem for each authority that has expired, a warning for each that soon will."""
    hosts: dict[bytes, list[str]] = {}
    for host, options in [("all hosts", securing.default), *sorted(securing.by_host.items())]:
        for authority in options.client_auth.ca_files if options.asks else ():
            for der in authority.certificates():
                hosts.setdefault(der, []).append(host)
    for der, named in hosts.items():
        certificate = read_certificate(der)
        left = certificate.not_after - now
        if left > SOON:
            continue
        where = f"tls.options of {', '.join(dict.fromkeys(named))}: clientAuth.caFiles"
        until = f"{certificate.not_after:%Y-%m-%d}"
        if left > timedelta(0):
            what = f"The authority {_called(certificate)} expires on {until}."
            yield Problem(where, what, "After that, no certificate of its opens these sites.", "warning")
        else:
            what = f"The authority {_called(certificate)} expired on {until}."
            yield Problem(where, what, "No certificate of its opens these sites.")


def _called(certificate: Certificate) -> str:
    by_kind = dict(certificate.subject)
    name = by_kind.get("CN") or by_kind.get("O") or f"{certificate.serial:x}"
    return f'"{name[:80]}"'
