"""Many containers and files, one config; what single containers get wrong stands in tests/golden/labels."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from discovery.claims import hosts, whole_hosts
from discovery.fragment import Fragment
from discovery.merge import combine, merge
from proxy.middlewares.headers import Headers
from proxy.model import Router, RoutingConfig, Server, Service
from proxy.problem import Problem


def fragment(
    name: str, rule: str, *, app: str = "", created: str = "1", provider: str = "docker"
) -> Fragment:
    app = app or name
    service = Service(f"{app}@{provider}", (Server(name, "172.18.0.5", 80),))
    router = Router(f"{app}@{provider}", rule, service.name, origin=name)
    return Fragment(
        source=name,
        app=app,
        owner=name,
        created=created,
        routers={router.name: router},
        services={service.name: service},
    )


def test_the_order_in_which_containers_come_makes_no_difference() -> None:
    fragments = [
        fragment(f"c{n}", f"Host(`h{n % 7}`)", app=f"app{n % 9}", created=str(n % 5)) for n in range(40)
    ]
    expected = merge(fragments)
    for seed in range(5):
        random.Random(seed).shuffle(fragments)
        assert merge(fragments) == expected


def test_replicas_bring_their_servers_and_nothing_else() -> None:
    one, two = (fragment(name, "Host(`a`)", app="blog", created=name) for name in ("1", "2"))
    config = merge([one, two])
    assert list(config.routers) == ["blog@docker"]
    assert [server.owner for server in config.services["blog@docker"].servers] == ["1", "2"]
    assert not config.problems


def test_the_oldest_keeps_a_host_however_high_the_youngers_priority() -> None:
    young = fragment("young", "Host(`a`)", created="2")
    router = replace(young.routers["young@docker"], priority=9999)
    config = merge([replace(young, routers={router.name: router}), fragment("old", "Host(`a`)", created="1")])
    assert list(config.routers) == ["old@docker"]
    assert [problem.severity for problem in config.problems] == ["warning"]


def test_routers_on_different_entrypoints_do_not_rival() -> None:
    one, two = fragment("one", "Host(`a`)"), fragment("two", "Host(`a`)")
    config = merge(
        replace(each, routers={n: replace(r, entrypoints=(entrypoint,)) for n, r in each.routers.items()})
        for each, entrypoint in ((one, "web"), (two, "websecure"))
    )
    assert len(config.routers) == 2


def test_a_files_claim_goes_before_a_containers() -> None:
    files = merge([fragment("nas.yaml", "Host(`a`)", provider="file")])
    labels = merge([fragment("blog", "Host(`a`)")])
    config = combine(files, labels)
    assert list(config.routers) == ["nas.yaml@file"]
    assert "already belongs to router" in config.problems[0].what
    assert "route files have their hosts first" in config.problems[0].consequence


def test_of_two_files_the_first_by_name_keeps_a_host() -> None:
    config = merge(
        [fragment(name, "Host(`a`)", provider="file", created=name) for name in ("b.yml", "a.yml")]
    )
    [problem] = config.problems
    assert problem.what.endswith("Give one of them another host or a path in its rule.")
    assert problem.consequence.endswith("a.yml comes first by its name and keeps the host.")


@pytest.mark.parametrize(
    ("reference", "problems"), [("there@file", 0), ("nowhere@file", 1), ("x@kubernetes", 1)]
)
def test_references_across_providers_are_checked_where_they_meet(reference: str, problems: int) -> None:
    blog = fragment("blog", "Host(`a`)")
    router = replace(blog.routers["blog@docker"], service=reference)
    files = RoutingConfig(services={"there@file": Service("there@file")})
    config = combine(files, merge([replace(blog, routers={router.name: router})]))
    assert len(config.problems) == problems
    assert list(config.routers) == ["blog@docker"]


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("nothere", "Known: secure, zip."),
        ("secrue", 'Did you mean "secure"?'),
        ("secure@file", 'Did you mean "secure"?'),
    ],
)
def test_a_suggestion_looks_at_the_name_and_not_at_its_provider(wanted: str, hint: str) -> None:
    blog = fragment("blog", "Host(`a`)")
    wanted = wanted if "@" in wanted else f"{wanted}@docker"
    router = replace(blog.routers["blog@docker"], middlewares=(wanted,))
    known = {"secure@docker": Headers(frame_deny=True), "zip@docker": Headers(frame_deny=True)}
    config = combine(merge([replace(blog, routers={router.name: router}, middlewares=known)]))
    [problem] = config.problems
    assert problem.what.endswith(hint)


def test_of_many_known_names_only_a_few_are_listed() -> None:
    blog = fragment("blog", "Host(`a`)")
    router = replace(blog.routers["blog@docker"], middlewares=("nothere@docker",))
    known = {f"secure{n}@docker": Headers(frame_deny=True) for n in range(9)}
    [problem] = merge([replace(blog, routers={router.name: router}, middlewares=known)]).problems
    assert problem.what.endswith("secure5 and 3 more.")


def test_a_middleware_with_a_mistake_is_one_problem_also_where_others_refer_to_it() -> None:
    """Its owner has been told; the route says where to look."""
    files = merge([replace(fragment("nas", "Host(`n`)", provider="file"), broken=frozenset({"pw@file"}))])
    blog = fragment("blog", "Host(`a`)")
    router = replace(blog.routers["blog@docker"], middlewares=("pw@file",))
    config = combine(files, merge([replace(blog, routers={router.name: router})]))
    assert config.broken == {"pw@file"}
    assert not config.problems


def test_a_middleware_that_somebody_else_has_is_no_missing_one() -> None:
    old, young = (fragment(name, f"Host(`{name}`)", created=name) for name in ("1", "2"))
    config = merge(
        replace(
            each,
            routers={name: replace(r, middlewares=("lan@docker",)) for name, r in each.routers.items()},
            middlewares={"lan@docker": Headers(frame_deny=True, is_development=each is old)},
        )
        for each in (old, young)
    )
    [lost] = config.routers["2@docker"].middlewares
    assert config.broken == {lost}


@pytest.mark.parametrize(
    ("rule", "named", "whole"),
    [
        ("Host(`a`)", {"a"}, {"a"}),
        ("Host(`A.`) || host(`b`)", {"a", "b"}, {"a", "b"}),
        ("(Host(`a`) || Host(`b`))", {"a", "b"}, {"a", "b"}),
        ("Host(`a`) && PathPrefix(`/x`)", {"a"}, set()),
        ("Host(`a`) && Method(`GET`)", {"a"}, set()),
        ("!Host(`a`)", set(), set()),
        ("PathPrefix(`/`)", set(), set()),
        ("HostRegexp(`a`)", set(), set()),
    ],
)
def test_which_hosts_a_rule_claims(rule: str, named: set[str], whole: set[str]) -> None:
    assert hosts(rule) == named
    assert whole_hosts(rule) == whole


@pytest.mark.parametrize(
    ("old", "young", "notices"),
    [
        ("Host(`a`)", "Host(`a`) && PathPrefix(`/x`)", 0),
        ("Host(`a`) && Path(`/x`)", "Host(`a`)", 0),
        ("Host(`a`) && !PathPrefix(`/x`)", "Host(`a`)", 0),
        ("Host(`a`)", "(Host(`a`) || Host(`b`)) && (Path(`/x`) || PathPrefix(`/x/`))", 0),
        ("Host(`a`) && PathPrefix(`/x`)", "Host(`a`) && PathPrefix(`/y`)", 0),
        ("Host(`a`) && PathPrefix(`/x`)", "Host(`a`) && PathPrefix(`/x`)", 1),
        ("Host(`a`)", "Host(`a`) && Method(`GET`)", 1),
        ("Host(`a`)", "Host(`a`) && (Method(`GET`) || PathPrefix(`/x`))", 1),
    ],
)
def test_sharing_a_host_by_path_is_nothing_to_tell(old: str, young: str, notices: int) -> None:
    config = merge([fragment("old", old, created="1"), fragment("young", young, created="2")])
    assert [problem.severity for problem in config.problems] == ["notice"] * notices
    assert len(config.routers) == 2


def test_who_adds_every_path_to_a_host_claims_it_whole() -> None:
    """Its rule is the longer one, so it would get every request of the older router."""
    old = fragment("old", "Host(`a`)", created="1")
    young = fragment("young", "Host(`a`) && PathPrefix(`/`)", created="2")
    assert list(merge([old, young]).routers) == ["old@docker"]


def test_a_problem_is_not_longer_than_people_read() -> None:
    loud = Problem("c: tidegate.network=" + "x" * 1_000_000, "y" * 1_000_000, "z" * 1_000_000)
    [problem] = merge([replace(fragment("one", "Host(`a`)"), problems=(loud,))]).problems
    assert len(str(problem)) < 2_000
    assert problem.where.startswith("c: tidegate.network=xxx")
