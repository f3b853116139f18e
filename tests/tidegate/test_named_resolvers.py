"""Resolvers that the settings define: as flags, as a file, and what is wrong with them."""

import pytest

from acme_client.authority import KNOWN, STAGING
from proxy.certifying import Resolvers
from tidegate.named_resolvers import names_of, resolvers_of, settings_of
from tidegate.sources import SettingsError, load

PRIVATE = "https://ca.example.lan/acme/directory"
FILE = f"""\
acme-email: me@example.com
acme-profile: tlsserver
resolver:
  company:
    acme-ca: {PRIVATE}
    acme_challenges: [tls-alpn-01, http-01]
  Short:
    acme-profile: shortlived
"""


def from_file(tmp_path, text=FILE, **environ):
    file = tmp_path / "tidegate.yaml"
    file.write_text(text)
    return load({}, environ, str(file))


def from_flags(*lines):
    return load({"resolver": list(lines)}, {})


def wrong(lines, environ=None):
    with pytest.raises(SettingsError) as error:
        load({"resolver": lines}, environ or {})
    return [str(problem) for problem in error.value.problems]


def test_a_file_has_them_by_name_and_flags_by_line(tmp_path):
    settings = from_file(tmp_path)
    flags = load(
        {
            "resolver": [
                f"company.acme-ca={PRIVATE}",
                "company.acme-challenges=tls-alpn-01,http-01",
                "short.acme-profile=shortlived",
            ],
            "acme_email": "me@example.com",
            "acme_profile": "tlsserver",
        },
        {},
    )
    assert settings == flags
    assert names_of(settings) == Resolvers(frozenset({"company", "short"}))


def test_what_one_does_not_say_is_the_installations_but_what_belongs_to_a_ca_goes_with_it(tmp_path):
    of_each, problems = settings_of(from_file(tmp_path))
    assert problems == []
    company, short = of_each["company"], of_each["short"]
    assert (company.acme_email, short.acme_email) == ("me@example.com", "me@example.com")
    assert company.acme_challenges == ("tls-alpn-01", "http-01") and short.acme_challenges == ()
    assert (company.acme_profile, short.acme_profile) == ("", "shortlived")


def test_a_bundle_for_the_private_authority_is_not_asked_of_a_public_one(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    text = f"acme-ca: {PRIVATE}\nacme-ca-bundle: {bundle}\nresolver: {{public: {{acme-ca: letsencrypt}}}}\n"
    [public] = settings_of(from_file(tmp_path, text))[0].values()
    assert public.acme_ca_bundle is None


def test_the_manager_gets_them_with_their_directories_told_apart(tmp_path):
    made = resolvers_of(from_file(tmp_path), None, print)
    assert [each.directory for each in made["company"].authorities.all] == [f"{PRIVATE}#company"]
    [short] = made["short"].authorities.all
    assert (short.url, short.directory) == (KNOWN["letsencrypt"], f"{KNOWN['letsencrypt']}#short")
    assert (short.profile, short.email) == ("shortlived", "me@example.com")
    assert short.rehearsal and short.rehearsal.url == STAGING
    assert made["company"].challenges == ("tls-alpn-01", "http-01")


def test_a_resolver_can_have_a_dns_provider_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CF_DNS_API_TOKEN", "secret")
    settings = from_file(
        tmp_path, f"data: {tmp_path}\nresolver: {{wild: {{dns: cloudflare}}}}\n", CF_DNS_API_TOKEN="secret"
    )
    wild = resolvers_of(settings, None, print)["wild"]
    assert wild.dns01 and wild.challenges[0] == "dns-01"
    assert wild.authorities.all[0].dns
    assert resolvers_of(load({}, {}), None, print) == {}


def test_who_has_the_installations_provider_shares_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CF_DNS_API_TOKEN", "secret")
    text = f"data: {tmp_path}\ndns: cloudflare\nresolver: {{short: {{acme-profile: shortlived}}}}\n"
    settings = from_file(tmp_path, text, CF_DNS_API_TOKEN="secret")
    usual = object()
    assert resolvers_of(settings, usual, print)["short"].dns01 is usual


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("company", "Expected NAME.SETTING=VALUE. Example: company.acme-ca=letsencrypt-staging"),
        ("company.acme-ca=", "Expected NAME.SETTING=VALUE. Example: company.acme-ca=letsencrypt-staging"),
        ("internal.acme-ca=letsencrypt", "'internal' is taken."),
        ("a b.acme-ca=letsencrypt", "'a b' can be no name: letters, digits, - and _."),
        ("company.acme-cas=letsencrypt", 'A resolver has no "acme-cas". Did you mean "acme-ca"?'),
        ("company.acme-eab-hmac=c2VjcmV0", "A key stands in a file of its own: NAME.acme-eab-hmac-file=PATH"),
        ("company.acme-ca=zerossl", "ZeroSSL wants an external account: set acme_eab_kid and acme_eab_hmac."),
        ("company.acme-email=nobody", "Expected an e-mail address, not 'nobody'."),
        ("company.acme-eab-hmac-file=/nowhere", "/nowhere cannot be read: No such file or directory."),
        ("company.acme-ca-bundle=/nowhere", "There is no such file."),
        ("company.dns=cloudflare", "CF_DNS_API_TOKEN"),
    ],
)
def test_what_is_wrong_with_one_stops_the_start_and_shows_no_key(line, said):
    text = "\n".join(wrong([line]))
    assert said in text
    assert text.startswith("--resolver") and "c2VjcmV0" not in text


def test_the_same_said_twice_is_a_mistake():
    [text] = wrong(["a.acme-profile=x", "A.acme-profile=y"])
    assert text == '--resolver\n  Resolver "a", acme-profile: This is given twice.'


def test_a_key_is_read_from_its_file(tmp_path):
    key = tmp_path / "hmac"
    key.write_text("c2VjcmV0\n")
    settings = from_flags(
        "z.acme-ca=zerossl", "z.acme-eab-kid=kid", f"z.acme-eab-hmac-file={key}", "s.acme-ca=letsencrypt"
    )
    of_each, problems = settings_of(settings)
    assert problems == []
    assert (of_each["z"].acme_eab_hmac, of_each["s"].acme_eab_hmac) == ("c2VjcmV0", None)
    [zerossl] = resolvers_of(settings, None, print)["z"].authorities.all
    assert (zerossl.eab_kid, zerossl.eab_hmac) == ("kid", "c2VjcmV0")
