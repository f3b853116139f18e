"""The catalog: what is said of each provider holds, and docs/dns.md says it."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from acme_client.dns.catalog import OFFERS, Offer, known, variable_prefixes
from acme_client.dns.choosing import choose_provider
from acme_client.dns.variables import MissingVariable, Variables

VALUES = {"RFC2136_NAMESERVER": "192.0.2.1"}
PAGE = Path(__file__).parents[3] / "docs" / "dns.md"


def complete(offer: Offer) -> dict[str, str]:
    return {spellings[0]: VALUES.get(spellings[0], "https://example.com") for spellings in offer.needs}


def row(name: str, offer: Offer) -> str:
    needs = [f"`{'` or `'.join(spellings)}`" for spellings in offer.needs]
    may = [f"(`{each}`)" for each in offer.may]
    return f"| `{name}` | {', '.join(needs + may)} | {offer.token} |"


@pytest.mark.parametrize("name", OFFERS)
def test_the_page_has_a_row_for_it(name):
    assert row(name, OFFERS[name]) in PAGE.read_text().splitlines()


@pytest.mark.parametrize("name", OFFERS)
def test_its_class_is_there_and_reads_no_variable_that_is_not_listed(name, tmp_path):
    offer = OFFERS[name]
    module, _, what = offer.place.partition(":")
    variables = Variables(complete(offer), tmp_path)
    provider = getattr(importlib.import_module(f"acme_client.dns.{module}"), what).read(variables)
    assert (provider.name, provider.holds_one) == (name, offer.holds_one)
    asked = {each for spellings in offer.needs for each in spellings} | set(offer.may)
    assert variables._read.keys() <= asked


@pytest.mark.parametrize("name", OFFERS)
def test_a_variable_that_is_missing_is_named_before_anything_is_loaded(name, tmp_path):
    for spellings in OFFERS[name].needs:
        others = complete(OFFERS[name])
        del others[spellings[0]]
        with pytest.raises(MissingVariable, match=rf"Set the variable {spellings[0]}\b"):
            choose_provider(name, others, tmp_path)


def test_half_a_key_is_told_at_the_start(tmp_path):
    environ = complete(OFFERS["rfc2136"]) | {"RFC2136_TSIG_KEY": "tidegate."}
    with pytest.raises(MissingVariable, match="RFC2136_TSIG_SECRET"):
        choose_provider("rfc2136", environ, tmp_path)


def test_other_spellings_and_files_count(tmp_path):
    (tmp_path / "token").write_text("abc\n")
    for environ in (
        {"HCLOUD_TOKEN": "abc"},
        {"HETZNER_API_TOKEN_FILE": str(tmp_path / "token")},
    ):
        assert Variables(environ).need("HETZNER_API_TOKEN", "HCLOUD_TOKEN") == "abc"
    with pytest.raises(
        MissingVariable, match=r"/nowhere of the variable X_FILE cannot be read: No such file"
    ):
        Variables({"X_FILE": "/nowhere"}).need("X")


def test_the_fingerprint_follows_the_credentials_and_tells_none(tmp_path):
    one, two = (choose_provider("desec", {"DESEC_TOKEN": token}, tmp_path) for token in ("abc", "abd"))
    assert one.fingerprint != two.fingerprint
    assert "abc" not in one.fingerprint


def test_lexicon_is_known_by_its_variables(tmp_path):
    assert known("lexicon:gandi")
    assert not known("lexicon:")
    with pytest.raises(MissingVariable, match="begin with LEXICON_GANDI_"):
        choose_provider("lexicon:gandi", {}, tmp_path)


def test_no_credential_goes_to_a_worker(monkeypatch):
    from tidegate.workers.process import environment

    for offer in OFFERS.values():
        for name in complete(offer):
            monkeypatch.setenv(name, "secret")
            monkeypatch.setenv(f"{name}_FILE", "secret")
    monkeypatch.setenv("LEXICON_GANDI_AUTH_TOKEN", "secret")
    assert "secret" not in environment().values()
    assert "CF_DNS_API_TOKEN" in variable_prefixes()


def test_neither_dnspython_nor_requests_is_loaded_for_a_provider_that_has_nothing_to_do():
    program = (
        "import sys; from pathlib import Path\n"
        "from acme_client.dns.choosing import choose_provider\n"
        "from acme_client.challenges.dns01 import DNS01\n"
        "from acme_client.dns.journal import Journal\n"
        "provider = choose_provider('rfc2136', {'RFC2136_NAMESERVER': '127.0.0.1'}, Path())\n"
        "DNS01(provider, Journal(Path()), print)\n"
        "print([name for name in ('dns', 'requests', 'cryptography') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
