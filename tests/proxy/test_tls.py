"""Handshakes in memory: which certificate a client is shown."""

import contextlib
import functools
import ssl

import pytest
import trustme

from proxy.securing import Securing
from proxy.tls import CIPHERS, SNI, KeyPair, load, unusable
from proxy.tls_options import USUAL, Authority, ClientAuth, TLSOptions

CA = trustme.CA()


@functools.cache
def pair(*names: str) -> KeyPair:
    issued = CA.issue_cert(*names)
    chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
    return KeyPair(chain, issued.private_key_pem.bytes())


def shake(sni: SNI, name: str | None, **wanted) -> ssl.SSLObject:
    """The client's end after a handshake with a listener that serves `sni`."""
    client_context = ssl.create_default_context()
    CA.configure_trust(client_context)
    client_context.check_hostname = False
    client_context.set_alpn_protocols(wanted.pop("alpn", ["h2", "http/1.1"]))
    for setting, value in wanted.items():
        setattr(client_context, setting, value)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = sni.server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        done = True
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError:
                if end is client:
                    raise  # the server's refusal is judged by what the client is told
                done = False
        if done:
            return client
    raise AssertionError("the handshake never ended")


def shown(sni: SNI, name: str | None) -> set[str]:
    certificate = shake(sni, name).getpeercert()
    return {value for _, value in certificate["subjectAltName"]}


@pytest.mark.parametrize(
    ("asked", "certificate"),
    [
        ("blog.test", "blog.test"),
        ("BLOG.test", "blog.test"),
        ("www.wild.test", "*.wild.test"),
        ("own.wild.test", "own.wild.test"),  # an exact name beats a wildcard
        ("a.b.wild.test", "fallback.test"),  # a wildcard stands for one label
        ("wild.test", "fallback.test"),
        ("other.test", "fallback.test"),
        (None, "fallback.test"),
    ],
)
def test_the_certificate_follows_the_name(asked, certificate):
    sni = SNI()
    names = ("blog.test", "*.wild.test", "own.wild.test")
    sni.publish({name: pair(name) for name in names}, default=pair("fallback.test"))
    assert shown(sni, asked) == {certificate}


def test_a_name_without_certificate_gets_an_alert_and_never_another_hosts():
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")})
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        shake(sni, "other.test")


def test_a_new_certificate_is_served_by_listeners_that_already_exist():
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")})
    context = sni.server_context
    sni.publish({"shop.test": pair("shop.test")}, default=pair("fallback.test"))
    assert context.sni_callback is not None
    assert shown(sni, "shop.test") == {"shop.test"}
    assert shown(sni, "blog.test") == {"fallback.test"}


def test_an_unchanged_pair_is_not_loaded_again():
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")})
    before = sni.find("blog.test").context
    sni.publish({"blog.test": pair("blog.test"), "shop.test": pair("shop.test")})
    assert sni.find("blog.test").context is before


@pytest.mark.parametrize(
    "broken",
    [
        KeyPair(b"", b""),
        KeyPair(b"junk", b"junk"),
        KeyPair(pair("blog.test").chain_pem, pair("shop.test").key_pem),
    ],
)
def test_an_unusable_pair_is_reported_and_its_predecessor_stays(broken):
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")}, default=pair("fallback.test"))
    refused = sni.publish({"blog.test": broken, "shop.test": pair("shop.test")}, default=broken)
    assert set(refused) == {"blog.test", "(default)"}
    assert all(refused.values())
    assert shown(sni, "blog.test") == {"blog.test"}
    assert shown(sni, "shop.test") == {"shop.test"}
    assert shown(sni, "other.test") == {"fallback.test"}


def test_http_1_1_is_agreed_on():
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")})
    assert shake(sni, "blog.test").selected_alpn_protocol() == "http/1.1"
    assert shake(sni, "blog.test", alpn=["h2"]).selected_alpn_protocol() is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_nothing_older_than_tls_1_2_is_spoken():
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")})
    with pytest.raises(ssl.SSLError):
        shake(
            sni,
            "blog.test",
            minimum_version=ssl.TLSVersion.TLSv1,
            maximum_version=ssl.TLSVersion.TLSv1_1,
        )


def test_no_cbc_suite_is_offered():
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")})
    suites = {suite["name"] for suite in sni.server_context.get_ciphers()}
    assert suites
    assert not [name for name in suites if "GCM" not in name and "CHACHA20" not in name]


def test_the_key_is_never_printed():
    assert "PRIVATE" not in repr(pair("blog.test"))


PROOF_PAIR = pair("proof.blog.test")


def proving() -> SNI:
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")}, default=pair("fallback.test"))
    sni.prove({"blog.test": PROOF_PAIR})
    return sni


def test_a_proof_is_shown_to_an_authority_and_the_usual_certificate_to_everybody_else_at_the_same_time():
    sni = proving()
    for alpn, name, seen, agreed in [
        (["acme-tls/1"], "blog.test", "proof.blog.test", "acme-tls/1"),
        (["acme-tls/1"], "BLOG.test", "proof.blog.test", "acme-tls/1"),
        (["h2", "http/1.1"], "blog.test", "blog.test", "http/1.1"),
        (["acme-tls/1", "http/1.1"], "blog.test", "blog.test", "http/1.1"),
        (["acme-tls/1"], "other.test", "fallback.test", None),
        (["acme-tls/1"], None, "fallback.test", None),
    ]:
        client = shake(sni, name, alpn=alpn)
        assert {value for _, value in client.getpeercert()["subjectAltName"]} == {seen}
        assert client.selected_alpn_protocol() == agreed


def test_a_proof_that_is_withdrawn_is_shown_no_more():
    sni = proving()
    sni.prove({})
    client = shake(sni, "blog.test", alpn=["acme-tls/1"])
    assert {value for _, value in client.getpeercert()["subjectAltName"]} == {"blog.test"}
    assert sni.server_context._msg_callback is None


ASKING = TLSOptions(client_auth=ClientAuth(ca_files=(Authority(CA.cert_pem.bytes().decode()),)))


def test_a_hello_that_only_openssl_can_read_opens_no_site_that_asks_for_more():
    """OpenSSL would take the other context's certificate, and nothing else of it."""
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test"), "home.test": pair("home.test")})
    sni.secure(Securing(by_host={"home.test": ASKING}))
    assert shown(sni, "blog.test") == {"blog.test"}
    with pytest.raises(ssl.SSLError, match=r"(?i)handshake.failure"):
        shake(sni, "home.test")


def test_the_default_options_hold_for_it_too():
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")})
    sni.secure(Securing(TLSOptions(max_version="VersionTLS12")))
    assert shake(sni, "blog.test").version() == "TLSv1.2"
    sni.secure(Securing())
    assert shake(sni, "blog.test").version() == "TLSv1.3"


def test_strict_names_are_refused_instead_of_shown_the_default_certificate():
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")}, default=pair("fallback.test"))
    sni.secure(Securing(TLSOptions(sni_strict=True)))
    assert shown(sni, "blog.test") == {"blog.test"}
    for name in ("other.test", None):
        with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
            shake(sni, name)


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"])
def test_the_suites_that_are_asked_for_are_the_only_ones(cipher):
    name = f"TLS_{cipher.replace('-', '_').replace('AES256', 'WITH_AES_256')}"
    context = load(pair("blog.test"), TLSOptions(cipher_suites=(name,)))
    offered = {each["name"] for each in context.get_ciphers() if each["protocol"] != "TLSv1.3"}
    assert offered == {cipher}


def test_contexts_of_hosts_are_kept_apart_and_forgotten_when_nobody_has_them():
    sni = SNI()
    sni.publish({"*.test": pair("*.test")})
    sni.secure(Securing(by_host={"home.test": ASKING}))
    home, blog = sni.find("home.test"), sni.find("blog.test")
    assert home.context is not blog.context
    assert (home.options, blog.options) == (ASKING, USUAL)
    sni.secure(Securing())
    assert sni.find("home.test").context is blog.context
    assert list(sni._made.values()) == [blog.context]


def test_options_that_openssl_cannot_use_let_nobody_in():
    broken = TLSOptions(client_auth=ClientAuth(ca_files=(Authority("-----BEGIN nothing"),)))
    sni = SNI()
    sni.publish({"home.test": pair("home.test")})
    for securing in (Securing(broken), Securing(by_host={"home.test": broken})):
        assert [problem.consequence for problem in unusable(securing)]
        sni.secure(securing)
        with pytest.raises((ssl.SSLError, ValueError)):
            sni.find("home.test")
        with pytest.raises(ssl.SSLError):
            shake(sni, "home.test")


def test_options_that_openssl_cannot_use_take_no_certificate_away():
    broken = TLSOptions(client_auth=ClientAuth(ca_files=(Authority("-----BEGIN nothing"),)))
    sni = SNI()
    sni.secure(Securing(broken, {"home.test": ASKING}))
    names = ("blog.test", "home.test")
    assert sni.publish({name: pair(name) for name in names}, default=pair("fallback.test")) == {}
    with pytest.raises((ssl.SSLError, ValueError)):
        sni.find("blog.test")
    assert sni.find("home.test").options == ASKING
    sni.secure(Securing())
    assert shown(sni, "blog.test") == {"blog.test"}
    assert shown(sni, None) == {"fallback.test"}


@pytest.mark.parametrize("asking", [ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED])
def test_python_takes_no_certificate_that_nobody_vouches_for(asking):
    """Why RequestClientCert and RequireAnyClientCert are refused: nothing in `ssl` leaves them unverified."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    CA.issue_cert("a.test").configure_cert(server)
    server.verify_mode = asking
    CA.configure_trust(server)
    CA.configure_trust(client)
    trustme.CA().issue_cert("stranger.test").configure_cert(client)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = server.wrap_bio(to_server, to_client, server_side=True)
    there = client.wrap_bio(to_client, to_server, server_hostname="a.test")
    with pytest.raises(ssl.SSLCertVerificationError):
        for _ in range(4):
            for side in (there, here):
                with contextlib.suppress(ssl.SSLWantReadError):
                    side.do_handshake()


def test_what_is_served_is_mozillas_intermediate_list():
    """TLS 1.3 with its three suites, TLS 1.2 with forward secrecy and AEAD alone, tickets, X25519 first."""
    sni = SNI()
    sni.publish({"blog.test": pair("blog.test")})
    context = sni.find("blog.test").context
    assert [each["name"] for each in context.get_ciphers() if each["protocol"] == "TLSv1.2"] == [*CIPHERS]
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert context.verify_mode == ssl.CERT_NONE
