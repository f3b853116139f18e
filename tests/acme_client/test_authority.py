import pytest

from acme_client.authority import KNOWN, choose_authority
from acme_client.names import read_name

OWN = "https://ca.lan:9000/acme/directory"


@pytest.mark.parametrize(
    ("choice", "host", "asked"),
    [
        ("letsencrypt", "blog.example.com", KNOWN["letsencrypt"]),
        ("LetsEncrypt-Staging", "blog.example.com", KNOWN["letsencrypt-staging"]),
        ("zerossl", "blog.example.com", KNOWN["zerossl"]),
        ("letsencrypt", "blog.test", "internal"),
        ("letsencrypt", "blog.localhost", "internal"),
        ("letsencrypt", "nas", "internal"),
        (OWN, "blog.test", OWN),
        (OWN, "blog.localhost", OWN),
        (OWN, "nas", OWN),
        (OWN, "blog.example.com", OWN),
        (OWN, "192.168.1.5", OWN),
        ("letsencrypt", "192.168.1.5", "internal"),
        ("letsencrypt", "9.9.9.9", KNOWN["letsencrypt"]),
        ("letsencrypt", "2620:fe::fe", KNOWN["letsencrypt"]),
        ("zerossl", "9.9.9.9", "internal"),
        (OWN, "*.example.com", "internal"),
        (OWN, "a_b.example.com", "internal"),
        (KNOWN["letsencrypt"], "blog.test", "internal"),
        ("off", "blog.example.com", "internal"),
    ],
)
def test_who_is_asked_for_a_name(choice, host, asked):
    assert choose_authority(choice).directory_for(read_name(host)) == asked


@pytest.mark.parametrize("choice", ["letsencypt", "http://ca.lan/directory", "ca.lan", "https://"])
def test_a_choice_that_is_none_is_refused_with_those_there_are(choice):
    with pytest.raises(ValueError, match=r"letsencrypt, letsencrypt-staging, zerossl, off or an https://"):
        choose_authority(choice)


def test_the_fingerprint_changes_with_every_setting_and_shows_no_secret(tmp_path):
    authorities = [
        choose_authority("zerossl"),
        choose_authority("letsencrypt"),
        choose_authority("zerossl", email="me@example.com"),
        choose_authority("zerossl", bundle=tmp_path),
        choose_authority("zerossl", eab_kid="kid"),
        choose_authority("zerossl", eab_kid="kid", eab_hmac="secret"),
    ]
    assert len({authority.fingerprint for authority in authorities}) == len(authorities)
    assert "secret" not in repr(authorities[-1]) + authorities[-1].fingerprint


@pytest.mark.parametrize(
    ("choice", "host", "refused"),
    [
        ("letsencrypt", "*.nas.lan", False),
        ("letsencrypt", "my_nas.lan", False),
        ("letsencrypt", "*.example.com", True),
        (OWN, "*.nas.lan", True),
        ("off", "*.example.com", False),
        ("off", "_x.example.com", False),
        ("off", "a..b", True),
        ("off", f"{'a' * 64}.lan", True),
    ],
)
def test_a_name_that_its_own_ca_signs_is_not_refused_for_what_others_ask(choice, host, refused):
    assert bool(choose_authority(choice).judge(read_name(host)).refusal) == refused
