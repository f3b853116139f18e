"""Sticky: a cookie that says which server has answered before.  Names and values are Traefik's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1, sha256

from proxy.balancing import StickyCookie
from proxy.exchange import OnResponse, RequestHead, ResponseHead

_NOT_IN_A_NAME = str.maketrans(dict.fromkeys(' \t"(),/:;<=>?@[\\]{}', "_"))
_FNV_OFFSET, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


def cookie_name(cookie: StickyCookie, service: str) -> str:
    """The cookie's name; one that says nothing where none is given."""
    if cookie.name:
        name = cookie.name.translate(_NOT_IN_A_NAME)
        return "".join(char if "!" <= char <= "~" else "_" for char in name)
    # As in Traefik, so that visitors stay where they are; it hides nothing.
    return "_" + sha1(f"_TRAEFIK_BACKEND_{service}".encode(), usedforsecurity=False).hexdigest()[:5]


def cookie_value(member: str) -> str:
    """What stands for a server, by its URL, or for a service, by its name."""
    return sha256(member.encode()).hexdigest()[:16]


def older_value(member: str) -> str:
    """What versions of Traefik before 3 wrote (FNV-1, 64 bits)."""
    value = _FNV_OFFSET
    for byte in member.encode():
        value = (value * _FNV_PRIME % (1 << 64)) ^ byte
    return f"{value:x}"


@dataclass(frozen=True, slots=True)
class SetCookie:
    line: str
    alike = True

    def on_response(self, response: ResponseHead, request: RequestHead) -> ResponseHead:
        return response.with_fields((*response.fields, ("Set-Cookie", self.line)))


class Places:
    """The members of a service by what a cookie may say of them."""

    def __init__(self, cookie: StickyCookie, service: str, members: Sequence[str]) -> None:
        self.cookie = cookie
        self.name = cookie_name(cookie, service)
        self._values = [cookie_value(each) for each in members]
        self._by_value = {value: place for place, value in enumerate(self._values)}
        self.steps: list[tuple[OnResponse, ...]] = [
            (SetCookie(set_cookie(cookie, self.name, value)),) for value in self._values
        ]
        """What an answer goes through that shall lead here again: the same for all, so it is remembered."""
        self._older: dict[str, int] = {}
        for place, each in enumerate(members):
            self._older.setdefault(each, place)
            self._older.setdefault(older_value(each), place)

    def asked_for(self, head: RequestHead) -> tuple[int | None, bool]:
        """The place that the request's cookie names, and whether the cookie is up to date."""
        for value in cookies(head, self.name):
            place = self._by_value.get(value)
            if place is not None:
                return place, True
            if value in self._older:
                return self._older[value], False
        return None, False


def cookies(head: RequestHead, name: str) -> list[str]:
    """The values of the cookies with this name."""
    found = []
    for field, line in head.fields:
        if len(field) == 6 and field.lower() == "cookie" and name in line:
            for pair in line.split(";"):
                key, sign, value = pair.strip().partition("=")
                if sign and key == name:
                    found.append(value.strip('"'))
    return found


def set_cookie(cookie: StickyCookie, name: str, value: str) -> str:
    parts = [f"{name}={value}", f"Path={cookie.path or '/'}"]
    if cookie.domain:
        parts.append(f"Domain={cookie.domain}")
    if cookie.max_age:
        parts.append(f"Max-Age={max(cookie.max_age, 0)}")
    if cookie.http_only:
        parts.append("HttpOnly")
    if cookie.secure:
        parts.append("Secure")
    if cookie.same_site:
        parts.append(f"SameSite={cookie.same_site}")
    return "; ".join(parts)
