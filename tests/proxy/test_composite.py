from __future__ import annotations

import pytest

from proxy.composite import Composites, Unresolvable
from proxy.model import Failover, Mirrored, Part, Server, Service, Weighted

A, B = Server("a", "10.0.0.1", 80), Server("b", "10.0.0.2", 80)
SERVICES = {
    each.name: each
    for each in (
        Service("a", (A,)),
        Service("b", (B,), starting=True),
        Service("both", how=Weighted((Part("a", 9), Part("b")))),
        Service("deep", how=Failover((Part("both"), Part("b")))),
        Service("copied", how=Mirrored((Part("a"), Part("b", 10)))),
        Service("one", how=Weighted((Part("two"),))),
        Service("two", how=Weighted((Part("one"),))),
        Service("lost", how=Weighted((Part("nowhere"),))),
        Service("beneath", how=Failover((Part("copied"), Part("a")))),
    )
}


@pytest.mark.parametrize(
    ("name", "servers", "starting"),
    [("a", (A,), False), ("both", (A, B), True), ("deep", (A, B), True), ("copied", (A,), False)],
)
def test_a_service_has_the_servers_of_its_parts(
    name: str, servers: tuple[Server, ...], starting: bool
) -> None:
    found = Composites(SERVICES).of(name)
    assert (found.servers, found.starting) == (servers, starting)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("one", "is made of itself"),
        ("lost", 'no service "nowhere"'),
        ("beneath", "Only a router can name"),
        ("?", "no service"),
    ],
)
def test_what_cannot_be_made_says_why(name: str, why: str) -> None:
    with pytest.raises(Unresolvable, match=why):
        Composites(SERVICES).of(name)


def test_all_that_can_be_made_are_there() -> None:
    assert Composites(SERVICES).all().keys() == {"a", "b", "both", "deep", "copied"}
