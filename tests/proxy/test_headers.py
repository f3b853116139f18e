from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.exchange import Fields, RequestHead, get
from proxy.headers import BadRequest, TrustedProxies, from_server, received, to_server
from proxy.model import Server, Service
from tests.proxy.heads import head

LAN = TrustedProxies((ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
CLIENT, PROXY = "192.0.2.1", "10.0.0.1"


@dataclass(frozen=True)
class Scanned:
    target: str
    fields: Fields
    method: str = "GET"
    http10: bool = False


def receive(
    *fields: tuple[str, str],
    target: str = "/",
    host: str | None = "a.test",
    peer: str = CLIENT,
    tls: bool = False,
) -> RequestHead:
    lines = fields if host is None else (("Host", host), *fields)
    port = 8443 if tls else 8080
    return received(Scanned(target, lines), peer=ip_address(peer), tls=tls, local_port=port, trusted=LAN)


def test_the_visitor_is_described_anew() -> None:
    assert receive(host="A.test:8443", tls=True) == RequestHead(
        method="GET",
        target="/",
        fields=(
            ("Host", "a.test:8443"),
            ("X-Forwarded-For", CLIENT),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "a.test:8443"),
            ("X-Forwarded-Port", "8443"),
            ("X-Real-Ip", CLIENT),
            ("Forwarded", f'for={CLIENT};host="a.test:8443";proto=https'),
        ),
        host="a.test",
        client_ip=ip_address(CLIENT),
        scheme="https",
        port=8443,
    )


LIES = [
    ("X-Forwarded-For", "6.6.6.6"),
    ("X-FORWARDED-FOR", "6.6.6.6"),
    ("X_Forwarded_For", "6.6.6.6"),
    ("X-Forwarded_For", "6.6.6.6"),
    ("X.Forwarded.For", "6.6.6.6"),
    ("X-Forwarded", "for=6.6.6.6"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Prefix", "/6666"),
    ("X-Forwarded-User", "6666"),
    ("X-Forwarded-Tls-Client-Cert", "6666"),
    ("Forwarded", "for=6.6.6.6"),
    ("X-Real-IP", "6.6.6.6"),
    ("x_real_ip", "6.6.6.6"),
    ("True-Client-IP", "6.6.6.6"),
    ("CF-Connecting-IP", "6.6.6.6"),
    ("X-Original-URL", "/6666"),
    ("X-Rewrite-URL", "/6666"),
    ("Remote-User", "6666"),
    ("Remote_User", "6666"),
    ("X-WebAuth-User", "6666"),
    ("Proxy", "http://6.6.6.6"),
    ("Transfer_Encoding", "6666"),
]


@pytest.mark.parametrize("lie", LIES, ids=[name for name, _ in LIES])
@pytest.mark.parametrize("connection", ["", "X-Forwarded-For, X-Real-Ip, Forwarded, Host, X-Forwarded-Proto"])
def test_nobody_speaks_for_somebody_else(lie: tuple[str, str], connection: str) -> None:
    assert receive(lie, ("Connection", connection)) == receive()


@pytest.mark.parametrize(
    "name", ["X_Forwarded_For", "x_real_ip", "Remote_User", "X.Forwarded.Proto", "Proxy"]
)
def test_odd_spellings_are_dropped_even_from_trusted_proxies(name: str) -> None:
    assert receive((name, "6.6.6.6"), peer=PROXY) == receive(peer=PROXY)


def test_a_long_name_that_begins_like_a_special_one_is_dropped_too() -> None:
    assert receive(("X-Forwarded-" + "x" * 50, "1")) == receive()


def test_fields_that_mean_nothing_special_pass_as_they_came() -> None:
    given = (
        ("X_custom", "1"),
        ("Cookie", "a=b"),
        ("cookie", "c"),
        ("X-Name", "caf\xe9"),
        ("Content-Length", "5"),
    )
    assert receive(*given).fields[1:6] == given


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        ("10.0.0.3,10.0.0.2", "10.0.0.3"),
        ("203.0.113.9:1234", "203.0.113.9"),
        ("[2001:db8::1]:1234", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, unknown", PROXY),
        ("6.6.6.6, 10.0.0.999, 10.0.0.2", "10.0.0.2"),
        ("6.6.6.6, ,", PROXY),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_behind_a_trusted_proxy_the_last_address_that_is_not_trusted_is_the_client(
    chain: str, client: str
) -> None:
    arrived = receive(("X-Forwarded-For", chain), peer=PROXY)
    assert arrived.client_ip == ip_address(client)
    assert arrived.get("X-Real-Ip") == client
    assert arrived.get("X-Forwarded-For") == f"{chain}, {PROXY}"


def test_a_chain_in_several_lines_is_one_chain() -> None:
    arrived = receive(("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.9"), peer=PROXY)
    assert arrived.client_ip == ip_address("203.0.113.9")
    assert arrived.get("X-Forwarded-For") == f"6.6.6.6, 203.0.113.9, {PROXY}"


@pytest.mark.parametrize(
    ("fields", "scheme", "port"),
    [
        ((("X-Forwarded-Proto", "https"),), "https", 443),
        ((("X-Forwarded-Proto", "WSS"),), "https", 443),
        ((("X-Forwarded-Proto", "https, http"),), "http", 80),
        ((("X-Forwarded-Proto", "gopher"),), "http", 80),
        ((("X-Forwarded-Port", "444"), ("X-Forwarded-Proto", "https")), "https", 444),
        ((("X-Forwarded-Port", "70000"),), "http", 80),
        ((("X-Forwarded-Host", "b.test:81"),), "http", 81),
    ],
)
def test_a_trusted_proxy_says_how_the_visitor_came(fields: Fields, scheme: str, port: int) -> None:
    arrived = receive(*fields, peer=PROXY)
    assert (arrived.scheme, arrived.port) == (scheme, port)
    assert arrived.get("X-Forwarded-Proto") == scheme
    assert arrived.get("X-Forwarded-Port") == str(port)
    assert arrived.host == "a.test"  # who is asked is never hearsay


def test_a_trusted_proxy_cannot_put_nonsense_into_a_host() -> None:
    arrived = receive(("X-Forwarded-Host", 'a.test"><script>'), peer=PROXY)
    assert arrived.get("X-Forwarded-Host") == "a.test"


def test_ipv4_at_an_ipv6_socket_is_ipv4() -> None:
    assert receive(peer="::ffff:192.0.2.1").client_ip == ip_address("192.0.2.1")
    assert receive(("X-Forwarded-For", "9.9.9.9"), peer="::ffff:10.0.0.1").client_ip == ip_address("9.9.9.9")


@pytest.mark.parametrize(
    ("target", "field", "host", "passed"),
    [
        ("/", "A.TEST", "a.test", "a.test"),
        ("/", "a.test.", "a.test", "a.test"),
        ("/", "a.test:8080", "a.test", "a.test:8080"),
        ("/", "a.test:", "a.test", "a.test"),
        ("/", "[0:0::1]:80", "::1", "[::1]:80"),
        ("/", "192.0.2.7", "192.0.2.7", "192.0.2.7"),
        ("/", "my_app", "my_app", "my_app"),
        ("http://b.test:81/x", "a.test", "b.test", "b.test:81"),  # RFC 9112 3.2.2
        ("/", "", "", ""),
    ],
)
def test_the_host_that_is_asked(target: str, field: str, host: str, passed: str) -> None:
    arrived = receive(target=target, host=field)
    assert arrived.host == host
    assert arrived.get("Host") == passed


@pytest.mark.parametrize(
    "field",
    ["a.test/x", "a b", "a,b", "a@b", "user@a.test", "http://a.test", "a.test:80:80", "a.test:x", "a.test:0",
     "a.test:65536",
     "[::1", "::1", "[::g]", "[fe80::1%25eth0]", "a..test", ".a.test", "..", ".", ":80", "a%41",
     "b\xfccher.test", "a" * 256, "a.test\t", "a\\b", "*", "a?b", "a#b", "'a'"],
)  # fmt: skip
def test_what_is_no_host_is_refused(field: str) -> None:
    with pytest.raises(BadRequest):
        receive(host=field)


def test_two_hosts_are_refused() -> None:
    with pytest.raises(BadRequest):
        receive(("Host", "b.test"))


@pytest.mark.parametrize(
    "target",
    ["http://u@a.test/", "http:///x", "ftp://a.test/", "a.test:443", "x", "", "/#", "/%", "/%zz", "/a%2"],
)
def test_targets_without_one_meaning_are_refused(target: str) -> None:
    with pytest.raises(BadRequest):
        receive(target=target)


def test_without_any_host_the_port_is_our_own() -> None:
    arrived = receive(host=None)
    assert (arrived.host, arrived.port) == ("", 8080)
    assert get(arrived.fields, "X-Forwarded-Host") == ""


def test_connection_names_what_ends_here() -> None:
    arrived = receive(
        ("Connection", "close, X-Secret"), ("X-Secret", "1"), ("Keep-Alive", "5"), ("TE", "trailers, gzip"),
        ("Transfer-Encoding", "chunked"), ("Upgrade", "h2c"), ("HTTP2-Settings", "x"),
        ("Proxy-Authorization", "x"),
        ("Content-Length", "1"), ("Connection", "Content-Length"),
    )  # fmt: skip
    assert arrived.fields[1:3] == (("Content-Length", "1"), ("TE", "trailers"))
    assert arrived.fields[3:] == receive().fields[1:]


SERVICE, SERVER = Service("s"), Server("c", "10.1.1.1", 8080)


def test_the_server_gets_the_name_that_was_asked_for() -> None:
    assert to_server(receive(), SERVICE, SERVER)[0] == ("Host", "a.test")


@pytest.mark.parametrize(
    ("server", "host"),
    [
        (SERVER, "10.1.1.1:8080"),
        (Server("c", "10.1.1.1", 80), "10.1.1.1"),
        (Server("c", "fd00::1", 443, "https"), "[fd00::1]"),
    ],
)
def test_the_server_gets_its_own_name_where_that_is_wanted(server: Server, host: str) -> None:
    assert to_server(receive(), Service("s", pass_host_header=False), server)[0] == ("Host", host)
    assert to_server(receive(host=None), SERVICE, server)[0] == ("Host", host)


def test_what_frames_a_body_is_not_passed_as_a_field() -> None:
    changed = head(
        "/", "a.test", ("Content-Length", "5"), ("Transfer-Encoding", "chunked"), ("Connection", "x")
    )
    assert to_server(changed, SERVICE, SERVER) == (("Host", "10.1.1.1:8080"),)


def test_upgrade_and_trailers_are_asked_for_hop_by_hop() -> None:
    arrived = receive(("TE", "trailers"))
    assert to_server(arrived, SERVICE, SERVER)[-1] == ("Connection", "TE")
    assert to_server(arrived, SERVICE, SERVER, "websocket")[-2:] == (
        ("Upgrade", "websocket"),
        ("Connection", "TE, Upgrade"),
    )


def test_from_server() -> None:
    fields = (
        ("Server", "nginx"), ("Connection", "close, X-Hop, Content-Length"), ("X-Hop", "1"),
        ("Keep-Alive", "5"),
        ("Transfer-Encoding", "chunked"), ("Content-Length", "3"), ("Set-Cookie", "a"), ("Set-Cookie", "b"),
        ("Upgrade", "h2c"), ("Proxy-Authenticate", "x"), ("X-Name", "\xe9"),
    )  # fmt: skip
    kept = (
        ("Server", "nginx"),
        ("Content-Length", "3"),
        ("Set-Cookie", "a"),
        ("Set-Cookie", "b"),
        ("X-Name", "\xe9"),
    )
    assert from_server(fields) == kept
    assert from_server((), "websocket") == (("Connection", "Upgrade"), ("Upgrade", "websocket"))


texts = st.text(st.characters(max_codepoint=255))
some_names = st.sampled_from(
    ["Host", "Connection", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "TE"]
)


@given(texts, st.lists(st.tuples(some_names | texts, texts)), st.sampled_from([CLIENT, PROXY]))
def test_no_head_raises_anything_but_bad_request(
    target: str, fields: list[tuple[str, str]], peer: str
) -> None:
    try:
        arrived = receive(*fields, target=target, host=None, peer=peer)
    except BadRequest:
        return
    assert arrived.target == "*" or arrived.target.startswith("/")
    assert len([name for name, _ in arrived.fields if name.lower() == "x-real-ip"]) == 1
