"""The first words of TLS: as OpenSSL says them, cut anywhere, and as nobody should say them."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.client_hello import ClientHello, Unreadable, read_client_hello


def said(name: str | None = "app.test", protocols: tuple[str, ...] = ("h2", "http/1.1")) -> bytes:
    """What OpenSSL begins with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


HELLO = said()
WHOLE = ClientHello("app.test", (b"h2", b"http/1.1"))


@pytest.mark.parametrize(
    ("data", "hello"),
    [
        (HELLO, WHOLE),
        (HELLO + b"\x14\x03\x03\x00\x01\x01", WHOLE),  # what follows is none of our business
        (said(None, ()), ClientHello()),
        (HELLO.replace(b"app.test", b"app\xfftest"), ClientHello("app\xfftest", WHOLE.alpn)),
        (
            said("xn--bcher-kva.example", ("acme-tls/1",)),
            ClientHello("xn--bcher-kva.example", (b"acme-tls/1",)),
        ),
    ],
)
def test_the_name_and_the_protocols_are_read(data, hello):
    assert read_client_hello(data) == hello


def test_a_hello_that_is_not_whole_is_waited_for_at_every_octet():
    assert [cut for cut in range(len(HELLO)) if read_client_hello(HELLO[:cut]) is not None] == []


def in_records(size: int) -> bytes:
    message = HELLO[5:]
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2, "big") + piece for piece in pieces)


@pytest.mark.parametrize("size", [1, 3, 4, 100, 5000])
def test_a_hello_may_be_spread_over_records(size):
    assert read_client_hello(in_records(size)) == WHOLE


def with_length(delta: int) -> bytes:
    length = int.from_bytes(HELLO[6:9], "big") + delta
    return HELLO[:6] + length.to_bytes(3, "big") + HELLO[9:]


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00",  # a ServerHello
        b"\x16\x03\x01\x00\x02\x01\x00\x15\x03\x01",  # an alert in the middle
        with_length(-1),
        with_length(1 << 20),
        b"\x16\x03\x01\xff\xff\x01\x00\xff\xff" + bytes(20_000),
        HELLO.replace(b"\x00\x08app.test", b"\x00\x07app.test"),
    ],
)
def test_what_is_no_hello_that_we_understand_is_left_to_openssl(data):
    with pytest.raises(Unreadable):
        read_client_hello(data)


@given(st.binary(max_size=200), st.integers(0, len(HELLO)), st.integers(0, 50))
def test_whatever_comes_is_read_waited_for_or_unreadable(junk, at, skipped):
    for data in (junk, HELLO[:at] + junk + HELLO[at + skipped :]):
        try:
            found = read_client_hello(data)
        except Unreadable:
            continue
        assert found is None or isinstance(found, ClientHello)
