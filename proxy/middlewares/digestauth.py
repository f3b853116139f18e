"""digestauth: let only those in who know a password, without sending it (RFC 7616, with MD5)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from proxy.exchange import BodyMiddleware, Handler, Request, RequestHead, Response
from proxy.field_name import check_name
from proxy.nonce import Nonces
from proxy.schema import FileName, option, options
from proxy.signin import challenge, quoted, signed_in
from proxy.surroundings import Surroundings
from proxy.target import BadTarget, split_target
from proxy.users import UserList, Users, read_lines

_PARAMETER = re.compile(r'([A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)\s*')
_HASH = re.compile("[0-9a-fA-F]{32}")
_COUNT = re.compile("[0-9a-fA-F]{8}")


def read_user(line: str) -> tuple[str, str]:
    """`name:realm` and the hash."""
    parts = line.split(":")
    if len(parts) != 3 or not all(parts) or not _HASH.fullmatch(parts[2]):
        raise ValueError("A user is a name, a realm and a hash, as `htdigest` writes them.")
    return f"{parts[0]}:{parts[1]}", parts[2].lower()


@options
class DigestAuth:
    """Ask for a name and a proof of a password."""

    users: tuple[str, ...] = option(
        doc="Names with realm and hash, as `htdigest` writes them.",
        example="test:traefik:a2688e031edb4be6a3797f3882655c05",
        default=(),
        secret=True,
    )
    users_file: FileName = option(
        doc="File with one user a line; `users` win over it.", example="/config/users", default=""
    )
    realm: str = option(
        doc="Part of the hashes, and what browsers may show; else that of the first user.",
        example="home",
        default="",
    )
    header_field: str = option(
        doc="Field in which the app gets the name.", example="X-WebAuth-User", default=""
    )
    remove_header: bool = option(doc="Keep the proof from the app.", example="true", default=False)

    def __post_init__(self) -> None:
        if not self.users and not self.users_file:
            raise ValueError("users names nobody, so nobody could pass.")
        read_lines(self.users, read_user)
        check_name(self.header_field)

    def begin(self, around: Surroundings) -> BodyMiddleware:
        users = UserList(read_lines(self.users, read_user), self.users_file, read_user, around)
        return Doorkeeper(self, users, around)


@dataclass(slots=True)
class Doorkeeper:
    options: DigestAuth
    users: UserList
    around: Surroundings
    _nonces: Nonces = field(default_factory=Nonces)

    def wrap(self, next_handler: Handler) -> Handler:
        async def sign_in(request: Request) -> Response:
            options, head, now = self.options, request.head, self.around.now()
            said, users = parameters(head), await self.users.now()
            realm = options.realm or realm_of(users)
            if not self._is_right(users, head, said, realm):
                return self._ask(head, realm, stale=False)
            nonce = said["nonce"]
            if not self._nonces.is_fresh(nonce, now) or not self._nonces.use(nonce, int(said["nc"], 16)):
                # The password is right: nobody is asked for it again.
                return self._ask(head, realm, stale=True)
            name = as_text(said["username"])
            head = signed_in(head, name, options.header_field, remove=options.remove_header)
            return await next_handler(replace(request, head=head))

        return sign_in

    def _ask(self, head: RequestHead, realm: str, *, stale: bool) -> Response:
        nonce = self._nonces.new(self.around.now())
        how = f'Digest realm={quoted(realm)}, nonce="{nonce}", algorithm=MD5, qop="auth"'
        return challenge(head, how + ", stale=true" * stale)

    def _is_right(self, users: Users, head: RequestHead, said: Mapping[str, str], realm: str) -> bool:
        if as_text(said.get("realm", "")) != realm or said.get("qop") != "auth":
            return False
        if said.get("algorithm", "MD5").upper() != "MD5" or not _COUNT.fullmatch(said.get("nc", "")):
            return False
        if not all(name in said for name in ("username", "nonce", "cnonce", "uri", "response")):
            return False
        known = users.get(f"{as_text(said['username'])}:{realm}", "")
        right = answer(known, head.method, said)
        same = hmac.compare_digest(right.encode(), said["response"].lower().encode("latin-1"))
        return same and bool(known) and _is_about(said["uri"], head)


def realm_of(users: Users) -> str:
    """The first user's: a hash proves nothing in any other realm."""
    return next(iter(users), "").rpartition(":")[2]


def as_text(octets: str) -> str:
    """What people have written, from a field's bytes."""
    return octets.encode("latin-1").decode("utf-8", "replace")


def answer(known: str, method: str, said: Mapping[str, str]) -> str:
    """What who knows the password answers (RFC 7616 3.4.1)."""
    asked = _md5(f"{method}:{said['uri']}")
    return _md5(":".join((known, said["nonce"], said["nc"], said["cnonce"], said["qop"], asked)))


def parameters(head: RequestHead) -> Mapping[str, str]:
    scheme, _, rest = head.get("Authorization").partition(" ")
    if scheme.lower() != "digest":
        return {}
    found: dict[str, str] = {}
    at, rest = 0, rest.strip()
    while at < len(rest):
        parameter = _PARAMETER.match(rest, at)
        if not parameter or parameter[1].lower() in found:
            return {}
        quoted_text = re.sub(r"\\(.)", r"\1", parameter[2] or "")
        found[parameter[1].lower()] = parameter[3] or quoted_text
        at = parameter.end()
    return found


def _is_about(uri: str, head: RequestHead) -> bool:
    """The proof is for this target, not for another one."""
    try:
        return split_target(uri)[1] == head.target
    except BadTarget:
        return False


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("latin-1"), usedforsecurity=False).hexdigest()
