"""basicauth: let only those in who know a password (RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from proxy.exchange import BodyMiddleware, Handler, Request, RequestHead, Response
from proxy.field_name import check_name
from proxy.password import is_hash, matches
from proxy.schema import FileName, option, options
from proxy.signin import challenge, quoted, signed_in
from proxy.surroundings import Surroundings
from proxy.users import UserList, Users, read_lines

REMEMBERED = 300.0
"""Seconds for which a right password is not hashed again: bcrypt takes 50-300 ms on small machines."""
MOST_REMEMBERED = 1024
NOBODY = "$apr1$........$......................"


def read_user(line: str) -> tuple[str, str]:
    name, colon, password_hash = line.partition(":")
    if not colon or not name or ":" in password_hash:
        raise ValueError("A user is a name, a colon and a hash, as `tidegate password NAME` prints it.")
    if password_hash.startswith("$$"):  # written for compose, and given to an engine without it
        password_hash = password_hash.replace("$$", "$")
    if not is_hash(password_hash):
        raise ValueError(
            "A user's password stands here as a hash (bcrypt, apr1, SHA, argon2id), as "
            "`tidegate password NAME` prints it; in a compose file every $ twice."
        )
    return name, password_hash


@options
class BasicAuth:
    """Ask for a name and a password."""

    users: tuple[str, ...] = option(
        doc="Names with hashes as `tidegate password NAME` or `htpasswd -nB NAME` prints them; in a compose "
        "file every $ twice.",
        example="anna:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
        default=(),
        secret=True,
    )
    users_file: FileName = option(
        doc="File with one user a line; `users` win over it.", example="/config/users", default=""
    )
    realm: str = option(doc="What browsers may show.", example="My cloud", default="Tidegate")
    header_field: str = option(
        doc="Field in which the app gets the name.", example="X-WebAuth-User", default=""
    )
    remove_header: bool = option(doc="Keep name and password from the app.", example="true", default=False)

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
    options: BasicAuth
    users: UserList
    around: Surroundings
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _known: OrderedDict[bytes, float] = field(default_factory=OrderedDict, repr=False)

    def wrap(self, next_handler: Handler) -> Handler:
        async def sign_in(request: Request) -> Response:
            options, head = self.options, request.head
            name, password = credentials(head)
            if name is None or not await self._is_right(await self.users.now(), name, password):
                return challenge(head, f"Basic realm={quoted(options.realm)}")
            return await next_handler(replace(request, head=self._let_in(head, name)))

        return sign_in

    def at_once(self, request: RequestHead) -> RequestHead | None:
        """Whoever was right a moment ago is let in without a wait."""
        name, password = credentials(request)
        users = self.users.at_hand()
        if name is None or users is None or name not in users:
            return None
        known = self._digest(name, password, users[name])
        return self._let_in(request, name) if self._is_known(known) else None

    def _let_in(self, head: RequestHead, name: str) -> RequestHead:
        return signed_in(head, name, self.options.header_field, remove=self.options.remove_header)

    def _is_known(self, digest: bytes) -> bool:
        return self._known.get(digest, 0.0) > self.around.now()

    async def _is_right(self, users: Users, name: str, password: bytes) -> bool:
        # Somebody unknown takes as long as somebody known: nobody finds out names by the clock.
        password_hash = users.get(name) or next(iter(users.values()), NOBODY)
        known, now = self._digest(name, password, password_hash), self.around.now()
        if name in users and self._is_known(known):
            return True
        right = await self.around.aside(lambda: matches(password, password_hash)) and name in users
        if right:
            self._known[known] = now + REMEMBERED
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return right

    def _digest(self, name: str, password: bytes, password_hash: str) -> bytes:
        """What is remembered: with the hash, so that a changed password is asked for again."""
        parts = (name.encode("utf-8", "surrogatepass"), password, password_hash.encode())
        whole = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, whole, "sha256")


def credentials(request: RequestHead) -> tuple[str | None, bytes]:
    """Name and password, (None, b"") where there are none."""
    scheme, _, token = request.get("Authorization").partition(" ")
    if scheme.lower() != "basic":
        return None, b""
    try:
        name, colon, password = base64.b64decode(token.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else (None, b"")
    except (binascii.Error, ValueError):
        return None, b""
