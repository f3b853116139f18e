import pytest

from tidegate.rule_words import beside_hosts


@pytest.mark.parametrize(
    ("rule", "path", "more"),
    [
        ("Host(`a.test`)", "", ""),
        ('Host("a.test") || Host(`b.test`)', "", ""),
        ("Host(`a.test`) && PathPrefix(`/api`)", "/api", ""),
        ("Path(`/api`) && Host(`a.test`)", "/api", ""),
        ("(Host(`a.test`) || Host(`b.test`)) && PathPrefix(`/api`)", "/api", ""),
        # || binds less: b.test is served everywhere
        ("Host(`b.test`) || Host(`a.test`) && PathPrefix(`/api`)", "",
         "Host(`b.test`) || Host(`a.test`) && PathPrefix(`/api`)"),
        ("Host(`a.test`) && Method(`GET`)", "", "Host(`a.test`) && Method(`GET`)"),
        ("HostRegexp(`.*`)", "", "HostRegexp(`.*`)"),
    ],
)  # fmt: skip
def test_what_a_rule_says_beside_its_hosts(rule, path, more):
    assert beside_hosts(rule) == (path, more)
