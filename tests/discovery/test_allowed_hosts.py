"""Who may claim which hosts, and that nobody gets another's by any kind of rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from discovery.allowed_hosts import AllowedHosts, Claimant
from discovery.composites import parts_named
from discovery.container import Container
from discovery.fragment import Fragment
from discovery.labels import read_container
from discovery.language import Language
from discovery.merge import combine, merge
from discovery.networks import Own
from discovery.references import LOST
from proxy.model import Router, RoutingConfig, Service
from proxy.reference import ServiceName, referred

OWN = Own(networks=frozenset({"web"}))
RULES = (
    "blog=blog.example.com, *.blog.example.com; container:nas=nas.lan; *=*.apps.example.com; "
    "both=s.example.com; twin=s.example.com"
)


def asked(project: str, created: int = 1, *, rules: str = RULES, **labels: str) -> Fragment:
    """What a container of the project asks for by labels of one router, dots written as __."""
    name = project.removeprefix("container:")
    long = {f"tidegate.{key.replace('__', '.').format(name)}": value for key, value in labels.items()}
    if project and not project.startswith("container:"):
        long |= {"com.docker.compose.project": project, "com.docker.compose.service": "web"}
    container = Container(
        id=f"{created:064x}", name=name, labels=long, networks={"web": "172.18.0.5"}, exposed=(80,),
        created=str(created),
    )  # fmt: skip
    found = read_container(container, OWN, language=Language(allowed=AllowedHosts.parse(rules)))
    assert found is not None
    return found


def rule(text: str, priority: int = 0) -> dict[str, str]:
    first = {"http__routers__{0}__priority": str(priority)} if priority else {}
    return {"http__routers__{0}__rule": text, **first}


def served(*fragments: Fragment) -> set[str]:
    return {router.origin for router in merge(fragments).routers.values()}


@pytest.mark.parametrize(
    ("project", "text"),
    [
        ("blog", "Host(`blog.example.com`)"),
        ("blog", "Host(`BLOG.example.com`) && PathPrefix(`/api`)"),
        ("blog", "Host(`a.b.blog.example.com`)"),
        ("blog", "Host(`*.blog.example.com`)"),
        ("blog", "Host(`blog.example.com`) && HostRegexp(`.*`)"),
        ("blog", "Host(`one.apps.example.com`)"),
        ("container:nas", "Host(`nas.lan`)"),
        ("other", "Host(`other.apps.example.com`)"),
    ],
)
def test_who_is_allowed_a_host_has_it(project: str, text: str) -> None:
    fragment = asked(project, **rule(text))
    assert fragment.routers
    assert not fragment.problems


@pytest.mark.parametrize(
    "text",
    [
        "Host(`blog.example.com`)",
        "Host(`x.blog.example.com`)",
        "Host(`other.apps.example.com`) || Host(`blog.example.com`)",
        "Host(`other.apps.example.com`) || PathPrefix(`/login`)",
        "Host(`*`)",
        "Host(`*.example.com`)",
        "Host(`*.apps.example.com`)",
        "HostRegexp(`^blog\\.example\\.com$`)",
        "HostRegexp(`.*\\.apps\\.example\\.com$`)",
        "PathPrefix(`/`)",
        "PathPrefix(`/.well-known/acme-challenge/`)",
        "!Host(`other.apps.example.com`)",
        "Header(`X-Evil`, `1`)",
        "Host(`other.apps.example.com`) && Host(`blog.example.com`)",
    ],
)
@pytest.mark.parametrize("priority", [0, 99999])
def test_nobody_else_gets_it_by_any_rule(text: str, priority: int) -> None:
    evil = asked("other", **rule(text, priority))
    assert not evil.routers
    [problem] = evil.problems
    assert problem.severity == "error"
    assert problem.what.startswith('Project "other" may not claim')
    assert problem.where.startswith("other: tidegate.http.routers.other.rule=")
    assert "--allow-hosts" in problem.what


def test_certificates_for_anothers_names_are_not_ordered() -> None:
    evil = asked(
        "other",
        **rule("Host(`o.apps.example.com`)"),
        **{"http__routers__{0}__tls__domains[0]__main": "blog.example.com"},
    )
    assert not evil.routers
    assert "blog.example.com" in evil.problems[0].what


def test_a_rule_for_every_host_needs_a_star_of_ones_own() -> None:
    rules = "home=*; blog=blog.example.com; *=*"
    assert asked("home", rules=rules, **rule("PathPrefix(`/`)")).routers
    assert not asked("other", rules=rules, **rule("PathPrefix(`/`)")).routers
    assert not asked("other", rules=rules, **rule("Host(`*.example.com`)")).routers
    assert asked("other", rules=rules, **rule("Host(`any.example.org`)")).routers


def test_everything_for_everybody_is_as_if_nothing_were_said() -> None:
    for text in ("PathPrefix(`/`)", "HostRegexp(`.`)", "Host(`*.example.com`)", "Host(`a`)"):
        assert asked("any", rules="*=*", **rule(text)).routers
        assert asked("any", rules="", **rule(text)).routers


def test_a_project_is_not_a_container_of_that_name() -> None:
    nas = Router("r@docker", "Host(`nas.lan`)", "s@docker")
    assert AllowedHosts.parse(RULES).refusal(nas, Claimant("x", project="nas"))
    assert not AllowedHosts.parse(RULES).refusal(nas, Claimant("nas", project="x"))


@pytest.mark.parametrize(
    "text",
    ["Host(`a.apps.example.com`)", "Host(`a.apps.example.com`) && PathPrefix(`/login`)",
     "Host(`a.apps.example.com`) && Method(`POST`)"],
)  # fmt: skip
def test_the_first_keeps_all_of_a_host_whatever_the_seconds_path_and_priority(text: str) -> None:
    first = asked("one", 1, host="a.apps.example.com")
    second = asked("two", 2, **rule(text, 99999))
    config = merge([second, first])
    assert {router.origin for router in config.routers.values()} == {"one"}
    [problem] = [each for each in config.problems if each.severity == "warning"]
    assert "a.apps.example.com" in problem.what
    assert "two=a.apps.example.com" in problem.what
    assert served(second) == {"two"}, "it gets the host when the first goes"


def test_a_wildcard_and_a_name_below_it_are_the_same_host_for_this() -> None:
    rules = "one=*.w.example.com; two=*.w.example.com"
    wild = asked("one", 1, rules=rules, **rule("Host(`*.w.example.com`)"))
    name = asked("two", 2, rules=rules, **rule("Host(`x.w.example.com`)"))
    deep = asked("two", 3, rules=rules, **rule("Host(`y.x.w.example.com`)"))
    assert served(wild, name) == {"one"}
    assert served(wild, deep) == {"one", "two"}, "a wildcard in a rule stands for one label"
    assert served(replace(wild, created="9"), name) == {"two"}


def test_two_projects_share_a_host_that_is_named_for_both() -> None:
    one = asked("both", 1, host="s.example.com")
    two = asked("twin", 2, host="s.example.com", path="/api")
    assert served(one, two) == {"both", "twin"}


def test_a_rule_that_only_excludes_a_host_does_not_hold_it() -> None:
    squatter = asked("one", 1, **rule("Host(`a.apps.example.com`) && !Host(`b.apps.example.com`)"))
    other = asked("two", 2, host="b.apps.example.com")
    assert served(squatter, other) == {"one", "two"}


def test_the_containers_of_a_project_share_as_ever() -> None:
    web = asked("blog", 1, host="blog.example.com")
    api = replace(
        asked("blog", 2, api__host="blog.example.com", api__path="/api"), app="api_blog", source="api"
    )
    assert len(merge([web, api]).routers) == 2


def test_no_label_gets_a_part_of_a_route_files_host() -> None:
    files = RoutingConfig(
        {"nas@file": Router("nas@file", "Host(`x.apps.example.com`)", "nas@file")},
        {"nas@file": Service("nas@file")},
    )
    labels = merge([asked("two", **rule("Host(`x.apps.example.com`) && PathPrefix(`/login`)", 99999))])
    assert set(combine(files, labels).routers) == {"nas@file", "two@docker"}
    assert set(combine(files, labels, allowed=AllowedHosts.parse(RULES)).routers) == {"nas@file"}
    shared = AllowedHosts.parse(f"{RULES}; two=x.apps.example.com")
    assert set(combine(files, labels, allowed=shared).routers) == {"nas@file", "two@docker"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("blog", "There is no ="),
        ("blog=", "blog=blog.example.com"),
        ("=a.example.com", "a compose project"),
        ("blog=a.example.com, shop=b.example.com", "separated by ;"),
        ("blog=https://a.example.com/", "no host for blog"),
        ("blog=a.example.com:8080", "no host for blog"),
        ("blog=a.*.example.com", "no host for blog"),
        ("label:zone=home=a.example.com", "Labels come with images"),
        ("my blog=a.example.com", "a compose project"),
    ],
)
def test_a_mistake_in_the_setting_is_explained(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        AllowedHosts.parse(text)
    assert said in str(error.value)


def test_rules_may_stand_on_lines_of_their_own() -> None:
    lines = AllowedHosts.parse("\n blog = a.example.com\n * = *.apps.example.com ;\n")
    assert lines.rules == (("blog", ("a.example.com",)), ("*", ("*.apps.example.com",)))


def test_a_mistake_stands_where_its_owner_wrote_it() -> None:
    [problem] = asked("other", host="blog.example.com").problems
    assert problem.where == "other: tidegate.host=blog.example.com"


THEIRS = {
    "a router": {"http__routers__{0}__service": "web_blog"},
    "a service made of others": {
        "http__routers__{0}__service": "mix",
        "http__services__mix__weighted__services[0]__name": "web_blog",
    },
    "a page of errors": {
        "http__routers__{0}__middlewares": "pages",
        "http__middlewares__pages__errors__status": "404",
        "http__middlewares__pages__errors__service": "web_blog",
        "http__middlewares__pages__errors__query": "/",
    },
}


def leads_to_blog(rules: str, told: dict[str, str]) -> bool:
    """Whether requests for the borrower's host can reach the other project's container."""
    blog = asked("blog", 1, rules=rules, host="blog.example.com")
    borrower = asked("other", 2, rules=rules, **rule("Host(`o.apps.example.com`)"), **told)
    config = merge([blog, borrower])
    router = config.routers["other@docker"]
    named = [router.service, *parts_named(config.services.get(router.service, Service("x")).how)]
    for middleware in router.middlewares:
        named += referred(config.middlewares[middleware], ServiceName)
    said = any("belongs to blog" in each.what for each in config.problems)
    found = any("web_blog@docker" in name and LOST not in name for name in named)
    assert said != found
    return found


@pytest.mark.parametrize("told", THEIRS.values(), ids=THEIRS)
def test_nobody_shows_anothers_app_under_his_own_host(told: dict[str, str]) -> None:
    assert leads_to_blog("", told), "without rules all trust each other"
    assert not leads_to_blog(RULES, told)
    assert leads_to_blog(f"{RULES}; other=*", told)
    assert leads_to_blog("*=*", told)


def test_nobody_shows_a_route_files_app() -> None:
    borrower = asked("other", host="o.apps.example.com", http__routers__x__rule="Host(`p.apps.example.com`)",
                     http__routers__x__service="nas@file")  # fmt: skip
    config = merge([borrower])
    assert LOST in config.routers["x@docker"].service
    assert any("belongs to a route file" in each.what for each in config.problems)
