"""passtlsclientcert: tell an app which certificate its visitor has shown."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote_plus

from proxy.client_certificate import Certificate, Name, Unreadable, read_certificate
from proxy.exchange import RequestHead, Response
from proxy.schema import option, options

WHOLE, INFO = "X-Forwarded-Tls-Client-Cert", "X-Forwarded-Tls-Client-Cert-Info"


@options
class IssuerNames:
    """What is told of who has issued it."""

    common_name: bool = option(doc="CN.", example="true", default=False)
    country: bool = option(doc="C.", example="true", default=False)
    domain_component: bool = option(doc="DC.", example="true", default=False)
    locality: bool = option(doc="L.", example="true", default=False)
    organization: bool = option(doc="O.", example="true", default=False)
    province: bool = option(doc="ST.", example="true", default=False)
    serial_number: bool = option(doc="SN.", example="true", default=False)

    def wanted(self) -> Iterator[str]:
        """The attributes, in the order in which they are told."""
        asked = {
            "DC": self.domain_component,
            "C": self.country,
            "ST": self.province,
            "L": self.locality,
            "O": self.organization,
            "OU": isinstance(self, SubjectNames) and self.organizational_unit,
            "SN": self.serial_number,
            "CN": self.common_name,
        }
        return (name for name, wanted in asked.items() if wanted)


@options
class SubjectNames(IssuerNames):
    """What is told of whose it is."""

    organizational_unit: bool = option(doc="OU.", example="true", default=False)


@options
class CertificateInfo:
    """What is told of the certificate."""

    not_after: bool = option(doc="Until when it is good.", example="true", default=False)
    not_before: bool = option(doc="Since when it is good.", example="true", default=False)
    sans: bool = option(doc="The other names of whose it is.", example="true", default=False)
    serial_number: bool = option(doc="Its number.", example="true", default=False)
    subject: SubjectNames | None = option(doc="Whose it is.", example="", default=None)
    issuer: IssuerNames | None = option(doc="Who has issued it.", example="", default=None)


@options
class PassTLSClientCert:
    """Tell the app which certificate the visitor has shown."""

    pem: bool = option(
        doc="The whole certificate, base64, as X-Forwarded-Tls-Client-Cert.", example="true", default=False
    )
    info: CertificateInfo | None = option(
        doc="What it says, as X-Forwarded-Tls-Client-Cert-Info.", example="", default=None
    )

    steady = True

    def on_request(self, request: RequestHead) -> RequestHead | Response:
        der = request.certificate
        if not der:
            return request  # nobody but a trusted proxy in front can have sent these fields
        if self.pem:
            request = request.with_field(WHOLE, b64encode(der).decode())
        if self.info:
            request = request.with_field(INFO, told(der, self.info))
        return request


@lru_cache(maxsize=256)
def told(der: bytes, info: CertificateInfo) -> str:
    """The certificate in words; nothing where it cannot be read.  Who visits has few of them."""
    try:
        return quote_plus(";".join(_told(read_certificate(der), info)), safe="")
    except Unreadable:
        return ""


def _told(certificate: Certificate, info: CertificateInfo) -> Iterator[str]:
    parts = {
        "Subject": _names(certificate.subject, info.subject),
        "Issuer": _names(certificate.issuer, info.issuer),
        "SerialNumber": str(certificate.serial) if info.serial_number else "",
        "NB": str(int(certificate.not_before.timestamp())) if info.not_before else "",
        "NA": str(int(certificate.not_after.timestamp())) if info.not_after else "",
        "SAN": ",".join(certificate.names) if info.sans else "",
    }
    for name, value in parts.items():
        if value:
            # A quotation mark would be taken for the end of the value.
            yield '{}="{}"'.format(name, value.replace('"', "'"))


def _names(given: Name, asked: IssuerNames | None) -> str:
    if asked is None:
        return ""
    found = []
    for wanted in asked.wanted():
        values = [value for name, value in given if name == wanted and value]
        found += [f"{wanted}={value}" for value in (values[-1:] if wanted in ("SN", "CN") else values)]
    return ",".join(found)
