from ipaddress import ip_network

import pytest

from proxy.headers import TrustedProxies
from proxy.table import Entrypoint
from tidegate.why.question import Unanswerable, arrived, entrypoint_for, read_question

WEB, SECURE = Entrypoint("web", port=80), Entrypoint("websecure", tls=True, port=443)
ADMIN = Entrypoint("admin", tls=True, default=False, port=8443)
ALL = (ADMIN, SECURE, WEB)
NOBODY = TrustedProxies()


@pytest.mark.parametrize(
    ("text", "url", "host", "port"),
    [
        ("blog.example.com", "https://blog.example.com/", "blog.example.com", None),
        ("HTTP://Blog.Example.com./x", "http://Blog.Example.com./x", "blog.example.com", None),
        ("blog.example.com:8443/a?b=c#d", "https://blog.example.com:8443/a?b=c", "blog.example.com", 8443),
        ("http://[::1]:8080", "http://[::1]:8080/", "::1", 8080),
        ("nas.lan?x", "https://nas.lan/?x", "nas.lan", None),
        ("bücher.example", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", None),
        ("a.test/ä b", "https://a.test/%C3%A4%20b", "a.test", None),
        ("a.test/%20", "https://a.test/%20", "a.test", None),
    ],
)
def test_a_url_as_people_type_it(text, url, host, port):
    question = read_question(text)
    assert (question.url, question.host, question.port) == (url, host, port)


def test_without_tls_somebody_who_types_no_scheme_means_http():
    assert read_question("a.test", secure=False).url == "http://a.test/"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ftp://a.test/", 'not "ftp"'),
        ("https://", '"" is not a host'),
        ("https://a b/", '"a b" is not a host'),
        ("https://u:p@a.test/", '"u:p@a.test" is not a host'),
        ("https://a.test:99999/", "is not a host"),
    ],
)
def test_what_is_no_url_is_said_so(text, words):
    with pytest.raises(Unanswerable, match=words):
        read_question(text)


@pytest.mark.parametrize(
    ("url", "entrypoint"),
    [
        ("https://a.test", "websecure"),
        ("http://a.test", "web"),
        ("https://a.test:443", "websecure"),
        ("https://a.test:8443", "admin"),
    ],
)
def test_where_a_client_arrives(url, entrypoint):
    assert entrypoint_for(read_question(url), ALL).name == entrypoint


def test_behind_a_published_port_the_usual_entrypoint_is_meant():
    inside = (Entrypoint("web", port=8080), Entrypoint("websecure", tls=True, port=8443))
    assert entrypoint_for(read_question("https://a.test"), inside).name == "websecure"


@pytest.mark.parametrize(
    ("url", "points", "words"),
    [
        ("https://a.test:9", ALL, "No entrypoint listens on port 9. Known: admin on 8443, websecure on 443"),
        ("http://a.test:8443", ALL, r"Port 8443 speaks https \(entrypoint admin\): ask for https://"),
        ("http://a.test", (SECURE,), "No entrypoint speaks http."),
    ],
)
def test_where_nobody_listens(url, points, words):
    with pytest.raises(Unanswerable, match=words):
        entrypoint_for(read_question(url), points)


def test_the_request_is_read_as_the_listener_reads_it():
    question = read_question(
        "a.test/x/../y", method="POST", client="10.0.0.1",
        headers=["X-Forwarded-For: 203.0.113.5", "Upgrade: websocket", "Connection: upgrade"],
    )  # fmt: skip
    head, upgrade = arrived(question, SECURE, NOBODY)
    assert (head.target, head.method, str(head.client_ip), upgrade) == ("/y", "POST", "10.0.0.1", "websocket")
    trusting = TrustedProxies((ip_network("10.0.0.0/8"),))
    assert str(arrived(question, SECURE, trusting)[0].client_ip) == "203.0.113.5"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client": "nobody"}, '"nobody" is not an address'),
        ({"method": "G T"}, "gets 400"),
        ({"headers": ["Content-Length: x"]}, "gets 400"),
        ({"headers": ["Host: a b"]}, "gets 400"),
        ({"headers": ["A: b\r\n\r\nGET / HTTP/1.1\r\nHost: b"]}, "not one request"),
    ],
)
def test_a_request_that_would_be_refused(changes, words):
    with pytest.raises(Unanswerable, match=words):
        arrived(read_question("https://a.test", **changes), SECURE, NOBODY)


@pytest.mark.parametrize("header", ["bad", ": x", ""])
def test_a_header_has_a_name_and_a_value(header):
    with pytest.raises(Unanswerable, match="A header is"):
        read_question("a.test", headers=[header])
