import pytest

from acme_client.authority import Authority
from acme_client.names import covered, read_name


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("blog.example.com", "blog.example.com"),
        (" Blog.Example.COM ", "blog.example.com"),
        ("bücher.example.com", "xn--bcher-kva.example.com"),
        (
            "straße.example.com",
            "xn--strae-oqa.example.com",
        ),  # IDNA 2003 would make "strasse" of it: another name
        ("192.168.1.5", "192.168.1.5"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("nas", "nas"),
        ("xn--bcher-kva.example.com", "xn--bcher-kva.example.com"),
        ("1.example.com", "1.example.com"),
    ],
)
def test_a_name_is_spelled_as_a_certificate_spells_it(text, host):
    name = read_name(text)
    assert (name.host, name.refusal) == (host, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("*.example.com", "DNS-01"),
        ("my_blog.example.com", "'my-blog'"),
        ("a" * 64 + ".example.com", "at most 63"),
        (".".join(["a" * 60] * 5), "at most 253"),
        ("blog.example.com.", "blog.example.com"),
        ("blog..example.com", "empty part"),
        ("", "empty part"),
        ("-blog.example.com", "hyphen"),
        ("blog-.example.com", "hyphen"),
        ("blog example.com", "letters"),
        ("../../etc/passwd", "empty part"),
        ("a/b.example.com", "letters"),
        ("1.2.3.4.5", "no IP address"),
        ("☃️\u200d.example.com", "no host name"),
        ("*.*.example.com", "letters, digits"),
    ],
)
def test_a_name_that_no_ca_would_take_is_refused_with_the_reason(text, reason):
    name = read_name(text)
    assert reason in name.refusal
    assert name.host.isascii()


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("blog.example.com", True),
        ("localhost.example.com", True),
        ("notlocal", False),
        ("localhost", False),
        ("blog.localhost", False),
        ("nas.local", False),
        ("nas.lan", False),
        ("nas.home.arpa", False),
        ("home.arpa", False),
        ("app.internal", False),
        ("blog.test", False),
        ("blog.contest", True),
        ("192.168.1.5", False),
        ("8.8.8.8", False),
        ("2001:db8::1", False),
    ],
)
def test_a_public_name_is_one_that_the_public_dns_can_hold(text, public):
    assert read_name(text).public is public


def test_what_is_proposed_instead_of_an_underscore_is_a_name():
    assert "'x'" in read_name("_x.example.com").refusal


def test_a_wildcard_covers_one_label_and_only_where_it_may_be_ordered():
    judge = Authority("https://ca.example/directory", dns="yes").judge
    hosts = ("*.example.com", "a.example.com", "a.b.example.com", "example.com", "my_app.example.com")
    names = {name.host: judge(name) for name in map(read_name, (*hosts, "10.0.0.1", "*.*.example.com"))}
    wildcard = "*.example.com"
    assert covered(names) == {"a.example.com": wildcard, "my_app.example.com": wildcard}
    assert covered({host: read_name(host) for host in hosts}) == {}
    assert [host for host, name in names.items() if name.refusal] == ["my_app.example.com", "*.*.example.com"]
