"""Traefik names: what an installation of Traefik calls its entrypoints, resolvers and TLS options.

Everybody names them himself; most people copy the same few words.  An
entrypoint that nobody can guess stays as it is, and its router is not served
there: a guess could open to the world what is meant for the house.
"""

from __future__ import annotations

from discovery.language import Language
from proxy.certifying import AUTO, Resolvers

DEFINE = "To define it: --resolver"
DEFAULT_OPTIONS = "default"

_PLAIN, _SECURE = "web", "websecure"
_KNOWN = {"http": _PLAIN, "web": _PLAIN, "https": _SECURE, "websecure": _SECURE}
_GUESSED = {
    **dict.fromkeys(("http80", "insecure", "plain", "port80", "webinsecure"), _PLAIN),
    **dict.fromkeys(
        ("https443", "httpsecure", "port443", "secure", "ssl", "tls", "websec", "webtls"), _SECURE
    ),
}
_RESOLVERS = frozenset(
    (
        *(
            AUTO,
            "acme",
            "certresolver",
            "default",
            "main",
            "myresolver",
            "production",
            "prod",
            "resolver",
        ),
        *("cf", "cloudflare", "dns", "dns-cloudflare", "dnschallenge", "http", "httpchallenge", "http01"),
        *("le", "lets-encrypt", "letsencrypt", "letsencryptresolver", "leresolver", "zerossl"),
        *("tls", "tlschallenge"),
    )
)


def entrypoint_meant(name: str, language: Language) -> tuple[str, bool]:
    """The own entrypoint that the name stands for, and whether that is a guess."""
    if name in language.entrypoints:
        return name, False
    if name in language.names:
        return language.names[name], False
    word = name.lower().replace("_", "-")
    for table, guessed in ((_KNOWN, False), (_GUESSED, True)):
        meant = table.get(word) or table.get(word.replace("-", ""))
        if meant in language.entrypoints and meant is not None:
            return meant, guessed
    return name, False


def resolver_meant(name: str, language: Language) -> tuple[str, bool]:
    """The host name decides, unless the installation has a resolver of this name, or says which it means."""
    if name in language.names:
        return language.resolvers.meant(language.names[name]) or AUTO, False
    if name.lower() in language.resolvers.named:
        return name.lower(), False
    return AUTO, not usual_resolver(name)


def usual_resolver(name: str) -> bool:
    """Whether people call so what they get certificates with, whatever that is."""
    return name.lower().replace("_", "-") in _RESOLVERS


_LETS_ENCRYPT = frozenset(("acme", "le", "lets-encrypt", "letsencrypt", "letsencryptresolver", "leresolver"))
_STAGING = frozenset(
    ("staging", "le-staging", "lets-encrypt-staging", "letsencrypt-staging", "letsencryptstaging")
)


def means_lets_encrypt(name: str) -> bool:
    """Whether it is a word that other proxies' users have for Let's Encrypt, or for its staging."""
    return name.lower().replace("_", "-") in _LETS_ENCRYPT | _STAGING


def usual_instead(name: str) -> str:
    """What is said where the word for another proxy's resolver stands for the usual one."""
    said = "Tidegate chooses certificates by the rule's host names; this option changes nothing."
    if name.lower().replace("_", "-") in _STAGING:
        said += " Let's Encrypt's staging is asked with --acme-ca letsencrypt-staging"
    return said


def unknown_resolver(name: str, resolvers: Resolvers, instead: str = "") -> str:
    """What is said of a name that no resolver has, with how it would get one."""
    return f"{resolvers.unknown(name)}{instead} {DEFINE} {name[:40]}.acme-ca=URL"


def tls_options_meant(name: str, language: Language) -> tuple[str, bool]:
    plain = name.partition("@")[0]
    return language.names.get(name) or language.names.get(plain) or name, False
