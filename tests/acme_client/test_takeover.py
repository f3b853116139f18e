"""Certificates of other programs, in the shapes in which these leave them."""

import json
from base64 import b64encode
from datetime import timedelta

import pytest

from acme_client.authority import KNOWN
from acme_client.foreign import certificates
from acme_client.store import Store
from acme_client.takeover import UNKNOWN, LeftOut, Taken, directory_of, take_over
from tests.acme_client.fake_ca import DIRECTORY, NOON, certificate

LETS_ENCRYPT = KNOWN["letsencrypt"]
ACCOUNT = "https://acme-v02.api.letsencrypt.org/acme/acct/123"
BLOG, SHOP = "blog.example.com", "shop.example.com"


def entry(pair, main):
    chain, key = (b64encode(part).decode() for part in (pair.chain_pem, pair.key_pem))
    return {"domain": {"main": main, "sans": []}, "certificate": chain, "key": key, "Store": "default"}


def traefik(tmp_path, *entries, account=ACCOUNT):
    resolver = {
        "Account": {"Email": "me@example.com", "Registration": {"uri": account}, "PrivateKey": "c2VjcmV0"},
        "Certificates": list(entries) or None,
    }
    path = tmp_path / "acme.json"
    path.write_text(json.dumps({"le": resolver, "empty": {"Account": None, "Certificates": None}}))
    return path


def taken(path, tmp_path, directories=(LETS_ENCRYPT,)):
    return list(take_over(certificates(path), Store(tmp_path / "data"), directories, NOON))


def held(tmp_path, host):
    return Store(tmp_path / "data").load(host).certificate


def test_traefiks_file_of_several_resolvers_is_taken_over(tmp_path):
    pair, wildcard = certificate(BLOG), certificate("*.example.com")
    path = traefik(tmp_path, entry(pair, BLOG), entry(wildcard, "*.example.com"))
    assert [(type(each), each.place, each.hosts, each.ours) for each in taken(path, tmp_path)] == [
        (Taken, f"{BLOG} (resolver le)", (BLOG,), True),
        (Taken, "*.example.com (resolver le)", ("*.example.com",), True),
    ]
    assert held(tmp_path, BLOG).chain_pem == pair.chain_pem
    assert held(tmp_path, BLOG).directory == LETS_ENCRYPT
    assert held(tmp_path, "*.example.com").key_pem == wildcard.key_pem


def test_traefiks_file_of_old_has_no_resolvers(tmp_path):
    old = entry(certificate(BLOG), BLOG)
    old = {"Domain": {"Main": BLOG, "SANs": None}, "Certificate": old["certificate"], "Key": old["key"]}
    path = tmp_path / "acme.json"
    path.write_text(json.dumps({"Account": {"Registration": {"uri": ACCOUNT}}, "Certificates": [old]}))
    [one] = taken(path, tmp_path)
    assert (one.hosts, one.ours) == ((BLOG,), True)


@pytest.mark.parametrize("links", [True, False])
def test_certbots_directory_is_taken_over_also_where_the_copy_lost_its_links(tmp_path, links):
    home = tmp_path / "letsencrypt"
    old, new = certificate(BLOG, not_before=NOON - timedelta(days=60)), certificate(BLOG)
    archive, live = home / "archive" / BLOG, home / "live" / BLOG
    archive.mkdir(parents=True)
    live.mkdir(parents=True)
    (home / "live" / "README").write_text("...")
    for number, pair in ((9, old), (10, new)):
        (archive / f"fullchain{number}.pem").write_bytes(pair.chain_pem)
        (archive / f"privkey{number}.pem").write_bytes(pair.key_pem)
    if links:
        for name in ("fullchain", "privkey"):
            (live / f"{name}.pem").symlink_to(f"../../archive/{BLOG}/{name}10.pem")
    (home / "renewal").mkdir()
    (home / "renewal" / f"{BLOG}.conf").write_text(f"version = 2\n[renewalparams]\nserver = {LETS_ENCRYPT}\n")
    [one] = taken(home, tmp_path)
    assert (one.hosts, one.ours) == ((BLOG,), True)
    assert held(tmp_path, BLOG).serial == new.serial


def test_caddys_directory_is_taken_over_without_what_its_own_authority_signed(tmp_path):
    home = tmp_path / "data-of-caddy" / "caddy"
    for folder, host in (("acme-v02.api.letsencrypt.org-directory", BLOG), ("local", "nas.lan")):
        place, pair = home / "certificates" / folder / host, certificate(host)
        place.mkdir(parents=True)
        (place / f"{host}.crt").write_bytes(pair.chain_pem)
        (place / f"{host}.key").write_bytes(pair.key_pem)
        said = {"sans": [host], "issuer_data": {"ca": LETS_ENCRYPT, "url": "https://x.example/cert/1"}}
        (place / f"{host}.json").write_text(json.dumps(said))
    blog, nas = taken(home.parent, tmp_path)
    assert (blog.hosts, blog.ours) == ((BLOG,), True)
    assert isinstance(nas, LeftOut)
    assert "own authority" in nas.reason
    assert held(tmp_path, "nas.lan") is None


def test_what_is_of_no_use_is_left_out_with_the_reason(tmp_path):
    expired = certificate(BLOG, not_before=NOON - timedelta(days=91))
    crossed = entry(certificate(SHOP), SHOP) | {"key": entry(certificate(BLOG), BLOG)["key"]}
    damaged = entry(certificate("c.example.com"), "c.example.com") | {"certificate": "!"}
    path = traefik(tmp_path, entry(expired, BLOG), crossed, damaged)
    outcomes = taken(path, tmp_path)
    assert [each.reason for each in outcomes] == [
        f"it ran out on {expired.not_after:%Y-%m-%d}",
        "the key does not belong to the certificate",
        "its entry is damaged",
    ]
    assert not (tmp_path / "data" / "certs").exists()


def test_staging_is_left_out(tmp_path):
    staging = "https://acme-staging-v02.api.letsencrypt.org/acme/acct/1"
    [one] = taken(traefik(tmp_path, entry(certificate(BLOG), BLOG), account=staging), tmp_path)
    assert "staging" in one.reason


def test_what_lasts_longer_here_stays(tmp_path):
    Store(tmp_path / "data").save(BLOG, certificate(BLOG))
    older = certificate(BLOG, not_before=NOON - timedelta(days=30))
    [one] = taken(traefik(tmp_path, entry(older, BLOG)), tmp_path)
    assert isinstance(one, LeftOut)
    assert held(tmp_path, BLOG).serial != older.serial


def test_a_host_that_is_being_ordered_for_is_left_alone(tmp_path):
    with Store(tmp_path / "data").lock(BLOG):
        [one] = taken(traefik(tmp_path, entry(certificate(BLOG), BLOG)), tmp_path)
    assert isinstance(one, LeftOut)


@pytest.mark.parametrize(
    ("source", "directory"),
    [
        (ACCOUNT, LETS_ENCRYPT),
        ("https://ca.example/acct/7", DIRECTORY),
        ("https://gone.example/acct/7", "https://gone.example/acct/7"),
        ("", UNKNOWN),
    ],
)
def test_whose_it_is(source, directory):
    assert directory_of(source, (DIRECTORY,)) == directory


@pytest.mark.parametrize("text", ["[]", "{}", "nonsense", '{"le": {"Certificates": "x"}}'])
def test_another_file_is_refused(tmp_path, text):
    path = tmp_path / "acme.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"acme\.json"):
        taken(path, tmp_path)


def test_another_directory_is_refused(tmp_path):
    with pytest.raises(ValueError, match="Caddy's data directory"):
        taken(tmp_path, tmp_path)
