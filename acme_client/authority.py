"""Authority: which CA is asked, and with what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from acme_client.certificate import INTERNAL
from acme_client.names import NEEDS_DNS, Name

KNOWN = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
    "zerossl": "https://acme.zerossl.com/v2/DV90",
}
"""Public CAs: asked for public names only."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The settings of automatic certificates.

    `directory` is an ACME directory URL; None switches ACME off, and Tidegate's
    own CA certifies everything.  `bundle` holds the roots that the endpoint's
    own certificate is checked with.  `eab_*` bind the account to one made on
    the CA's web site.  `dns` is the fingerprint of whoever can set DNS records
    for us, and empty where nobody can.
    """

    directory: str | None
    email: str = ""
    bundle: Path | None = None
    eab_kid: str = ""
    eab_hmac: str = field(default="", repr=False)
    dns: str = ""

    @property
    def public(self) -> bool:
        return self.directory in KNOWN.values()

    def directory_for(self, name: Name) -> str:
        """Who certifies this name: the directory, or "internal"."""
        if self.directory is None or name.refusal or name.address:
            return INTERNAL
        return self.directory if name.public or not self.public else INTERNAL

    def judge(self, name: Name) -> Name:
        """The name without the refusal that only a CA to be asked would have given."""
        if name.refusal == NEEDS_DNS and self.dns:
            return replace(name, refusal="")
        asked = self.directory is not None and (name.public or not self.public)
        return replace(name, refusal="") if name.refusal and name.signable and not asked else name

    @property
    def fingerprint(self) -> str:
        """Changes with any setting, and tells none of them."""
        bound = (self.eab_kid, self.eab_hmac, *([self.dns] if self.dns else []))
        parts = (self.directory or "", self.email, str(self.bundle or ""), *bound)
        return sha256("\0".join(parts).encode()).hexdigest()[:16]


def choose_authority(
    choice: str,
    *,
    email: str = "",
    bundle: Path | None = None,
    eab_kid: str = "",
    eab_hmac: str = "",
    dns: str = "",
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
    return Authority(directory, email, bundle, eab_kid, eab_hmac, dns)
