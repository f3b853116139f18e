import pytest

from acme_client.challenges.http01 import HTTP01

PATH = "/.well-known/acme-challenge/"


def test_an_answer_is_given_only_while_its_challenge_is_open():
    http01 = HTTP01()
    with http01.show("token", "token.thumb"):
        assert http01.answer(PATH + "token") == b"token.thumb"
    assert http01.answer(PATH + "token") is None


def test_an_answer_goes_when_the_order_fails():
    http01 = HTTP01()
    with pytest.raises(RuntimeError), http01.show("token", "token.thumb"):
        raise RuntimeError
    assert http01.answer(PATH + "token") is None


@pytest.mark.parametrize(
    "path",
    ["", "/", "/token", PATH, PATH + "toke", PATH + "token/", PATH + "../token", PATH.upper() + "token"],
)
def test_any_other_path_belongs_to_the_app(path):
    http01 = HTTP01()
    with http01.show("token", "token.thumb"):
        assert http01.answer(path) is None
