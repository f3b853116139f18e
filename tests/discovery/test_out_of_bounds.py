"""Where no label leads: the engine, Tidegate itself, a cloud's credentials."""

from __future__ import annotations

import pytest

from discovery.container import Container
from discovery.labels import read_container
from discovery.language import Language
from discovery.networks import Own
from discovery.out_of_bounds import Bounds, engine_of
from proxy.shunned import Shunned
from tidegate.label_language import bounds_of
from tidegate.settings import Settings

HOST = Own(frozenset({"web"}))
INSIDE = Own(frozenset({"web"}), container="t" * 64, host_address="172.17.0.1", stands_in="t" * 64)
BOUNDS = Bounds(frozenset({80, 443}), 8900, ("127.0.0.1", 2375))
SERVICE = {"tidegate.host": "evil.example.com"}
AUTH = "tidegate.http.middlewares.a.forwardauth.address"


def read(own: Own, bounds: Bounds = BOUNDS, others=(), **told):
    labels = {**SERVICE, **told.pop("labels", {})}
    told = {"networks": {"web": "172.18.0.5"}, "exposed": (80,), **told}
    one = Container(told.pop("id", "e" * 64), told.pop("name", "evil"), labels=labels, **told)
    everyone = {each.id: each for each in (one, *others)}
    found = read_container(one, own, everyone, Language(bounds=bounds))
    assert found is not None
    return found


def servers(fragment):
    return [server for service in fragment.services.values() for server in service.servers]


@pytest.mark.parametrize(
    ("port", "what"),
    [("8900", "Tidegate's own dashboard"), ("2375", "the engine's API"), ("443", "Tidegate itself")],
)
def test_a_container_in_the_hosts_network_is_not_tidegate(port, what):
    found = read(HOST, network_mode="host", labels={"tidegate.port": port})
    assert not servers(found)
    [problem] = found.problems
    assert what in problem.what
    assert "tidegate.port" in problem.where
    assert [
        server.port for server in servers(read(HOST, network_mode="host", labels={"tidegate.port": "8123"}))
    ] == [8123]


def test_neither_is_one_in_tidegates_own_network():
    tidegate = Container("t" * 64, "tidegate", networks={"web": "172.18.0.2"})
    told = {"network_mode": f"container:{'t' * 64}", "networks": {}, "others": [tidegate]}
    assert not servers(read(INSIDE, labels={"tidegate.port": "8900"}, **told))
    assert servers(read(INSIDE, labels={"tidegate.port": "8080"}, **told))


def test_tidegates_own_container_may_show_the_dashboard():
    found = read(INSIDE, id="t" * 64, name="tidegate", labels={"tidegate.port": "8900"})
    assert [(server.address, server.port) for server in servers(found)] == [("172.18.0.5", 8900)]
    assert not servers(read(INSIDE, id="t" * 64, labels={"tidegate.port": "443"})), "that would be a loop"


@pytest.mark.parametrize("labels", [{}, {"tidegate.port": "80"}])
def test_whoever_labels_tidegate_instead_of_the_app_is_told_so_and_no_port(labels):
    for bounds, more in (
        (BOUNDS, " For the dashboard, write tidegate.port=8900"),
        (Bounds(frozenset({80})), ""),
    ):
        found = read(INSIDE, bounds, id="t" * 64, exposed=(80, 443), labels=labels)
        [problem] = found.problems
        assert (
            problem.what == f"This is Tidegate itself: labels for an app belong to the app's service.{more}"
        )
        assert not servers(found)


def test_a_container_of_its_own_network_may_have_any_port():
    for port in ("80", "443", "8900", "2375"):
        assert servers(read(HOST, labels={"tidegate.port": port}))
    assert servers(read(INSIDE, network_mode="host", labels={"tidegate.port": "80"})), (
        "not Tidegate's port 80"
    )


def test_the_engine_by_the_gateway_and_a_socket_proxy_are_refused():
    by_gateway = Bounds(engine=("172.17.0.1", 2375))
    assert not servers(read(INSIDE, by_gateway, network_mode="host", labels={"tidegate.port": "2375"}))
    proxy = Bounds(engine=("socket-proxy", 2375))
    assert not servers(read(INSIDE, proxy, name="socket-proxy", labels={"tidegate.port": "2375"}))
    compose = {"com.docker.compose.project": "p", "com.docker.compose.service": "socket-proxy"}
    assert not servers(read(INSIDE, proxy, name="p-x-1", labels={"tidegate.port": "2375", **compose}))


def test_a_health_check_asks_no_port_of_tidegate_either():
    labels = {"tidegate.port": "8123", "tidegate.http.services.evil.loadbalancer.healthcheck.port": "8900"}
    labels |= {"tidegate.http.services.evil.loadbalancer.server.port": "8123"}
    assert not servers(read(HOST, network_mode="host", labels=labels))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.1.1", "fd00:ec2::254", "100.100.100.200", "0.0.0.0"]
)
def test_no_containers_address_is_one_of_these(address):
    found = read(HOST, networks={"web": address})
    assert not servers(found)
    assert "not one that Tidegate sends requests to" in found.problems[0].what


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://[fd00:ec2::254]/latest/",
        "http://[::ffff:169.254.169.254]/latest/",
        "http://127.0.0.1:8900/api",
        "http://localhost:8900/",
        "http://x.localhost:8900/",
        "http://[::1]:8900/",
        "http://127.8.8.8:2375/containers/json",
        "http://0.0.0.0:2375/containers/create",
        "http://host.docker.internal:2375/containers/json",
        "http://ip6-localhost:8900/",
        "http://anything.example.com:2375/containers/create",
        "http://172.18.0.2:2375/containers/create",
    ],
)
def test_no_middleware_of_a_label_asks_there(url):
    found = read(HOST, labels={AUTH: url, "tidegate.http.routers.evil.middlewares": "a"})
    assert "a@docker" not in found.middlewares
    assert "a@docker" in found.broken, "its routers answer 503"
    assert "No label leads there" in found.problems[0].what
    assert AUTH in found.problems[0].where


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0X7F.1", "0177.0.0.1", "0"])
def test_an_address_is_written_so_that_everybody_can_read_it(host):
    found = read(HOST, labels={AUTH: f"http://{host}:9091/", "tidegate.http.routers.evil.middlewares": "a"})
    assert "a@docker" not in found.middlewares
    assert "four decimal numbers such as 192.168.1.5" in found.problems[0].what


@pytest.mark.parametrize("engine", ["docker-proxy", "172.18.0.2", "host.docker.internal"])
def test_no_middleware_of_a_label_asks_the_engines_port_by_whatever_name(engine):
    for host in ("docker-proxy", "docker-proxy.tidegate_default", "172.18.0.2", "[fd00::2]"):
        found = read(INSIDE, Bounds(engine=(engine, 2375)), labels={AUTH: f"http://{host}:2375/"})
        assert "a@docker" not in found.middlewares


def test_where_names_lead_is_judged_when_connecting():
    found = read(HOST, labels={AUTH: "http://auth.example.com:9091/"})
    assert found.middlewares["a@docker"].address.shunned == Shunned(
        frozenset({8900, 2375}), "127.0.0.1", 2375
    )
    elsewhere = Bounds(dashboard=8900, engine=("docker.example.com", 443))
    found = read(INSIDE, elsewhere, labels={AUTH: "https://auth.example.com/"})
    assert found.middlewares["a@docker"].address.shunned == Shunned(
        frozenset({8900}), "docker.example.com", 443
    ), "sites are at that port, too"


@pytest.mark.parametrize("engine", ["host.docker.internal", "gateway.docker.internal", "192.168.1.10", "nas"])
def test_a_container_in_the_hosts_network_is_not_the_engine_by_whatever_name(engine):
    for own in (INSIDE, HOST):
        labels = {"tidegate.port": "2375"}
        assert not servers(read(own, Bounds(engine=(engine, 2375)), network_mode="host", labels=labels))


def test_nor_is_one_in_the_network_of_the_engines_filter():
    proxy = Container("d" * 64, "docker-proxy", networks={"web": "172.18.0.2"})
    told = {"network_mode": f"container:{'d' * 64}", "networks": {}, "others": [proxy]}
    bounds = Bounds(engine=("docker-proxy", 2375))
    assert not servers(read(INSIDE, bounds, labels={"tidegate.port": "2375"}, **told))
    assert servers(read(INSIDE, bounds, labels={"tidegate.port": "8080"}, **told))


@pytest.mark.parametrize(
    "url",
    [
        "http://authelia:9091/api",
        "http://127.0.0.1:9091/",
        "https://auth.example.com/",
        "http://172.18.0.9:8900/",
    ],
)
def test_others_are_asked(url):
    assert "a@docker" in read(HOST, labels={AUTH: url}).middlewares


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("tcp://socket-proxy:2375", ("socket-proxy", 2375)),
        ("tcp://[::1]:2376", ("::1", 2376)),
        ("tcp://Proxy", ("proxy", 2375)),
        ("tcp://proxy.:2375", ("proxy", 2375)),
        ("unix:///var/run/docker.sock", ("", 0)),
        ("ssh://root@nas", ("", 0)),
        ("", ("", 0)),
    ],
)
def test_where_the_engine_is(url, engine):
    assert engine_of(url) == engine


def test_the_settings_say_where_ones_own_things_are():
    assert bounds_of(Settings(), {}) == Bounds(frozenset({80, 443}), 8900)
    assert bounds_of(Settings(), {"DOCKER_HOST": "tcp://p:2375"}).engine == ("p", 2375)
