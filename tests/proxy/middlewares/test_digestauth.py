from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from proxy.exchange import Request, Response
from proxy.middlewares.digestauth import DigestAuth
from proxy.nonce import LIFETIME, MOST_USED, Nonces
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, mistakes
from tests.proxy.middlewares.world import Backend, World, wrapped

TEST = "test:traefik:a2688e031edb4be6a3797f3882655c05"


def md5(text: str) -> str:
    return hashlib.md5(text.encode("latin-1")).hexdigest()


def proof(nonce: str, user: str = "test", password: str = "test", count: int = 1, **changes: str) -> str:
    """The Authorization field of a client that knows the password."""
    said = {"realm": "traefik", "uri": "/x?y=1", "nc": f"{count:08x}", "qop": "auth", "cnonce": "c"} | changes
    known = md5(f"{user}:{said['realm']}:{password}")
    asked = md5(f"GET:{said['uri']}")
    said["response"] = md5(f"{known}:{nonce}:{said['nc']}:{said['cnonce']}:{said['qop']}:{asked}")
    said |= {"username": user, "nonce": nonce}
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in said.items())


class Site:
    def __init__(self, **tree: Any) -> None:
        self.world, self.app = World(), Backend()
        self.handler = wrapped(declared(DigestAuth, {"users": TEST} | tree).begin(self.world), self.app)

    async def ask(self, authorization: str = "", *more: tuple[str, str]) -> Response:
        fields = (("Authorization", authorization), *more) if authorization else more
        return await self.handler(Request(head("/x?y=1", "a.test", *fields)))

    async def nonce(self) -> str:
        found = re.search('nonce="([^"]+)"', (await self.ask()).get("WWW-Authenticate"))
        assert found
        return found[1]


async def test_who_knows_the_password_gets_in() -> None:
    site = Site(headerField="X-User", removeHeader="true")
    answer = await site.ask(proof(await site.nonce()), ("X_User", "admin"))
    assert answer.status == 200
    assert site.app.request.head.fields == (("X-User", "test"),)


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "nobody"},
        {"password": "wrong"},
        {"realm": "other"},
        {"uri": "/other"},
        {"qop": "auth-int"},
        {"nc": "x"},
    ],
)
async def test_everybody_else_is_asked(changes: dict[str, str]) -> None:
    site = Site()
    answer = await site.ask(proof(await site.nonce(), **changes))
    assert answer.status == 401
    assert 'Digest realm="traefik", nonce="' in answer.get("WWW-Authenticate")
    assert "stale" not in answer.get("WWW-Authenticate")


@pytest.mark.parametrize("text", ["Digest", "Digest a", 'Digest a="b', 'Digest a="b", a="c"', "Basic x"])
async def test_what_is_no_proof_is_answered_like_none(text: str) -> None:
    assert (await Site().ask(text)).status == 401


@pytest.mark.parametrize("options", [{}, {"realm": "home"}])
async def test_without_a_realm_that_of_the_users_is_asked_for(options: dict[str, str]) -> None:
    site = Site(users=f"anna:home:{md5('anna:home:sea')}", **options)
    assert 'Digest realm="home", ' in (await site.ask()).get("WWW-Authenticate")
    right = proof(await site.nonce(), user="anna", password="sea", realm="home")
    assert (await site.ask(right)).status == 200


async def test_a_realm_that_is_said_counts_though_no_user_is_of_it() -> None:
    site = Site(realm="office")
    assert (await site.ask(proof(await site.nonce()))).status == 401


async def test_an_overheard_proof_is_worth_nothing() -> None:
    site = Site()
    heard = proof(await site.nonce())
    assert (await site.ask(heard)).status == 200
    again = await site.ask(heard)
    assert (again.status, again.get("WWW-Authenticate").endswith("stale=true")) == (401, True)


@pytest.mark.parametrize("nonce", ["", "x", "1.2.3", "ü"])
async def test_a_nonce_that_is_not_ours_is_replaced_by_one_that_is(nonce: str) -> None:
    assert (await Site().ask(proof(nonce))).get("WWW-Authenticate").endswith("stale=true")


async def test_an_old_nonce_is_replaced() -> None:
    site = Site()
    nonce = await site.nonce()
    site.world.time += LIFETIME + 1
    assert (await site.ask(proof(nonce))).get("WWW-Authenticate").endswith("stale=true")


def test_counts_may_overtake_each_other_but_not_come_twice() -> None:
    nonces = Nonces()
    assert [nonces.use("n", count) for count in (1, 3, 2, 2, 3, 300, 299, 1, 299)] == [
        True, True, True, False, False, True, True, False, False,
    ]  # fmt: skip


def test_memory_is_bounded() -> None:
    nonces = Nonces()
    for number in range(MOST_USED + 10):
        nonces.use(str(number), 1)
    assert len(nonces._used) == MOST_USED


@pytest.mark.parametrize(
    "users", ["", "s3cret", "test:traefik:s3cret", "test:a2688e031edb4be6a3797f3882655c05"]
)
def test_a_mistake_is_said_without_the_secret(users: str) -> None:
    [said] = mistakes(DigestAuth, {"users": users})
    assert "s3cret" not in said
    assert "a2688" not in said


def test_no_repr_shows_a_hash() -> None:
    middleware = declared(DigestAuth, {"users": TEST})
    assert "a2688" not in repr(middleware) + repr(middleware.begin(World()))
