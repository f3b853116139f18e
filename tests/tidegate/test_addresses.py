import pytest

from tidegate.addresses import OFF, Address, NamedAddress, Off


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":80", "", 80),
        ("*:80", "", 80),
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::]:443", "::", 443),
        ("[::1]:443", "::1", 443),
        ("localhost:8080", "localhost", 8080),
    ],
)
def test_an_address_is_a_host_and_a_port(text, host, port):
    assert Address.parse(text) == Address(host, port)
    assert Address.parse(str(Address.parse(text))) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    ["", "80", ":", ":65536", ":-1", ":٣", "127.0.0.1", "127.0.0.1:", "127.0.0.999:80", "1.2.3:80", "::1:80",
     "[::1]", "[127.0.0.1]:80", "http://x:80", "a b:80", "-a:80", "a..b:80"],
)  # fmt: skip
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"Expected an address.*:"):
        Address.parse(text)


def test_a_bare_port_is_told_its_colon():
    with pytest.raises(ValueError, match=r"Expected an address: :8080 for every address of this machine"):
        Address.parse("8080")


@pytest.mark.parametrize("text", ["80800", ":80800", "127.0.0.1:65536", ":0123456"])
def test_a_port_that_cannot_be_is_not_recommended(text):
    with pytest.raises(ValueError, match=r"Expected an address with a port up to 65535, such as :8080, not"):
        Address.parse(text)


@pytest.mark.parametrize(
    ("text", "bind", "reachable", "loopback"),
    [
        (":80", None, "127.0.0.1", False),
        ("0.0.0.0:80", "0.0.0.0", "127.0.0.1", False),
        ("[::]:80", "::", "::1", False),
        ("127.0.0.2:80", "127.0.0.2", "127.0.0.2", True),
        ("[::1]:80", "::1", "::1", True),
        ("localhost:80", "localhost", "localhost", True),
        ("nas.lan:80", "nas.lan", "nas.lan", False),
    ],
)
def test_where_it_is_bound_and_where_it_is_reached(text, bind, reachable, loopback):
    address = Address.parse(text)
    assert (address.bind_host, address.reachable_host, address.is_loopback) == (bind, reachable, loopback)


def test_a_named_address():
    assert NamedAddress.parse("admin=127.0.0.1:8443/tls") == NamedAddress(
        "admin", Address("127.0.0.1", 8443), True
    )
    assert NamedAddress.parse("plain = :81") == NamedAddress("plain", Address("", 81))
    assert str(NamedAddress.parse("admin=[::1]:8443/tls")) == "admin=[::1]:8443/tls"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (":81", "NAME=ADDR"),
        ("=:81", "NAME=ADDR"),
        ("a b=:81", "NAME=ADDR"),
        ("admin=:81/https", "nothing or /tls"),
        ("admin=81", ":81 for every address"),
    ],
)
def test_a_named_address_that_is_none(text, message):
    with pytest.raises(ValueError, match=message):
        NamedAddress.parse(text)


def test_off_is_false_and_nothing_else_is_off():
    assert Off.parse("OFF") is OFF
    assert not OFF
    assert str(OFF) == "off"
    with pytest.raises(ValueError, match='Expected "off"'):
        Off.parse("no")
