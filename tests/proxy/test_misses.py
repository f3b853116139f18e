import pytest

from proxy.misses import missed, spelled
from proxy.rule import parse_rule
from tests.proxy.heads import head

HEAD = head("/admin/x?page=2", "blog.exmaple.com", ("X-Kind", "test"), client="192.0.2.7")


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("Host(`blog.exmaple.com`)", ""),
        ("Host(`blog.example.com`)", "Host(`blog.example.com`) is not blog.exmaple.com"),
        ("host(`Blog.Example.com`)", "Host(`Blog.Example.com`) is not blog.exmaple.com"),
        ("Host(`a.test`) || Host(`b.test`)", "Host(`a.test`) || Host(`b.test`) is not blog.exmaple.com"),
        (
            " || ".join(f"Host(`{letter}.test`)" for letter in "abcde"),
            "Host(`a.test`) || Host(`b.test`) || Host(`c.test`) or 2 more is not blog.exmaple.com",
        ),
        (r"HostRegexp(`^nas\.`)", r"HostRegexp(`^nas\.`) does not match blog.exmaple.com"),
        ("PathPrefix(`/api`)", "PathPrefix(`/api`) does not begin /admin/x"),
        ("Path(`/`)", "Path(`/`) is not /admin/x"),
        ("PathRegexp(`css$`)", "PathRegexp(`css$`) does not match /admin/x"),
        ("Method(`POST`)", "Method(`POST`) is not GET"),
        ("ClientIP(`10.0.0.0/8`)", "ClientIP(`10.0.0.0/8`) does not hold 192.0.2.7"),
        ("Header(`X-Kind`, `real`)", "Header(`X-Kind`, `real`) is not test"),
        ("Header(`X-Other`, `real`)", "Header(`X-Other`, `real`) is not met: the request has no X-Other"),
        ("Query(`page`, `3`)", "Query(`page`, `3`) is not 2"),
        ("QueryRegexp(`q`, `^a`)", "QueryRegexp(`q`, `^a`) is not met: the request has no q"),
        ("!PathPrefix(`/admin`)", "!PathPrefix(`/admin`): the path is /admin/x"),
        ("!(Method(`GET`) && Path(`/admin/x`))", "!(Method(`GET`) && Path(`/admin/x`)): that holds"),
        ("!Header(`X-Kind`, `test`)", "!Header(`X-Kind`, `test`): that holds"),
        ("Method(`GET`) && Path(`/`) && Host(`x.test`)", "Path(`/`) is not /admin/x"),  # the first that fails
        ("Path(`/a`) || Method(`PUT`)", "Path(`/a`) is not /admin/x; Method(`PUT`) is not GET"),
        ("Path(`/a`) || Method(`GET`)", ""),
        ("!(Path(`/a`) || Method(`PUT`))", ""),
    ],
)
def test_the_first_condition_that_fails(rule, why):
    read = parse_rule(rule)
    assert missed(read.tree, HEAD) == why
    assert read.matches(HEAD) == (not why)


def test_a_request_without_a_host():
    assert missed(parse_rule("Host(`a.test`)").tree, head(host="")) == (
        "Host(`a.test`) is not met: the request names no host"
    )


@pytest.mark.parametrize(
    "rule",
    ["(Host(`a`) || Host(`b`)) && !Path(`/x`)", "!(Host(`a`) || Path(`/`))", "Query(`a`, `b`) || Path(`/`)"],
)
def test_a_condition_is_spelled_so_that_it_can_be_read_again(rule):
    assert spelled(parse_rule(rule).tree) == rule
