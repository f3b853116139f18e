import pytest

from acme_client.caa import CAARecord
from acme_client.findings import Seen, of_addresses, of_caa, of_looks

HOST = "blog.example.com"


@pytest.mark.parametrize(
    ("addresses", "said", "certain"),
    [
        (None, None, None),  # the resolver does not know at the moment
        ((), "has no address", True),
        (("9.9.9.9",), None, None),
        (("192.168.1.5",), "split DNS", False),
        (("192.168.1.5", "9.9.9.9"), None, None),
        (("fe80::1%eth0",), "split DNS", False),
    ],
)
def test_where_a_name_leads(addresses, said, certain):
    check(list(of_addresses(HOST, addresses)), said, certain)


@pytest.mark.parametrize(
    ("seen", "said", "certain"),
    [
        (Seen("9.9.9.9", 80, "ours"), None, None),
        (Seen("9.9.9.9", 80, "silent"), "does not let its own network", False),  # hairpin NAT
        (Seen("9.9.9.9", 80, "other", "HTTP/1.1 401 Unauthorized"), "401 Unauthorized", False),
        (Seen("2620:fe::fe", 80, "silent"), "IPv6 first", False),
        (Seen("2620:fe::fe", 80, "other"), "remove its AAAA record", True),
        (Seen("fd00::1", 80, "other"), "remove its AAAA record", False),
        (Seen("2620:fe::fe", 443, "ours"), None, None),
    ],
)
def test_who_answers_there(seen, said, certain):
    check(list(of_looks(HOST, [seen])), said, certain)


@pytest.mark.parametrize(
    ("value", "identities", "said"),
    [
        ("other.test", ("letsencrypt.org",), 'CAA 0 issue "letsencrypt.org"'),
        ("letsencrypt.org", ("letsencrypt.org",), None),
        ("other.test", (), None),  # the CA does not say what it is called
    ],
)
def test_what_caa_records_allow(value, identities, said):
    records = (CAARecord("issue", value),)
    check(list(of_caa(HOST, "example.com", records, identities, "http-01")), said, True)


def check(findings, said, certain):
    if said is None:
        assert findings == []
    else:
        [finding] = findings
        assert said in finding.text
        assert finding.certain is certain
