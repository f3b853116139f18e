from __future__ import annotations

import base64
import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from urllib.parse import unquote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from proxy.client_certificate import Unreadable, read_certificate
from proxy.exchange import RequestHead
from proxy.middlewares.passtlsclientcert import INFO, WHOLE, PassTLSClientCert
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, passed

SUBJECT = (
    (NameOID.DOMAIN_COMPONENT, "org"),
    (NameOID.DOMAIN_COMPONENT, "example"),
    (NameOID.COUNTRY_NAME, "FR"),
    (NameOID.STATE_OR_PROVINCE_NAME, "Île-de-France"),
    (NameOID.LOCALITY_NAME, "Paris"),
    (NameOID.ORGANIZATION_NAME, "Fromage"),
    (NameOID.ORGANIZATION_NAME, "Käse"),
    (NameOID.ORGANIZATIONAL_UNIT_NAME, "Simple"),
    (NameOID.SERIAL_NUMBER, "7"),
    (NameOID.COMMON_NAME, 'a "quoted"; name'),
    (NameOID.TITLE, "not told"),
)
SINCE, UNTIL = datetime(2020, 2, 29, 12, 0, 1, tzinfo=UTC), datetime(2051, 1, 2, 3, 4, 5, tzinfo=UTC)
NAMES = (
    x509.UniformResourceIdentifier("https://example.org/me"),
    x509.IPAddress(ip_address("192.0.2.7")),
    x509.IPAddress(ip_address("2001:db8::7")),
    x509.RFC822Name("me@example.org"),
    x509.DNSName("*.example.org"),
    x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
)


def issued(serial: int = 2**70 + 1, names: tuple[x509.GeneralName, ...] = NAMES) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(kind, value) for kind, value in SUBJECT])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(SINCE)
        .not_valid_after(UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


DER = issued()
EVERYTHING = {
    "notAfter": "true",
    "notBefore": "true",
    "sans": "true",
    "serialNumber": "true",
    "subject": dict.fromkeys(
        (
            *("commonName", "country", "domainComponent", "locality", "organization"),
            *("organizationalUnit", "province", "serialNumber"),
        ),
        "true",
    ),
    "issuer": {"commonName": "true", "organization": "true"},
}


def test_what_is_read_is_what_was_issued() -> None:
    found = read_certificate(DER)
    assert (found.serial, found.not_before, found.not_after) == (2**70 + 1, SINCE, UNTIL)
    assert [value for _, value in found.subject] == [value for _, value in SUBJECT[:-1]]
    assert found.issuer == (("CN", "An authority"),)
    assert found.names == (
        "*.example.org", "me@example.org", "192.0.2.7", "2001:db8::7", "https://example.org/me",
    )  # fmt: skip
    assert read_certificate(issued(names=())).names == ()


def test_no_octets_of_a_certificate_can_harm() -> None:
    for at in range(len(DER)):
        with pytest.raises(Unreadable):
            read_certificate(DER[:at])
        for octet in (0x00, 0x7F, 0x80, 0x84, 0xFF):
            with contextlib.suppress(Unreadable):
                read_certificate(DER[:at] + bytes([octet]) + DER[at + 1 :])


def test_the_whole_certificate_is_told_in_one_line() -> None:
    told = passed(declared(PassTLSClientCert, {"pem": "true"}).on_request(seen(DER))).get(WHOLE)
    assert base64.b64decode(told, validate=True) == DER


def test_what_it_says_is_told_as_traefik_tells_it() -> None:
    middleware = declared(PassTLSClientCert, {"info": EVERYTHING})
    told = passed(middleware.on_request(seen(DER))).get(INFO)
    assert unquote_plus(told) == (
        'Subject="DC=org,DC=example,C=FR,ST=Île-de-France,L=Paris,O=Fromage,O=Käse,OU=Simple,SN=7,'
        "CN=a 'quoted'; name\";"
        'Issuer="CN=An authority";'
        f'SerialNumber="{2**70 + 1}";NB="{int(SINCE.timestamp())}";NA="{int(UNTIL.timestamp())}";'
        'SAN="*.example.org,me@example.org,192.0.2.7,2001:db8::7,https://example.org/me"'
    )
    assert told.isascii()
    assert " " not in told


@pytest.mark.parametrize(
    ("info", "told"),
    [
        ({"subject": {"commonName": "true"}}, "Subject=\"CN=a 'quoted'; name\""),
        ({"issuer": {"country": "true"}}, ""),
        ({"subject": {"organization": "true"}, "sans": "false"}, 'Subject="O=Fromage,O=Käse"'),
    ],
)
def test_only_what_is_asked_for_is_told(info: dict[str, object], told: str) -> None:
    sent = passed(declared(PassTLSClientCert, {"info": info}).on_request(seen(DER)))
    assert (unquote_plus(sent.get(INFO)), sent.get(WHOLE)) == (told, "")


def test_who_has_shown_none_is_told_of_by_nobody_else_and_a_certificate_counts_more_than_words() -> None:
    middleware = declared(PassTLSClientCert, {"pem": "true", "info": EVERYTHING})
    relayed = head("/", "a.test", (WHOLE, "from the proxy in front"))
    assert middleware.on_request(relayed) is relayed
    shown = passed(middleware.on_request(replace(relayed, certificate=DER)))
    assert shown.get(WHOLE) == base64.b64encode(DER).decode()
    assert passed(middleware.on_request(seen(b"no certificate"))).get(INFO) == ""


def seen(der: bytes) -> RequestHead:
    return replace(head(), certificate=der)
