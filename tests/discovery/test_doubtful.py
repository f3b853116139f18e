import pytest

from discovery.dialects.doubtful import network_meant, torn_hosts


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("192.168.1.0", "192.168.1.0/24"),
        (" 172.16.0.0 ", "172.16.0.0/16"),
        ("10.0.0.0", "10.0.0.0/8"),
        ("fd00:1::", "fd00:1::/64"),
        ("0.0.0.0", None),  # nothing is known of what was meant
        ("192.168.1.0/32", None),
        ("192.168.1.0/24", None),
        ("192.168.1.10", None),
        ("10.0.0.1", None),
        ("fd00::7", None),
        ("::", None),
        ("lan", None),
    ],
)
def test_an_address_that_ends_in_nothing_was_meant_as_a_network(text, meant):
    assert network_meant(text) == meant


@pytest.mark.parametrize(
    ("hosts", "meant"),
    [
        (["blog.example", "com"], [("com", "blog.example.com")]),
        (["a.example.com", "blog.beispiel", "at"], [("at", "blog.beispiel.at")]),
        (["blog.example.com", "www.example.com"], []),
        (["blog.example.com", "tv"], []),
        (["blog.example.com", "com"], []),  # whatever that is, it is no torn name
        (["nas.lan", "de"], []),
        (["app.myhouse", "gw"], []),
        (["app", "com"], []),
        (["com"], []),
        ([], []),
    ],
)
def test_a_name_that_a_comma_has_torn_is_told_from_two_names(hosts, meant):
    assert list(torn_hosts(hosts)) == meant
