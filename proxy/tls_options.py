"""TLS options: what a handshake takes and asks for, under a name that routers refer to."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from proxy.client_certificate import Unreadable, read_certificate
from proxy.schema import FileName, option, options
from proxy.values import Unfit, short

DEFAULT: Final = "default"
"""The set that holds where no other does, by its plain name."""
OF_TLS_1_2: Final = {
    f"TLS_ECDHE_{key}_WITH_{goes}": f"ECDHE-{key}-{called}"
    for key in ("ECDSA", "RSA")
    for goes, called in {
        "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
        "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
        "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
        "CHACHA20_POLY1305": "CHACHA20-POLY1305",
        "AES_128_CBC_SHA256": "AES128-SHA256",
        "AES_128_CBC_SHA": "AES128-SHA",
        "AES_256_CBC_SHA": "AES256-SHA",
    }.items()
}
"""Suites with forward secrecy, as Go and IANA call them, and OpenSSL's names for them."""
OF_TLS_1_3: Final = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
HYBRID: Final = "X25519MLKEM768"
CURVES: Final = {
    "x25519": "X25519",
    "p256": "prime256v1",
    "p384": "secp384r1",
    "p521": "secp521r1",
    "x25519mlkem768": HYBRID,
}
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----")


class Version(str):
    """A version of TLS, 1.2 or 1.3."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Version:
        number = text.lower().removeprefix("version").removeprefix("tls").lstrip("v").replace(".", "")
        if number in ("10", "11"):
            raise ValueError("TLS 1.0 and 1.1 are not spoken (RFC 8996). Write VersionTLS12.")
        if number not in ("12", "13"):
            raise Unfit("VersionTLS12 or VersionTLS13", text)
        return cls(f"VersionTLS{number}")


class CipherSuite(str):
    """One way to encrypt."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> CipherSuite:
        name = text.upper()
        if name not in OF_TLS_1_3 and name not in OF_TLS_1_2:
            raise Unfit("a suite with forward secrecy", text)
        return cls(name)


class Curve(str):
    """How keys are agreed on, by OpenSSL's name."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Curve:
        name = text.lower().removeprefix("curve").removeprefix("secp").replace("-", "")
        name = re.sub("^(256|384|521)r1$", r"p\1", name)
        if name not in CURVES:
            raise Unfit("X25519, CurveP256, CurveP384 or CurveP521", text)
        return cls(CURVES[name])


class Authority(FileName):
    """Certificates of who may vouch for clients: PEM text, or the file that has it.

    Labels come with images, so theirs name no file.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Authority:
        found = cls(text.strip())
        if found.is_text:
            found.check()
        elif not Path(found).is_absolute():
            raise ValueError(
                f"Write certificates in PEM form, or the whole path of their file, not {short(text)}."
            )
        return found

    @property
    def is_text(self) -> bool:
        return "-----BEGIN" in self

    def certificates(self) -> Iterator[bytes]:
        """In DER form."""
        return (b64decode(found) for found in _PEM.findall(self))

    def check(self) -> None:
        """ValueError where it is not certificates alone."""
        try:
            found = [read_certificate(each) for each in self.certificates()]
        except (Unreadable, ValueError):
            raise ValueError("A certificate in it cannot be read.") from None
        if not found or "PRIVATE KEY" in self:
            raise ValueError("Expected certificates in PEM form, and nothing else.")


class Asking(str):
    """Whether clients are asked for a certificate, as Traefik calls it."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Asking:
        known = {each.lower(): each for each in (NOBODY, IF_GIVEN, EVERYBODY)}
        if text.lower() in ("requestclientcert", "requireanyclientcert"):
            raise ValueError(
                f"{text} takes certificates that nobody vouches for, which proves nothing. "
                f"Write {IF_GIVEN} or {EVERYBODY}, and whom to trust in caFiles."
            )
        if text.lower() not in known:
            raise Unfit(f"{NOBODY}, {IF_GIVEN} or {EVERYBODY}", text)
        return cls(known[text.lower()])


NOBODY: Final = "NoClientCert"
IF_GIVEN: Final = "VerifyClientCertIfGiven"
EVERYBODY: Final = "RequireAndVerifyClientCert"


@options
class ClientAuth:
    """Who may come in by a certificate of his own."""

    ca_files: tuple[Authority, ...] = option(
        doc="Who may vouch for clients: certificates in PEM form, or, in route files only, files of them.",
        example="/certs/family.pem",
        default=(),
    )
    client_auth_type: Asking | None = option(
        doc=f"`{EVERYBODY}`: nobody comes in without; `{IF_GIVEN}`: who shows one has to show a good one; "
        f"`{NOBODY}`. With `caFiles` everybody is asked, where this says nothing.",
        example=IF_GIVEN,
        default=None,
    )

    def __post_init__(self) -> None:
        if self.asking != NOBODY and not self.ca_files:
            raise ValueError("Say who may vouch for clients: caFiles.")

    @property
    def asking(self) -> str:
        return self.client_auth_type or (EVERYBODY if self.ca_files else NOBODY)


@options
class TLSOptions:
    """What a handshake takes and asks for."""

    min_version: Version = option(
        doc="The oldest version that is spoken.", example="VersionTLS13", default=Version("VersionTLS12")
    )
    max_version: Version = option(
        doc="The newest version that is spoken.", example="VersionTLS12", default=Version("VersionTLS13")
    )
    cipher_suites: tuple[CipherSuite, ...] = option(
        doc="Suites of TLS 1.2, those of Mozilla's intermediate list where it says nothing; "
        "those of TLS 1.3 are always the same three.",
        example="TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        default=(),
    )
    curve_preferences: tuple[Curve, ...] = option(
        doc="How keys are agreed on. One is taken alone; of several the order is OpenSSL's, X25519 first.",
        example="X25519",
        default=(),
    )
    alpn_protocols: tuple[str, ...] = option(
        doc="Protocols that are offered; `http/1.1` is spoken.", example="http/1.1", default=()
    )
    sni_strict: bool = option(
        doc="Whether names without a certificate of their own are refused, instead of shown another.",
        example="true",
        default=False,
    )
    disable_session_tickets: bool = option(
        doc="Whether each connection shakes hands anew. Who is asked for a certificate always does.",
        example="true",
        default=False,
    )
    prefer_server_cipher_suites: bool = option(
        doc="Read, but not needed: the client chooses among good ones.", example="true", default=False
    )
    client_auth: ClientAuth = option(doc="Whose visitors may come in.", example="", default=ClientAuth())

    def __post_init__(self) -> None:
        if self.min_version > self.max_version:
            raise ValueError("minVersion is newer than maxVersion.")
        if self.alpn_protocols and "http/1.1" not in self.alpn_protocols:
            raise ValueError("alpnProtocols needs http/1.1, which is what is spoken.")
        if self.curve_preferences == (HYBRID,):
            raise ValueError(f"Name X25519 beside {HYBRID}, for clients and an OpenSSL that do not know it.")
        if self.cipher_suites and self.min_version != "VersionTLS13" and not self.ciphers:
            raise ValueError("These suites are of TLS 1.3 alone. Write minVersion=VersionTLS13, too.")

    @property
    def ciphers(self) -> tuple[str, ...]:
        """Those of TLS 1.2, by OpenSSL's names; none where the usual ones are meant."""
        return tuple(OF_TLS_1_2[each] for each in self.cipher_suites if each in OF_TLS_1_2)

    @property
    def asks(self) -> bool:
        """Whether clients are asked for a certificate."""
        return self.client_auth.asking != NOBODY


USUAL: Final = TLSOptions()
"""Mozilla's intermediate configuration: TLS 1.2 and 1.3, and nobody is asked who he is."""
