import pytest

from acme_client.failure import Failure, from_problem

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


def test_only_what_concerns_the_ca_as_a_whole_is_wide():
    assert Failure("unreachable", "x").wide
    assert Failure("authority", "x").wide
    assert not Failure("validation", "x").wide
    assert not Failure("rate", "x").wide
    assert Failure("configuration", "x", wide=True).wide
