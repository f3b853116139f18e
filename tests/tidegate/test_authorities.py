from pathlib import Path

import pytest

from tidegate.addresses import OFF
from tidegate.chosen import authorities_of
from tidegate.setting_kinds import Directories
from tidegate.settings import Settings, possible_challenges

BUNDLE, PRIVATE = Path("/etc/ca.pem"), "https://ca.lan/directory"


@pytest.mark.parametrize(
    ("choice", "bundles"),
    [
        (PRIVATE, [BUNDLE]),
        ("letsencrypt", [BUNDLE]),  # behind something that reads along
        (f"letsencrypt,{PRIVATE}", [None, BUNDLE]),
        (f"{PRIVATE},letsencrypt", [BUNDLE, None]),
    ],
)
def test_a_bundle_is_for_the_private_authority_and_not_for_the_public_one_beside_it(choice, bundles):
    made = authorities_of(Settings(acme_ca=Directories.parse(choice), acme_ca_bundle=BUNDLE))
    assert [each.bundle for each in made.all] == bundles


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({}, ("http-01", "tls-alpn-01")),
        ({"dns": "cloudflare"}, ("dns-01", "http-01", "tls-alpn-01")),
        ({"acme_challenges": ("dns-01", "http-01")}, ("http-01",)),
        ({"web": "off"}, ("tls-alpn-01",)),
        ({"websecure": "off"}, ("http-01",)),
        ({"acme_challenges": ("tls-alpn-01", "http-01")}, ("tls-alpn-01", "http-01")),
        ({"acme_challenges": ("tls-alpn-01", "http-01"), "websecure": "off"}, ("http-01",)),
    ],
)
def test_what_may_be_tried_is_what_there_is_an_entrypoint_for(values, kinds):
    given = {name: OFF if value == "off" else value for name, value in values.items()}
    assert possible_challenges(Settings(**given)) == kinds
