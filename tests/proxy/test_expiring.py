"""Authorities that expire, and what their owner is told."""

from datetime import UTC, datetime, timedelta

import pytest
import trustme

from proxy.client_certificate import read_certificate
from proxy.expiring import expiring
from proxy.securing import Securing
from proxy.tls_options import Authority, ClientAuth, TLSOptions

AUTHORITY = Authority(trustme.CA(organization_name="Family").cert_pem.bytes().decode())
ASKING = TLSOptions(client_auth=ClientAuth(ca_files=(AUTHORITY,)))
[DER] = AUTHORITY.certificates()
END = read_certificate(DER).not_after


@pytest.mark.parametrize(
    ("now", "severity"),
    [
        (END - timedelta(days=15), None),
        (END - timedelta(days=13), "warning"),
        (END, "error"),
        (END + timedelta(days=1), "error"),
    ],
)
def test_an_authority_is_spoken_of_when_it_expires(now: datetime, severity: str | None) -> None:
    found = list(expiring(Securing(by_host={"b.test": ASKING, "a.test": ASKING}), now))
    assert [each.severity for each in found] == ([severity] if severity else [])
    for each in found:
        assert each.where == "tls.options of a.test, b.test: clientAuth.caFiles"
        assert '"Family"' in each.what


def test_who_is_not_asked_needs_no_authority() -> None:
    nobody = TLSOptions(client_auth=ClientAuth(ca_files=(AUTHORITY,), client_auth_type="NoClientCert"))
    assert not list(expiring(Securing(nobody), datetime(9999, 1, 1, tzinfo=UTC)))
