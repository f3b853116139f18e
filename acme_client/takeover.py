"""Takeover: certificates of other programs into the storage, each or the reason why not.  Blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from urllib.parse import urlsplit

from acme_client.authority import KNOWN, STAGING
from acme_client.certificate import INTERNAL, BrokenCertificate, Certificate
from acme_client.foreign.found import Found, Unusable
from acme_client.frozen import frozen
from acme_client.store import Store

UNKNOWN = "unknown"
"""Stands for the CA's directory where nothing says which it was."""


@frozen
class Taken:
    """`hosts` are those that have it now; `ours` says whether one of the CAs of the settings issued it."""

    place: str
    certificate: Certificate
    hosts: tuple[str, ...]
    ours: bool


@frozen
class LeftOut:
    place: str
    reason: str


def take_over(
    found: Iterable[Found | Unusable], store: Store, directories: Collection[str], now: datetime
) -> Iterator[Taken | LeftOut]:
    """`directories` are those of the CAs that Tidegate is to ask.

    OSError where the storage takes nothing.
    """
    for each in found:
        if isinstance(each, Unusable):
            yield LeftOut(each.place, each.reason)
            continue
        try:
            certificate = judged(each, directories, now)
        except BrokenCertificate as error:
            yield LeftOut(each.place, str(error))
            continue
        hosts = tuple(host for host in certificate.names if keep(store, host, certificate))
        if hosts:
            yield Taken(each.place, certificate, hosts, certificate.directory in directories)
        else:
            yield LeftOut(each.place, "what is here lasts as long, or is being renewed")


def judged(found: Found, directories: Collection[str], now: datetime) -> Certificate:
    """The certificate, or BrokenCertificate with why it is of no use."""
    from acme_client.reading import read

    certificate = read(found.chain_pem, found.key_pem, directory_of(found.source, directories))
    if not certificate.names:
        raise BrokenCertificate("it has no names")
    if certificate.not_after <= now:
        raise BrokenCertificate(f"it ran out on {certificate.not_after:%Y-%m-%d}")
    if certificate.directory == STAGING:
        raise BrokenCertificate("it is of Let's Encrypt's staging, which nobody trusts")
    return certificate


def directory_of(source: str, directories: Collection[str]) -> str:
    """The directory of the CA that a URL of it belongs to: programs write down the one or the other."""
    place = urlsplit(source).netloc
    known = (*directories, *KNOWN.values())
    return next((each for each in known if place and urlsplit(each).netloc == place), source or UNKNOWN)


def keep(store: Store, host: str, certificate: Certificate) -> bool:
    """Save it for this host, unless what is there lasts as long or somebody is ordering; whether it was."""
    lock = store.lock(host)
    if lock is None:
        return False
    with lock:
        held = store.load(host).certificate
        if held and held.directory not in (INTERNAL, UNKNOWN) and held.not_after >= certificate.not_after:
            return False
        store.save(host, certificate)
        return True
