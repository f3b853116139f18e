"""Which address the proxy can reach, and where the proxy itself is."""

from __future__ import annotations

import pytest

from discovery.container import Container
from discovery.networks import Own, Unreachable, Wish, address_of, own_id

INSIDE = Own(networks=frozenset({"web", "proxy"}), container="f" * 64, host_address="172.17.0.1")
ON_HOST = Own(networks=frozenset({"bridge", "web", "demo_default"}))


def on(mode: str = "default", project: str = "", **networks: str) -> Container:
    return Container(
        "a" * 64, "blog", networks=networks, network_mode=mode, labels={"com.docker.compose.project": project}
    )


@pytest.mark.parametrize(
    ("container", "own", "wanted", "address"),
    [
        (on(web="172.18.0.5"), INSIDE, "", "172.18.0.5"),
        (on(web="172.18.0.5", backend="172.19.0.5"), INSIDE, "", "172.18.0.5"),
        (on(web="172.18.0.5", proxy="172.20.0.5"), INSIDE, "", "172.20.0.5"),  # by name, always the same
        (on(web="172.18.0.5", proxy="172.20.0.5"), INSIDE, "web", "172.18.0.5"),
        (on(web="", proxy="172.20.0.5"), INSIDE, "", "172.20.0.5"),  # not attached to web yet
        (on(project="demo", demo_default="172.21.0.5"), ON_HOST, "default", "172.21.0.5"),
        (on(web="fd00::5"), INSIDE, "", "fd00::5"),
        (on(mode="host", host=""), INSIDE, "", "172.17.0.1"),
        (on(mode="host", host=""), ON_HOST, "", "127.0.0.1"),
        (on(mode="host", host=""), ON_HOST, "web", "127.0.0.1"),  # it has no other address
    ],
)
def test_the_address_is_one_that_the_proxy_reaches(
    container: Container, own: Own, wanted: str, address: str
) -> None:
    assert address_of(container, own, Wish(wanted)) == address


@pytest.mark.parametrize(
    ("container", "own", "wanted", "why"),
    [
        (on(backend="172.19.0.5"), INSIDE, "", 'it is on "backend", Tidegate is on "proxy", "web"'),
        (on(backend="172.19.0.5"), ON_HOST, "", "Tidegate reaches"),
        (on(none=""), INSIDE, "", "shares no network"),
        (on(web="172.18.0.5"), INSIDE, "wbe", 'not on a network "wbe"'),
        (
            on(web="172.18.0.5", backend="172.19.0.5"),
            INSIDE,
            "backend",
            'Tidegate is not on the network "backend"',
        ),
        (on(web=""), INSIDE, "web", "no address"),
        (on(mode="container:" + "b" * 64), INSIDE, "", "which is not running"),
    ],
)
def test_no_address_has_a_reason(container: Container, own: Own, wanted: str, why: str) -> None:
    outcome = address_of(container, own, Wish(wanted))
    assert isinstance(outcome, Unreachable)
    assert why in outcome.why


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "fe80::1", "224.0.0.1", "x"]
)
def test_an_address_that_is_not_the_containers_own_is_never_used(address: str) -> None:
    assert isinstance(address_of(on(web=address), INSIDE), Unreachable)


def test_the_network_of_another_container_is_used_through_it() -> None:
    vpn = Container("b" * 64, "vpn", networks={"web": "172.18.0.9"})
    app = Container("a" * 64, "app", network_mode="container:" + vpn.id)
    assert address_of(app, INSIDE, Wish(), {vpn.id: vpn}) == "172.18.0.9"


def test_containers_that_use_each_others_network_have_none() -> None:
    one = Container("a" * 64, "one", network_mode="container:" + "b" * 64)
    two = Container("b" * 64, "two", network_mode="container:" + "a" * 64)
    assert isinstance(address_of(one, INSIDE, Wish(), {one.id: one, two.id: two}), Unreachable)


ME, OTHER = "a" * 64, "b" * 64
MOUNTED = f"700 680 8:1 /var/lib/docker/containers/{ME}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
ON_THE_HOST = (
    f"55 24 0:44 / /var/lib/docker/containers/{OTHER}/mounts/shm rw - tmpfs shm rw\n"
    "24 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
)
PODMAN = f"700 680 8:1 /containers/overlay-containers/{ME}/userdata/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"


@pytest.mark.parametrize(
    ("mountinfo", "cgroup", "hostname", "found"),
    [
        (MOUNTED, "0::/", "proxy", ME),
        (PODMAN, "0::/", "proxy", ME),
        (ON_THE_HOST, "0::/init.scope", "server", ""),
        ("", f"4:memory:/docker/{ME}\n0::/", "proxy", ME),
        ("", f"0::/system.slice/docker-{ME}.scope", "proxy", ME),
        ("", "", ME[:12], ME),
        ("", "", "aaaa", ""),
        (MOUNTED.replace(ME, "c" * 64), "", "proxy", ""),  # another engine's container: a CI runner
    ],
)
def test_own_id(mountinfo: str, cgroup: str, hostname: str, found: str) -> None:
    assert own_id(mountinfo, cgroup, hostname, {ME: None, OTHER: None}) == found
