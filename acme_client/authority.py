"""Authority: which CA is asked, and with what."""

from __future__ import annotations

from dataclasses import field, replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from acme_client.certificate import INTERNAL
from acme_client.frozen import frozen
from acme_client.limits import LETS_ENCRYPT, Limits
from acme_client.names import NEEDS_DNS, Name

KNOWN = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
    "zerossl": "https://acme.zerossl.com/v2/DV90",
}
"""Public CAs: asked for public names only."""

OF_LETS_ENCRYPT = (KNOWN["letsencrypt"], KNOWN["letsencrypt-staging"])
STAGING = KNOWN["letsencrypt-staging"]

FOR_ADDRESSES = "shortlived"
"""The one profile in which Let's Encrypt certifies addresses."""


def resolver_of(directory: str) -> str:
    """The name of the resolver that asks this CA; "" for the usual one."""
    return urldefrag(directory).fragment


@frozen
class Authority:
    """The settings of automatic certificates.

    `directory` is an ACME directory URL; None switches ACME off, and Tidegate's
    own CA certifies everything.  What a named resolver asks for is told apart by
    its name behind a `#`: the same CA may be asked for other things by another one.
    `bundle` holds the roots that the endpoint's own certificate is checked with.
    `eab_*` bind the account to one made on the CA's web site.  `profile` and
    `preferred_chain` are asked for where the CA has them.  `rehearsal` is a CA at
    which a host that has failed is tried first, because failures there cost nothing.
    `dns` is the fingerprint of whoever can set DNS records for us, and empty where nobody can.
    """

    directory: str | None
    email: str = ""
    bundle: Path | None = None
    eab_kid: str = ""
    eab_hmac: str = field(default="", repr=False)
    dns: str = ""
    profile: str = ""
    preferred_chain: str = ""
    rehearsal: Authority | None = None
    limits: Limits | None = None

    @property
    def url(self) -> str:
        """Where the CA is asked."""
        return urldefrag(self.directory or "").url

    @property
    def public(self) -> bool:
        return self.url in KNOWN.values()

    @property
    def counts(self) -> bool:
        """Whether what this CA issues is trusted by browsers, and counted."""
        return self.public and self.url != STAGING

    def takes(self, name: Name) -> bool:
        """Whether this CA is asked for the name: a private one for each, a public one for what is public."""
        if self.directory is None or name.refusal:
            return False
        if name.address and self.public:
            return self.url in OF_LETS_ENCRYPT and name.address.is_global
        return name.public or not self.public

    def directory_for(self, name: Name) -> str:
        """Who certifies this name: the directory, or "internal"."""
        return self.directory if self.directory and self.takes(name) else INTERNAL

    def judge(self, name: Name) -> Name:
        """The name without the refusal that only a CA to be asked would have given."""
        if name.refusal == NEEDS_DNS and self.dns:
            return replace(name, refusal="")
        asked = self.directory is not None and (name.public or not self.public)
        return replace(name, refusal="") if name.refusal and name.signable and not asked else name

    def profile_for(self, name: Name) -> str:
        """The profile to ask for; "" for the CA's usual one."""
        if name.address and self.url in OF_LETS_ENCRYPT:
            return FOR_ADDRESSES
        return self.profile

    def of_resolver(self, name: str) -> Authority:
        """The same as a resolver of this name asks it: its certificates are no other resolver's."""
        if self.directory is None:
            return self
        rehearsal = self.rehearsal.of_resolver(name) if self.rehearsal else None
        return replace(self, directory=f"{self.url}#{name}", rehearsal=rehearsal)

    @property
    def fingerprint(self) -> str:
        """Changes with any setting, and tells none of them."""
        parts = (self.directory or "", self.email, str(self.bundle or ""), self.eab_kid, self.eab_hmac)
        more = [each for each in (self.dns, self.profile) if each]
        return sha256("\0".join((*parts, *more)).encode()).hexdigest()[:16]


def choose_authority(
    choice: str,
    *,
    email: str = "",
    bundle: Path | None = None,
    eab_kid: str = "",
    eab_hmac: str = "",
    dns: str = "",
    profile: str = "",
    preferred_chain: str = "",
) -> Authority:
    """The authority that the setting stands for: a known CA's name, `off`, or a directory's URL."""
    word = choice.strip()
    if word.lower() in ("off", "internal", ""):
        directory = None
    elif word.lower() in KNOWN:
        directory = KNOWN[word.lower()]
    elif urlsplit(word).scheme == "https" and urlsplit(word).hostname:
        directory = word
    else:
        raise ValueError(
            f"Expected {', '.join(KNOWN)}, off or an https:// URL of an ACME directory, not {choice!r}."
        )
    plain = Authority(directory, email, bundle, eab_kid, eab_hmac, dns, profile, preferred_chain)
    if directory in OF_LETS_ENCRYPT:
        plain = replace(plain, eab_kid="", eab_hmac="")  # it wants none; they are for another one of several
    if directory != KNOWN["letsencrypt"]:
        return plain
    return replace(plain, rehearsal=replace(plain, directory=STAGING), limits=LETS_ENCRYPT)


@frozen
class Authorities:
    """The CAs, in the order in which they are asked; the next one when one is out of order."""

    all: tuple[Authority, ...]

    @classmethod
    def of(cls, given: Authority | Authorities) -> Authorities:
        return given if isinstance(given, Authorities) else cls((given,))

    @property
    def any(self) -> bool:
        """Whether there is one to be asked at all."""
        return any(authority.directory for authority in self.all)

    @property
    def count(self) -> bool:
        """Whether one of them counts what it issues."""
        return any(authority.counts for authority in self.all)

    @property
    def with_rehearsals(self) -> tuple[Authority, ...]:
        return (*self.all, *(each.rehearsal for each in self.all if each.rehearsal))

    def by_directory(self, directory: str) -> Authority:
        return next(authority for authority in self.all if authority.directory == directory)

    def directories_for(self, name: Name) -> tuple[str, ...]:
        """Those that certify this name, in order; ("internal",) where none does."""
        taking = (each.directory for each in self.all if each.directory and each.takes(name))
        return tuple(taking) or (INTERNAL,)

    def judge(self, name: Name) -> Name:
        """The name without the refusal that only a CA to be asked would have given."""
        judged = [authority.judge(name) for authority in self.all]
        return name if any(each.refusal for each in judged) else judged[0]

    @property
    def fingerprint(self) -> str:
        if len(self.all) == 1:
            return self.all[0].fingerprint
        return sha256("".join(each.fingerprint for each in self.all).encode()).hexdigest()[:16]
