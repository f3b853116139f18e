import pytest

from acme_client.failure import Failure, from_challenge, from_problem

URN = "urn:ietf:params:acme:error:"


@pytest.mark.parametrize(
    ("problem", "status", "kind", "word"),
    [
        ("connection", 400, "validation", "port 80"),
        ("dns", 400, "validation", "A or AAAA"),
        ("unauthorized", 403, "validation", "Somebody else answered"),
        ("caa", 403, "configuration", "CAA"),
        ("rejectedIdentifier", 400, "configuration", "does not certify blog.example.com"),
        ("externalAccountRequired", 403, "configuration", "EAB"),
        ("userActionRequired", 403, "configuration", "terms of service"),
        ("rateLimited", 429, "rate", "limit"),
        ("anythingNew", 429, "rate", "refused"),
        ("serverInternal", 500, "validation", "fault of its own"),
        ("serverInternal", 503, "authority", "out of order"),
        ("anythingNew", 400, "validation", "refused"),
    ],
)
def test_a_problem_becomes_a_cause_in_plain_words(problem, status, kind, word):
    failure = from_problem(
        {"type": URN + problem, "detail": "their words"}, "blog.example.com", status=status
    )
    assert failure.kind == kind
    assert word in failure.cause
    assert (failure.detail, failure.problem) == ("their words", problem)


def test_the_subproblem_about_the_host_is_nearer_to_the_cause():
    other = {
        "type": URN + "caa",
        "detail": "other",
        "identifier": {"type": "dns", "value": "other.example.com"},
    }
    mine = {"type": URN + "dns", "detail": "mine", "identifier": {"type": "dns", "value": "blog.example.com"}}
    failure = from_problem(
        {"type": URN + "compound", "subproblems": [other, "junk", mine]}, "blog.example.com"
    )
    assert (failure.problem, failure.detail) == ("dns", "mine")


@pytest.mark.parametrize("document", [{}, {"type": 7}, {"subproblems": 1}, {"detail": None, "type": None}])
def test_a_problem_without_sense_is_still_a_failure(document):
    assert (
        from_problem(document, "blog.example.com").cause
        == "The CA refused the certificate for blog.example.com."
    )


def test_a_fault_that_the_ca_does_not_name_is_no_host_s():
    failure = from_problem({}, "blog.example.com", status=500)
    assert (failure.kind, failure.wide) == ("authority", True)
    assert from_problem({"type": URN + "serverInternal"}, "blog.example.com", status=500).wide is False


def test_only_what_concerns_the_ca_as_a_whole_is_wide():
    assert Failure("unreachable", "x").wide
    assert Failure("authority", "x").wide
    assert not Failure("validation", "x").wide
    assert not Failure("rate", "x").wide
    assert Failure("configuration", "x", wide=True).wide


def test_a_wrong_answer_that_a_ca_calls_a_rejected_name_is_tried_again_as_any_other():
    error = {"type": URN + "rejectedIdentifier", "detail": "keyAuthorization does not match"}
    failure = from_challenge(error, "blog.example.com", "http-01")
    assert (failure.kind, failure.problem) == ("validation", "rejectedIdentifier")
    assert failure.cause.startswith("Somebody else answered the CA for blog.example.com.")
    assert from_challenge({"type": URN + "caa"}, "blog.example.com", "http-01").kind == "configuration"


@pytest.mark.parametrize(
    ("challenge", "problem", "said"),
    [
        ("http-01", "connection", "port 80"),
        ("http-01", "unauthorized", "port 80"),
        ("tls-alpn-01", "connection", "could not open port 443 of *.example.com"),
        ("tls-alpn-01", "unauthorized", "on port 443"),
        ("tls-alpn-01", "tls", "on port 443"),
        ("dns-01", "dns", "record below _acme-challenge.example.com"),
        ("dns-01", "rejectedIdentifier", "record below _acme-challenge.example.com"),
        ("dns-01", "caa", "CAA record"),
    ],
)
def test_what_a_ca_missed_is_said_of_the_way_that_it_went(challenge, problem, said):
    failure = from_challenge({"type": URN + problem}, "*.example.com", challenge)
    assert said in failure.cause
