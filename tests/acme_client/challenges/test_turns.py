import pytest

from acme_client.challenges.http01 import HTTP01
from acme_client.challenges.tlsalpn01 import TLSALPN01
from acme_client.challenges.turns import begin_with, in_order, next_kind

BOTH = (HTTP01(), TLSALPN01())


def kinds(provers):
    return [prover.type for prover in provers]


@pytest.mark.parametrize(
    ("wished", "tried"),
    [
        (("http-01", "tls-alpn-01"), ["http-01", "tls-alpn-01"]),
        (("tls-alpn-01", "http-01"), ["tls-alpn-01", "http-01"]),
        (("tls-alpn-01",), ["tls-alpn-01"]),
        (("dns-01", "http-01"), ["http-01"]),
        ((), []),
    ],
)
def test_what_is_wished_for_is_tried_in_that_order(wished, tried):
    assert kinds(in_order(BOTH, wished)) == tried


def test_an_attempt_may_begin_with_another_one():
    assert kinds(begin_with(BOTH, "tls-alpn-01")) == ["tls-alpn-01", "http-01"]
    assert kinds(begin_with(BOTH, "")) == ["http-01", "tls-alpn-01"]
    assert kinds(begin_with(BOTH, "dns-01")) == ["http-01", "tls-alpn-01"]


def test_after_a_failure_comes_the_next_one_round_about():
    assert next_kind(BOTH, "http-01", "blog.test") == "tls-alpn-01"
    assert next_kind(BOTH, "tls-alpn-01", "blog.test") == "http-01"


def test_where_there_is_no_other_one_nothing_changes():
    assert next_kind(BOTH[:1], "http-01", "blog.test") == ""
    assert next_kind(BOTH, "", "blog.test") == ""
    assert next_kind(BOTH, "http-01", "*.blog.test") == ""
