import pytest

from proxy.certifying import Resolvers, certified_by
from proxy.model import Router

COMPANY = Resolvers(frozenset({"company", "le"}))


def router(name, resolver="", rule="Host(`a.test`)", **more):
    return Router(f"{name}@docker", rule, "s", resolver=resolver, origin=name, **more)


def wanting(*routers, hosts=("a.test",)):
    return {each.name: (each, hosts) for each in routers}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("auto", "auto"),
        ("Internal", "internal"),
        ("Company", "company"),
        ("le", "le"),
        ("compani", None),
        ("", None),
    ],
)
def test_a_resolver_is_known_by_its_name_in_any_case(name, meant):
    assert COMPANY.meant(name) == meant


def test_an_unknown_name_is_answered_with_the_closest_one_and_all_there_are():
    assert COMPANY.unknown("compani") == (
        'There is no resolver "compani". Did you mean "company"? Known: auto, internal, company, le.'
    )
    assert Resolvers().unknown("zzz") == 'There is no resolver "zzz". Known: auto, internal.'


@pytest.mark.parametrize(
    ("routers", "usual", "found"),
    [
        ([router("a")], "auto", {}),
        ([router("a", "auto")], "auto", {}),
        ([router("a", "company")], "auto", {"a.test": "company"}),
        ([router("a", "company"), router("b")], "auto", {"a.test": "company"}),
        ([router("a")], "internal", {"a.test": "internal"}),
        ([router("a", "auto"), router("b")], "internal", {}),
        ([router("a", "company"), router("b")], "internal", {"a.test": "company"}),
    ],
)
def test_what_one_router_says_of_a_host_holds_for_all_of_it(routers, usual, found):
    assert certified_by(wanting(*routers), usual) == (found, [])


@pytest.mark.parametrize(
    ("routers", "used", "outdone"),
    [
        ([router("a", "company"), router("b", "internal")], "internal", "a"),
        ([router("a", "company"), router("b", "le")], "company", "b"),
        ([router("a", "company"), router("b", "le", priority=900)], "le", "a"),
        ([router("a", "company"), router("b", "le", rule="Host(`a.test`) && PathPrefix(`/x`)")], "le", "a"),
        ([router("a", "auto", priority=900), router("b", "company")], "auto", "b"),
    ],
)
def test_of_different_resolvers_one_is_used_and_a_problem_says_which(routers, used, outdone):
    found, [problem] = certified_by(wanting(*routers))
    assert found == ({} if used == "auto" else {"a.test": used})
    assert problem.where.startswith(f"{outdone}: http.routers.{outdone}.tls.certresolver=")
    other = "a" if outdone == "b" else "b"
    assert problem.what.startswith(f'a.test: router "{other}" of {other} names "{used}"')
    assert (problem.consequence, problem.severity) == (f'The resolver "{used}" is used.', "warning")


def test_two_routers_that_do_not_agree_make_one_problem_however_many_hosts_they_have():
    hosts = [f"{n}.test" for n in range(5)]
    found, [problem] = certified_by(wanting(router("a", "company"), router("b", "le"), hosts=hosts))
    assert set(found) == set(hosts)
    assert problem.what.startswith("0.test, 1.test, 2.test and 2 more: ")
