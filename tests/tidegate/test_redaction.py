import time

import pytest

from tidegate.redaction import HIDDEN, is_secret_name, redact, redact_text


@pytest.mark.parametrize(
    "name",
    ["authorization", "Proxy-Authorization", "cookie", "Set-Cookie", "password", "acme_eab_hmac",
     "acmeEabHmac", "token", "api_key", "APIKey", "key_pem", "client-secret", "basicauth.users"],
)  # fmt: skip
def test_a_telling_name_hides_its_value(name):
    assert is_secret_name(name)
    assert redact(None, "info", {name: "hunter2"}) == {name: HIDDEN}


@pytest.mark.parametrize(
    "name", ["host", "event", "monkey", "keyboard", "author", "router", "tokenless", "path"]
)
def test_an_ordinary_name_hides_nothing(name):
    assert redact(None, "info", {name: "hunter2"}) == {name: "hunter2"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:hunter2@ca.example/dir", f"https://{HIDDEN}@ca.example/dir"),
        ("GET https://hunter2@git.example failed", f"GET https://{HIDDEN}@git.example failed"),
        ("https://me:hunt@er2@ca.example/", f"https://{HIDDEN}@ca.example/"),
        ("ssh://admin@nas.lan", "ssh://admin@nas.lan"),
        ("ssh://admin:hunter2@nas.lan", f"ssh://admin:{HIDDEN}@nas.lan"),
        ("https://blog.example.com/a@b", "https://blog.example.com/a@b"),
        ("Authorization: Digest hunter2", f"Authorization: {HIDDEN}"),
        ("{'Cookie': 'session=hunter2'}", f"{{'Cookie': {HIDDEN}"),
        ("requestheaders.Authorization=Basic hunter2", f"requestheaders.Authorization={HIDDEN}"),
        ("sent Bearer hunter2hunter2", f"sent Bearer {HIDDEN}"),
        ("users=admin:$$2y$$05$$hunter2hunter2./x", f"users=admin:{HIDDEN}"),
        ("users=admin:$apr1$abcdefgh$hunter2hunter2", f"users=admin:{HIDDEN}"),
        ("users=admin:{SHA}hunter2hunter2=", f"users=admin:{HIDDEN}"),
        ("/hook?access_token=hunter2&page=2", f"/hook?access_token={HIDDEN}&page=2"),
        ("DB_PASSWORD=hunter2 LANG=C", f"DB_PASSWORD={HIDDEN} LANG=C"),
        (
            "-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----\nrest",
            f"-----BEGIN EC PRIVATE KEY----- {HIDDEN}\nrest",
        ),
        ("-----BEGIN PRIVATE KEY-----\nhunter2 cut sho", f"-----BEGIN PRIVATE KEY----- {HIDDEN}"),
        ("tidegate.host=blog.example.com", "tidegate.host=blog.example.com"),
        ("Expected a network such as 192.168.1.0/24", "Expected a network such as 192.168.1.0/24"),
    ],
)  # fmt: skip
def test_secrets_in_free_text_go_and_the_rest_stays(text, shown):
    assert redact_text(text) == shown


def test_values_inside_values_are_reached():
    event = redact(
        None, "info", {"event": "x", "labels": {"auth": {"token": "hunter2"}, "urls": ["u://a:hunter2@b"]}}
    )
    assert event == {"event": "x", "labels": {"auth": HIDDEN, "urls": [f"u://{HIDDEN}@b"]}}
    assert redact(None, "info", {"error": ValueError("u://a:hunter2@b")}) == {"error": f"u://{HIDDEN}@b"}


@pytest.mark.parametrize(
    "piece", ["a://", "-----BEGIN PRIVATE KEY-----", "$2y$", "password", "cookie=", "a", "x@", "\\'"]
)
def test_no_text_makes_the_search_slow(piece):
    started = time.process_time()
    redact_text(piece * 8000)
    assert time.process_time() - started < 2
