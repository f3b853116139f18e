from datetime import timedelta

import pytest

from acme_client.certificate import BrokenCertificate
from acme_client.reading import read
from tests.acme_client.fake_ca import DIRECTORY, NOON, certificate


def test_a_certificate_is_read_with_all_that_serving_and_renewing_need():
    made = certificate("blog.example.com", life=timedelta(days=90))
    held = read(made.chain_pem, made.key_pem, DIRECTORY)
    assert (held.names, held.issuer, held.directory) == (("blog.example.com",), "Fake CA", DIRECTORY)
    assert (held.not_before, held.not_after) == (NOON, NOON + timedelta(days=90))


def test_the_key_is_never_printed():
    assert "PRIVATE" not in repr(certificate())


HELD, OTHER = certificate(), certificate()


@pytest.mark.parametrize(
    ("chain_pem", "key_pem", "reason"),
    [
        (HELD.chain_pem, OTHER.key_pem, "does not belong"),
        (b"", HELD.key_pem, "not a certificate"),
        (HELD.chain_pem[:200], HELD.key_pem, "not a certificate"),
        (HELD.chain_pem, b"", "not a certificate"),
        (HELD.chain_pem, HELD.key_pem[:100], "not a certificate"),
        (HELD.key_pem, HELD.chain_pem, "not a certificate"),
        (b"\0" * 900, b"\0" * 200, "not a certificate"),
    ],
    ids=range(7),  # the keys are made anew each time
)
def test_what_cannot_be_served_is_not_a_certificate(chain_pem, key_pem, reason):
    with pytest.raises(BrokenCertificate, match=reason):
        read(chain_pem, key_pem, DIRECTORY)
