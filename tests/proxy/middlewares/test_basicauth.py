from __future__ import annotations

import base64
from pathlib import Path

import pytest

from proxy.exchange import Request, Response
from proxy.middlewares.basicauth import REMEMBERED, BasicAuth
from proxy.surroundings import Unusable
from proxy.users import REREAD
from tests.proxy.heads import head
from tests.proxy.middlewares.run import declared, mistakes
from tests.proxy.middlewares.world import Backend, World, wrapped

TEST = "test:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"
ANNA = "anna:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="


def asked(user: str = "", password: str = "", *fields: tuple[str, str]) -> Request:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Request(head("/", "a.test", *((("Authorization", f"Basic {token}"),) if user else ()), *fields))


class Site:
    """A middleware that has begun, before an app."""

    def __init__(self, **tree: str) -> None:
        self.world, self.app = World(), Backend()
        self.handler = wrapped(declared(BasicAuth, tree).begin(self.world), self.app)

    async def ask(self, *who: str) -> Response:
        return await self.handler(asked(*who))


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (("test", "test"), 200),
        (("anna", "test"), 200),
        (("anna", "wrong"), 401),
        (("nobody", "test"), 401),
        ((), 401),
    ],
)
async def test_only_a_right_password_leads_to_the_app(who: tuple[str, ...], status: int) -> None:
    site = Site(users=f"{TEST}, {ANNA}")
    assert (await site.ask(*who)).status == status
    assert len(site.app.requests) == (status == 200)


@pytest.mark.parametrize(
    "value", ["Basic", "Basic !!!", "Basic dGVzdA==", "Bearer dGVzdDp0ZXN0", "Basic /zp0ZXN0"]
)
async def test_what_are_no_credentials_is_answered_like_none(value: str) -> None:
    site = Site(users=TEST)
    assert (await site.handler(Request(head("/", "a.test", ("Authorization", value))))).status == 401


async def test_browsers_are_asked_for_a_password_with_the_realm() -> None:
    assert (await Site(users=TEST).ask()).get("WWW-Authenticate") == 'Basic realm="Tidegate"'
    shown = (await Site(users=TEST, realm='My "home"\n').ask()).get("WWW-Authenticate")
    assert shown == 'Basic realm="My \\"home\\""'


async def test_the_app_gets_the_name_and_not_what_the_client_says_it_is() -> None:
    site = Site(users=TEST, headerField="X-User", removeHeader="true")
    await site.handler(asked("test", "test", ("x-user", "admin"), ("X_User", "admin")))
    fields = site.app.request.head.fields
    assert [line for line in fields if "user" in line[0].lower()] == [("X-User", "test")]
    assert site.app.request.head.get("Authorization") == ""


async def test_a_right_password_is_remembered_for_a_while_and_a_wrong_one_never() -> None:
    site = Site(users=TEST)
    for _ in range(3):
        assert (await site.ask("test", "test")).status == 200
    assert site.world.works == 1
    site.world.time += REMEMBERED + 1
    await site.ask("test", "test")
    await site.ask("test", "wrong")
    await site.ask("test", "wrong")
    await site.ask("nobody", "test")
    assert site.world.works == 5


async def test_a_file_of_users_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(f"# people\n\n{TEST}\n")
    site = Site(usersFile=str(file), users=ANNA)
    assert (await site.ask("test", "test")).status == 200
    file.write_text(f"{TEST.replace('test', 'tom')}\nanna:$apr1$x$tMwYqBfQwi3FYAr0aJc8M/")
    site.world.time += REREAD
    assert (await site.ask("test", "test")).status == 401
    assert (await site.ask("tom", "test")).status == 200
    assert (await site.ask("anna", "test")).status == 200  # the options win


@pytest.mark.parametrize("content", [None, "anna", "anna:plain text", b"\xff"])
async def test_without_its_file_nobody_gets_in(tmp_path: Path, content: str | bytes | None) -> None:
    file = tmp_path / "users"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(Unusable, match="the users file"):
        await Site(usersFile=str(file)).ask("anna", "plain text")


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"users": "s3cret"},
        {"users": "anna:s3cret"},
        {"users": f"{TEST}:s3cret"},
        {"users": TEST, "headerField": "a b"},
    ],
)
def test_a_mistake_is_said_without_the_secret(tree: dict[str, str]) -> None:
    [said] = mistakes(BasicAuth, tree)
    assert "s3cret" not in said


def test_no_repr_shows_a_hash() -> None:
    middleware = declared(BasicAuth, {"users": TEST})
    assert "apr1" not in repr(middleware)
    assert "apr1" not in repr(middleware.begin(World()))
