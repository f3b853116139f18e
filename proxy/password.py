"""Password: whether one belongs to a hash as `htpasswd` writes it.  Slow on purpose: not for the loop."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping

_ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MD5_ORDER = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))
LONGEST = 1024
"""Bytes of a password; MD5's thousand rounds over a longer one would be a gift to whoever wants us busy."""


def is_hash(text: str) -> bool:
    """Whether `matches` can read it."""
    return _reader(text) is not None


def matches(password: bytes, text: str) -> bool:
    """Whether the password has this hash; False for a hash that nobody can read."""
    read = _reader(text)
    if read is None or len(password) > LONGEST:
        return False
    try:
        return read(password, text)
    except ValueError:
        return False


def _reader(text: str) -> Callable[[bytes, str], bool] | None:
    return next((read for shape, read in _READERS.items() if re.fullmatch(shape, text)), None)


def _bcrypt(password: bytes, text: str) -> bool:
    import bcrypt  # only who has such a hash pays for it

    # Everything behind the 72nd byte never counted; bcrypt 5 says so by an exception.
    return bcrypt.checkpw(password[:72], text.encode())


def _argon2id(password: bytes, text: str) -> bool:
    from cryptography.exceptions import InvalidKey, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        Argon2id.verify_phc_encoded(password, text)
    except (InvalidKey, UnsupportedAlgorithm):
        return False
    return True


def _sha(password: bytes, text: str) -> bool:
    digest = hashlib.sha1(password, usedforsecurity=False).digest()
    return hmac.compare_digest(digest, base64.b64decode(text.removeprefix("{SHA}")))


def _md5(password: bytes, text: str) -> bool:
    _, kind, salt, _ = text.split("$")
    return hmac.compare_digest(md5_crypt(password, salt.encode(), f"${kind}$".encode()), text.encode())


def md5_crypt(password: bytes, salt: bytes, magic: bytes) -> bytes:
    """Poul-Henning Kamp's scheme of 1994: `$1$`, and Apache's own `$apr1$`."""
    inner = _digest(password + salt + password)
    message = password + magic + salt
    message += (inner * (len(password) // 16 + 1))[: len(password)]
    bits = len(password)
    while bits:
        message += b"\0" if bits & 1 else password[:1]
        bits >>= 1
    final = _digest(message)
    for turn in range(1000):
        step = password if turn & 1 else final
        step += salt if turn % 3 else b""
        step += password if turn % 7 else b""
        step += final if turn & 1 else password
        final = _digest(step)
    shown = "".join(_in_64(final[a] << 16 | final[b] << 8 | final[c], 4) for a, b, c in _MD5_ORDER)
    return magic + salt + b"$" + (shown + _in_64(final[11], 2)).encode()


def _digest(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _in_64(value: int, length: int) -> str:
    return "".join(_ITOA64[value >> 6 * place & 63] for place in range(length))


_READERS: Mapping[str, Callable[[bytes, str], bool]] = {
    r"\$2[abxy]\$(?:0[4-9]|1[0-9]|2[0-9]|3[01])\$[./A-Za-z0-9]{53}": _bcrypt,
    r"\$(?:apr1|1)\$[^$:]{0,8}\$[./A-Za-z0-9]{22}": _md5,
    r"\{SHA\}[A-Za-z0-9+/]{27}=": _sha,
    r"\$argon2id\$v=19\$m=[0-9]{1,6},t=[0-9]{1,3},p=[0-9]{1,2}(?:\$[A-Za-z0-9+/]{11,86}){2}": _argon2id,
}
