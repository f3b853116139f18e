import pytest

from acme_client.caa import CAARecord, Unanswered, allowed, allowed_names, answered, names_to_ask, query

LE = ("letsencrypt.org",)


def issue(value):
    return CAARecord("issue", value)


@pytest.mark.parametrize(
    ("records", "host", "may"),
    [
        ((), "a.test", True),
        ((issue("letsencrypt.org"),), "a.test", True),
        ((issue("LetsEncrypt.org ; accounturi=https://x"),), "a.test", True),
        ((issue("other.test"),), "a.test", False),
        ((issue("other.test"), issue("letsencrypt.org")), "a.test", True),
        ((issue(";"),), "a.test", False),
        ((CAARecord("iodef", "mailto:me@a.test"),), "a.test", True),
        ((CAARecord("issuewild", "other.test"),), "a.test", True),
        ((CAARecord("issuewild", "other.test"),), "*.a.test", False),
        ((issue("other.test"), CAARecord("issuewild", "letsencrypt.org")), "*.a.test", True),
        ((issue("other.test"),), "*.a.test", False),
        ((issue("letsencrypt.org; validationmethods=dns-01"),), "a.test", False),
        ((issue("letsencrypt.org; validationmethods=dns-01,http-01"),), "a.test", True),
    ],
)
def test_who_may_issue(records, host, may):
    assert allowed(records, host, LE, "http-01") is may


def test_the_name_is_asked_first_and_then_those_above_it():
    assert list(names_to_ask("*.a.b.test")) == ["a.b.test", "b.test", "test"]


def test_people_are_told_whom_the_records_let_issue():
    assert allowed_names((issue("other.test; x=y"), issue("third.test"))) == "other.test, third.test"
    assert allowed_names((issue(";"),)) == "nobody"


def answer(number, *records, flags=0x8180, extra=b""):
    """As a resolver sends it: an alias first, names as pointers to the question's."""
    head = b"".join(each.to_bytes(2, "big") for each in (number, flags, 1, len(records) + 1, 0, 0))
    parts = [head, query("a.test", number)[12:], resource(5, b"\x01b\xc0\x0c")]
    return b"".join((*parts, *(resource(257, each) for each in records), extra))


def resource(kind, content):
    return (
        b"\xc0\x0c" + b"".join(each.to_bytes(2, "big") for each in (kind, 1, 0, 60, len(content))) + content
    )


def record(tag, value):
    return bytes([0, len(tag)]) + tag + value


def test_an_answer_is_read():
    message = answer(
        7, record(b"Issue", b"letsencrypt.org"), record(b"iodef", b"mailto:x"), extra=b"additional"
    )
    assert answered(message, 7) == (issue("letsencrypt.org"), CAARecord("iodef", "mailto:x"))
    assert answered(answer(7, flags=0x8183), 7) == ()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00" * 11,
        answer(8),  # to another question
        answer(7, flags=0x8182),  # SERVFAIL
        answer(7, flags=0x8380),  # truncated
        answer(7, record(b"issue", b"letsencrypt.org"))[:-1],
        answer(7, b"\x00"),
        answer(7, record(b"issue", b"\xff\xff")),
    ],
)
def test_what_says_nothing_counts_as_no_answer(message):
    with pytest.raises(Unanswered):
        answered(message, 7)


def test_no_bytes_at_all_do_anything_else():
    whole = answer(7, record(b"issue", b"letsencrypt.org"))
    for at in range(len(whole)):
        for value in (0, 0x3F, 0xC0, 0xFF):
            try:
                answered(whole[:at] + bytes([value]) + whole[at + 1 :], 7)
            except Unanswered:
                continue
