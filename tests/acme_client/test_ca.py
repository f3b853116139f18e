import json

import pytest

from acme_client.authority import Authority
from acme_client.ca import CA
from acme_client.failure import Failure
from acme_client.internal_ca import InternalCA
from tests.acme_client.fake_ca import NOON, Clock
from tests.acme_client.test_wire import endpoint

KEY = InternalCA(None).leaf(["account.test"], NOON).key_pem


def session(url, **settings):
    return CA(Authority(url, **settings), KEY, "", Clock())


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [(b"<html>", "authority", "JSON"), (b"[]", "authority", "JSON"), (b"{}", "configuration", "newAccount")],
)
def test_what_is_no_acme_directory_is_told_as_such(body, kind, word):
    with endpoint(body=body) as url, pytest.raises(Failure, match=word) as caught:
        session(url).register()
    assert (caught.value.kind, caught.value.wide) == (kind, True)


def test_an_hmac_key_that_is_none_is_a_mistake_in_the_settings():
    directory = json.dumps({"newAccount": "https://ca.example/new"}).encode()
    with endpoint(body=directory) as url, pytest.raises(Failure, match="HMAC") as caught:
        session(url, eab_kid="kid", eab_hmac="ünusable").register()
    assert caught.value.kind == "configuration"


@pytest.mark.parametrize(
    "token", ["", "short", "a" * 300, "../../../etc/passwd-and-more", "line\nbreak-line-break"]
)
def test_a_token_that_could_be_anything_is_not_shown_to_the_world(token):
    with endpoint() as url, pytest.raises(Failure, match="token"):
        session(url).key_authorization(token)


def test_a_key_authorization_is_the_token_and_the_accounts_thumbprint():
    with endpoint() as url:
        token, thumbprint = session(url).key_authorization("t" * 22).split(".")
    assert (token, len(thumbprint)) == ("t" * 22, 43)


def test_a_directory_without_suggestions_gives_none():
    with endpoint() as url:
        assert session(url).renewal_info("id") is None
