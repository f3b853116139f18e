"""What is kept of an engine's answers, also of odd ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discovery.container import Container, from_inspect, from_list

INSPECTED = {
    "Id": "a" * 64,
    "Name": "/demo-blog-1",
    "Created": "2026-01-01T00:00:00.1Z",
    "Config": {
        "Image": "blog:latest",
        "Labels": {"com.docker.compose.project": "demo", "com.docker.compose.service": "blog"},
        "ExposedPorts": {"9090/tcp": {}, "80/tcp": {}, "53/udp": {}},
        "StopSignal": "SIGQUIT",
    },
    "State": {"Status": "running", "StartedAt": "2026-01-01T00:00:01Z", "Health": {"Status": "starting"}},
    "HostConfig": {"NetworkMode": "demo_default"},
    "NetworkSettings": {
        "Networks": {
            "demo_default": {
                "IPAddress": "172.18.0.5",
                "Gateway": "172.18.0.1",
                "GlobalIPv6Address": "fd00::5",
            },
            "six": {"IPAddress": "", "GlobalIPv6Address": "fd01::5"},
        }
    },
}


def test_inspect_becomes_a_container() -> None:
    container = from_inspect(INSPECTED)
    assert container.name == "demo-blog-1"
    assert container.app == "blog_demo"
    assert container.networks == {"demo_default": "172.18.0.5", "six": "fd01::5"}
    assert container.exposed == (80, 9090)
    assert container.stop_signal == "SIGQUIT"
    assert not container.running_and_ready


def test_the_list_tells_the_same_as_inspect() -> None:
    entry = {
        "Id": "a" * 64,
        "Names": ["/other/blog", "/demo-blog-1"],
        "State": "running",
        "Status": "Up 3 seconds (health: starting)",
        "NetworkSettings": {"Networks": INSPECTED["NetworkSettings"]["Networks"]},
    }
    assert from_list(entry).glance == from_inspect(INSPECTED).glance


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("Up 5 minutes", ""),
        ("Up 5 minutes (healthy)", "healthy"),
        ("Up 5 minutes (unhealthy)", "unhealthy"),
        ("Up 5 minutes (Paused)", ""),
    ],
)
def test_health_in_the_list(status: str, health: str) -> None:
    assert from_list({"Status": status}).glance.health == health


@pytest.mark.parametrize(
    ("state", "health", "ready"),
    [
        ("running", "", True),
        ("running", "healthy", True),
        ("running", "starting", False),
        ("running", "unhealthy", False),
        ("paused", "", False),
        ("exited", "healthy", False),
    ],
)
def test_only_a_running_container_that_is_not_ill_gets_requests(state: str, health: str, ready: bool) -> None:
    assert Container("a", "blog", state=state, health=health).running_and_ready is ready


def test_a_later_time_is_the_greater_text() -> None:
    times = [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.1Z",
        "2026-01-01T00:00:00.12Z",
        "2026-01-01T00:00:01Z",
    ]
    created = [from_inspect({"Created": time}).created for time in times]
    assert created == sorted(created)


KEYS = [*INSPECTED, "Networks", "Status"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab/:0", max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)


@given(st.dictionaries(st.sampled_from(list(INSPECTED)), JSON))
def test_no_answer_is_too_odd(answer: dict[str, object]) -> None:
    assert isinstance(from_inspect(answer), Container)


def test_only_the_variables_that_say_how_to_be_served_are_kept() -> None:
    told = ["VIRTUAL_HOST=a.test", "VIRTUAL_PATH==  /x", "DB_PASSWORD=hunter2", "ACME_EAB_HMAC_KEY=x", "BARE"]
    container = from_inspect({"Id": "a", "Config": {"Env": told}})
    assert container.environment == {"VIRTUAL_HOST": "a.test", "VIRTUAL_PATH": "=  /x"}
