"""What the fleet makes of changes and answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from discovery.container import Container, Glance, Listed
from discovery.engine import Change
from discovery.fleet import Fleet
from discovery.networks import Own

BLOG = Container(
    "blog",
    "blog",
    labels={"tidegate.host": "blog.test"},
    networks={"web": "172.18.0.5", "db": "172.19.0.5"},
    exposed=(80,),
)
OWN = Own(networks=frozenset({"web"}))


def fleet() -> Fleet:
    return Fleet(own=OWN, containers={"blog": BLOG})


def served(fleet: Fleet) -> bool:
    return any(service.servers for service in fleet.config().services.values())


@pytest.mark.parametrize(
    ("change", "left", "gone"),
    [
        (Change("die", "blog"), True, True),
        (Change("pause", "blog"), True, True),
        (Change("destroy", "blog"), True, True),
        (Change("kill", "blog", signal="9"), True, True),
        (Change("kill", "blog", signal="15"), True, False),  # it may finish what it has
        (Change("kill", "blog", signal="3"), True, False),
        (Change("kill", "blog", signal="1"), False, False),  # HUP: reload
        (Change("kill", "blog", signal="28"), False, False),  # WINCH means nothing to most
        (Change("disconnect", "blog", network="web"), True, True),
        (Change("disconnect", "blog", network="db"), False, False),
        (Change("start", "blog"), False, False),
        (Change("health_status", "blog"), False, False),
        (Change("die", "stranger"), False, True),
    ],
)
def test_who_leaves_by_an_event_alone(change: Change, left: bool, gone: bool) -> None:
    known = fleet()
    assert known.note(change, now=0.0) == (left, gone)
    assert served(known) is not left
    assert known.take_doubtful() == {change.container: 1}


def test_the_signal_by_which_an_image_stops_counts_as_a_stop() -> None:
    apache = Fleet(own=OWN, containers={"blog": replace(BLOG, stop_signal="SIGWINCH")})
    assert apache.note(Change("kill", "blog", signal="28"), now=0.0) == (True, False)


def test_an_answer_from_before_the_last_change_is_not_believed() -> None:
    known = fleet()
    known.note(Change("start", "blog"), now=0.0)
    asked = known.take_doubtful()
    known.note(Change("die", "blog"), now=0.0)
    known.learn("blog", asked["blog"], BLOG)
    assert not served(known)
    assert "blog" in known.take_doubtful()


def test_a_container_that_survives_its_stop_signal_is_served_again_after_its_own_patience() -> None:
    known = fleet()
    known.note(Change("kill", "blog", signal="15"), now=100.0)
    known.learn("blog", known.take_doubtful()["blog"], BLOG)
    assert not known.forgive(now=114.0)
    assert not served(known)
    assert known.forgive(now=116.0)
    assert served(known)


def test_the_list_tells_who_was_missed() -> None:
    known = fleet()
    other = Listed("new", Glance("new", "running", "", {}), {"tidegate.host": "new.test"})
    boring = Listed("boring", Glance("boring", "running", "", {}), {})
    assert known.compare({"new": other, "boring": boring}, steps={}) == ["blog"]
    assert known.take_doubtful() == {"new": 0}
    assert not served(known)


@pytest.mark.parametrize(
    ("glance", "doubtful"),
    [
        (BLOG.glance, set()),
        (replace(BLOG.glance, name="renamed"), {"blog"}),
        (replace(BLOG.glance, health="unhealthy"), {"blog"}),
        (replace(BLOG.glance, networks={"web": "172.18.0.6", "db": "172.19.0.5"}), {"blog"}),
    ],
)
def test_only_who_differs_is_looked_at_again(glance: Glance, doubtful: set[str]) -> None:
    known = fleet()
    known.compare({"blog": Listed("blog", glance, BLOG.labels)}, steps={})
    assert known.take_doubtful().keys() == doubtful


def test_a_container_that_started_while_the_list_was_made_is_not_thought_gone() -> None:
    known = fleet()
    known.note(Change("start", "blog"), now=0.0)
    assert known.compare({}, steps={}) == []


def test_the_one_whose_network_is_used_is_asked_for() -> None:
    known = Fleet(own=OWN, containers={"a": replace(BLOG, id="a", network_mode="container:vpn")})
    assert known.missing_hosts() == {"vpn"}
    known.learn("vpn", 0, Container("vpn", "vpn", networks={"web": "172.18.0.9"}))
    assert served(known)
