from __future__ import annotations

from ipaddress import ip_address

import pytest

from proxy.balancing import SameSite, StickyCookie
from proxy.exchange import Fields, RequestHead
from proxy.sticky import Places, cookie_name, cookie_value, set_cookie

MEMBERS = ["http://10.0.0.1:80", "http://10.0.0.2:80"]
FIRST, SECOND = map(cookie_value, MEMBERS)


def head(fields: Fields) -> RequestHead:
    return RequestHead("GET", "/", fields, "a.test", ip_address("192.0.2.1"))


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ((), None),
        ((("Cookie", f"side={SECOND}"),), 1),
        ((("cookie", f"a=b; side={FIRST}; side={SECOND}"),), 0),
        ((("Cookie", "a=b"), ("Cookie", f'side="{SECOND}"')), 1),
        ((("Cookie", f"side=gone; side={SECOND}"),), 1),
        ((("Cookie", f"outside={SECOND}"),), None),
        ((("Cookie", "side"),), None),
        ((("X-Cookie", f"side={SECOND}"),), None),
    ],
)
def test_a_cookie_leads_to_its_server(fields: Fields, place: int | None) -> None:
    assert Places(StickyCookie(name="side"), "s", MEMBERS).asked_for(head(fields))[0] == place


@pytest.mark.parametrize(
    ("cookie", "line"),
    [
        (StickyCookie(), "n=v; Path=/"),
        (StickyCookie(max_age=-1), "n=v; Path=/; Max-Age=0"),
        (
            StickyCookie(secure=True, http_only=True, same_site=SameSite("None"), max_age=9, path="/a"),
            "n=v; Path=/a; Max-Age=9; HttpOnly; Secure; SameSite=None",
        ),
    ],
)
def test_a_cookie_is_set_as_it_is_declared(cookie: StickyCookie, line: str) -> None:
    assert set_cookie(cookie, "n", "v") == line


def test_nothing_can_be_slipped_into_the_field() -> None:
    assert cookie_name(StickyCookie(name="a\r\nX: y;ü"), "s") == "a__X__y__"
    with pytest.raises(ValueError, match="semicolon"):
        StickyCookie(domain="a.test; Secure")
    with pytest.raises(ValueError, match="semicolon"):
        StickyCookie(path="/\r\n")
