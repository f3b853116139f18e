"""Redaction: what is secret never reaches a log line, whoever wrote the line.

Two nets, one behind the other: a value under a telling name goes as a whole,
and in free text (an exception's message, a URL, a label) the known shapes of
secrets go.  Losing a harmless value to the net is the cheaper mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

HIDDEN = "[hidden]"

SECRET_WORDS = frozenset({
    "auth", "authorization", "cookie", "cookies", "credential", "credentials", "hmac", "htpasswd", "jwt",
    "key", "keys", "passphrase", "passwd", "password", "pwd", "secret", "secrets", "session", "signature",
    "token", "tokens", "users",
})  # fmt: skip
"""A name is telling when one of its words is among these: `api_key`, `acmeEabHmac`, `Set-Cookie`."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# Every quantifier below is bounded or ends at a character that it cannot itself match: linear on any text.
SHAPES = (
    (
        re.compile(r"-----BEGIN ([A-Z ]{0,40}PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL),
        rf"-----BEGIN \1----- {HIDDEN}",
    ),
    # A name before the @ is part of how ssh says where; anywhere else it may be a token.
    (re.compile(r"\b(?!ssh:)([a-z][a-z0-9+.-]{0,20}://)[^\s/\"'<>]*@", re.IGNORECASE), rf"\1{HIDDEN}@"),
    (re.compile(r"\b(ssh://[^\s/:@]*):[^\s/\"'<>]*@", re.IGNORECASE), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"\b((?:proxy-)?authorization|(?:set-)?cookie)(\\?['\"]?\s{0,3}[:=,]\s{0,3})[^\r\n]+",
            re.IGNORECASE,
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"\b(Bearer|Basic|Digest)\s+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    # Password hashes as htpasswd writes them; compose files double the dollar.
    (re.compile(r"\${1,2}(?:2[abxy]?|apr1|1|5|6|y|argon2\w{1,2})\${1,2}[A-Za-z0-9./$=,+]{8,}"), HIDDEN),
    (re.compile(r"\{S?SHA\d*\}[A-Za-z0-9+/=]{8,}"), HIDDEN),
    (
        re.compile(
            r"\b(\w{0,40}(?:password|passwd|secret|token|hmac|api_?key)\w{0,20}\\?['\"]?\s{0,3}[:=]\s{0,3})"
            r"(?!\[hidden\])[^\s&,;)}]+",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)


def is_secret_name(name: str) -> bool:
    return any(word.lower() in SECRET_WORDS for word in WORD.findall(name))


def redact_text(text: str) -> str:
    for shape, instead in SHAPES:
        text = shape.sub(instead, text)
    return text


def redact_value(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if is_secret_name(name):
        return HIDDEN
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {str(key): redact_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(name, inner) for inner in value]
    return redact_text(str(value))


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor; stands behind the one that formats exceptions, so that it reads those too."""
    for name, value in event.items():
        event[name] = redact_value(name, value)
    return event
