from __future__ import annotations

import pytest

from proxy.password import LONGEST, is_hash, matches

TEST = {
    "apr1": "$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/",
    "md5 crypt": "$1$H6uskkkW$qH7rONTa34g.EKBz4UNMt0",
    "SHA": "{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=",
    "bcrypt": "$2b$04$3iNWoKWbMsMle1hwbVFG7ewQFgq9/noWw8qZ5FhxTEpuEs5U8SaUi",
    "bcrypt of htpasswd": "$2y$04$3iNWoKWbMsMle1hwbVFG7ewQFgq9/noWw8qZ5FhxTEpuEs5U8SaUi",
    "argon2id": "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$kC1O4h0sY9EkfKYTFiQnn2CORaIz1aUWrFs8ZlW2dCQ",
}


@pytest.mark.parametrize("text", TEST.values(), ids=TEST)
def test_only_the_right_password_matches(text: str) -> None:
    assert is_hash(text)
    assert matches(b"test", text)
    assert not matches(b"Test", text)
    assert not matches(b"", text)


@pytest.mark.parametrize(
    ("password", "text"),
    [
        (b"a long password, longer than sixteen bytes", "$apr1$12345678$QYnuHeqd/MFFYNE3QjQJ50"),
        (b"", "$apr1$x$tMwYqBfQwi3FYAr0aJc8M/"),
    ],
)
def test_hashes_of_openssl(password: bytes, text: str) -> None:
    assert matches(password, text)


@pytest.mark.parametrize(
    "text", ["", "test", "$apr1$", "$2y$99$" + "a" * 53, "{SHA}x", "$6$abc$def", "$$apr1$$a$$b"]
)
def test_what_is_no_hash_matches_nothing(text: str) -> None:
    assert not is_hash(text)
    assert not matches(text.encode(), text)


def test_a_password_of_any_length_is_answered() -> None:
    assert not matches(b"x" * 100, TEST["bcrypt"])
    assert not matches(b"x" * (LONGEST + 1), TEST["apr1"])
