from __future__ import annotations

from typing import Any

import pytest

from proxy.exchange import Fields, RequestHead, Response, ResponseHead, treats_alike
from proxy.middlewares.headers import Headers
from proxy.schema import parse_options
from tests.proxy.heads import head


def headers(**tree: Any) -> Headers:
    value, flaws = parse_options(Headers, tree)
    assert value is not None, flaws
    return value


def answered(options: Headers, request: RequestHead, *fields: tuple[str, str]) -> Fields:
    return options.on_response(ResponseHead(200, fields), request).fields


def test_request_fields_are_set_and_removed() -> None:
    options = headers(customRequestHeaders={"X-A": "1", "x-b": "", "Host": "inner.test"})
    changed = options.on_request(head("/", "a.test", ("X-B", "2"), ("x-a", "0"), ("Host", "a.test")))
    assert isinstance(changed, RequestHead)
    assert changed.fields == (("X-A", "1"), ("Host", "inner.test"))
    assert changed.host == "a.test"


def test_response_fields_are_set_and_removed() -> None:
    options = headers(customResponseHeaders={"X-A": "1", "Server": ""})
    assert answered(options, head(), ("server", "x"), ("Set-Cookie", "a")) == (
        ("Set-Cookie", "a"),
        ("X-A", "1"),
    )


def test_a_whole_response_keeps_its_body() -> None:
    changed = headers(frameDeny="true").on_response(Response(403, body=b"no"), head())
    assert changed == Response(403, (("X-Frame-Options", "DENY"),), body=b"no")


@pytest.mark.parametrize(
    ("tree", "scheme", "fields"),
    [
        ({"stsSeconds": "60"}, "http", ()),
        ({"stsSeconds": "60"}, "https", (("Strict-Transport-Security", "max-age=60"),)),
        ({"stsSeconds": "60", "isDevelopment": "true"}, "https", ()),
        (
            {
                "stsSeconds": "60",
                "stsIncludeSubdomains": "true",
                "stsPreload": "true",
                "forceSTSHeader": "true",
            },
            "http",
            (("Strict-Transport-Security", "max-age=60; includeSubDomains; preload"),),
        ),
        ({"stsSeconds": "0"}, "https", ()),
        ({"publicKey": "pin"}, "https", (("Public-Key-Pins", "pin"),)),
        (
            {"frameDeny": "true", "customFrameOptionsValue": "SAMEORIGIN"},
            "http",
            (("X-Frame-Options", "SAMEORIGIN"),),
        ),
        ({"browserXssFilter": "true"}, "http", (("X-XSS-Protection", "1; mode=block"),)),
        ({"customBrowserXSSValue": "0"}, "http", (("X-XSS-Protection", "0"),)),
        (
            {"contentSecurityPolicy": "default-src 'self'"},
            "http",
            (("Content-Security-Policy", "default-src 'self'"),),
        ),
        ({"referrerPolicy": "same-origin"}, "http", (("Referrer-Policy", "same-origin"),)),
        ({"sslRedirect": "true"}, "http", ()),
    ],
)
def test_security_fields(tree: dict[str, str], scheme: str, fields: Fields) -> None:
    assert answered(headers(**tree), head(scheme=scheme)) == fields


def test_a_field_may_say_that_the_visitor_came_by_https() -> None:
    options = headers(stsSeconds="60", sslProxyHeaders={"X-Forwarded-Proto": "https"})
    assert answered(options, head("/", "a.test", ("X-Forwarded-Proto", "https")))
    assert not answered(options, head("/", "a.test", ("X-Forwarded-Proto", "http")))


@pytest.mark.parametrize(
    ("tree", "host", "status"),
    [
        ({"allowedHosts": "a.test, B.test"}, "b.test", None),
        ({"allowedHosts": "a.test"}, "b.test", 500),
        ({"allowedHosts": "a.test", "isDevelopment": "true"}, "b.test", None),
        ({"allowedHosts": "a.test", "hostsProxyHeaders": "X-Forwarded-Host"}, "b.test", None),
    ],
)
def test_allowed_hosts(tree: dict[str, str], host: str, status: int | None) -> None:
    outcome = headers(**tree).on_request(head("/", host, ("X-Forwarded-Host", "a.test:8080")))
    assert getattr(outcome, "status", None) == status


def test_a_preflight_is_answered_at_once() -> None:
    asks = (("Origin", "https://b.test"), ("Access-Control-Request-Method", "PUT"))
    options = headers(accessControlAllowOriginList="https://b.test", accessControlAllowMethods="GET, PUT")
    outcome = options.on_request(head("/", "a.test", *asks, method="OPTIONS"))
    assert isinstance(outcome, Response)
    assert outcome.fields == (
        ("Access-Control-Allow-Origin", "https://b.test"),
        ("Access-Control-Allow-Methods", "GET,PUT"),
    )
    assert isinstance(options.on_request(head("/", "a.test", asks[0], method="OPTIONS")), RequestHead)
    assert isinstance(
        headers(frameDeny="1").on_request(head("/", "a.test", *asks, method="OPTIONS")), RequestHead
    )


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        ({}, "It changes nothing. Example: customResponseHeaders.X-Robots-Tag=none"),
        ({"frameDeny": "false"}, "It changes nothing. Example: customResponseHeaders.X-Robots-Tag=none"),
        ({"customResponseHeaders": {"X A": "1"}}, "'X A' is not the name of a header field."),
        (
            {"customRequestHeaders": {"X-A": "1\r\nX-B: 2"}},
            "The value of X-A holds a line break or another control character.",
        ),
        (
            {"contentSecurityPolicy": "a\nb"},
            "The value of Content-Security-Policy holds a line break or another control character.",
        ),
        ({"accessControlExposeHeaders": "a\x00b"}, "A list of CORS holds a control character."),
        (
            {"customResponseHeaders": {"Content-Length": "5"}},
            "Content-Length belongs to the connection and is set by the proxy.",
        ),
        ({"accessControlAllowOriginListRegex": "a(b"}, "This is not a regular expression: missing ): a(b."),
    ],
)
def test_what_cannot_be_a_head_is_refused(tree: dict[str, Any], what: str) -> None:
    value, flaws = parse_options(Headers, tree)
    assert value is None
    assert [flaw.what for flaw in flaws] == [what]


def test_text_beyond_ascii_is_sent_as_utf_8() -> None:
    assert answered(headers(customResponseHeaders={"X-Name": "caf\u00e9"}), head()) == (
        ("X-Name", "caf\xc3\xa9"),
    )


@pytest.mark.parametrize(
    ("tree", "alike"),
    [
        ({"customResponseHeaders": {"X": "1"}, "frameDeny": "true"}, True),
        ({"frameDeny": "true", "addVaryHeader": "true"}, True),
        ({"stsSeconds": "60"}, False),
        ({"publicKey": "x"}, False),
        ({"accessControlAllowOriginList": "https://b.test"}, False),
    ],
)
def test_what_looks_at_the_request_does_not_treat_answers_alike(tree: Any, alike: bool) -> None:
    middleware = headers(**tree)
    assert treats_alike(middleware) is alike
    answer = ResponseHead(200, (("X-App", "1"),))
    asked = [head("/", "a.test"), head("/", "a.test", ("Origin", "https://b.test"), scheme="https")]
    assert (len({middleware.on_response(answer, each).fields for each in asked}) == 1) is alike
