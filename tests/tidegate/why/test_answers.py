"""What is answered, first lines mostly: servers are real sockets on loopback, the engine is in memory."""

from __future__ import annotations

import json
import socket
from dataclasses import replace

import pytest

from discovery.allowed_hosts import AllowedHosts
from discovery.container import Container
from discovery.language import Language
from proxy.middlewares.chain import Chain
from proxy.model import Router, RoutingConfig, Server, Service
from proxy.problem import Problem
from proxy.reference import MiddlewareName
from proxy.table import Entrypoint, compile_table
from tests.tidegate.why.scenes import Engine, container, scene
from tidegate.status import as_json
from tidegate.why.answer import RequestAnswer
from tidegate.why.ask import Asking, answer, read_query
from tidegate.why.scene import Scene
from tidegate.why.text import answer_text


@pytest.fixture
def port():
    """Of somebody who accepts connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closed():
    with socket.create_server(("127.0.0.1", 0)) as was:
        return was.getsockname()[1]


async def first(word, at, **how):
    found = await answer(Asking(word, **how), at)
    text = answer_text(json.loads(json.dumps(as_json(found))))
    assert text.startswith(found.answer)
    return found.answer, found.served


def served_by(*servers: Server, **router: object) -> RoutingConfig:
    blog = Router("blog@file", "Host(`blog.example.com`)", "blog@file", origin="routes.yaml", **router)
    return RoutingConfig({"blog@file": blog}, {"blog@file": Service("blog@file", servers)})


async def test_who_serves_it(port):
    config = served_by(Server("routes.yaml", "127.0.0.1", port))
    assert await first("blog.example.com", scene(config=config)) == (
        f"https://blog.example.com/ is served by http://127.0.0.1:{port} (router blog@file, fast lane).",
        True,
    )


async def test_the_port_that_is_listened_on_is_said_where_it_is_not_the_usual_one(port):
    config = served_by(Server("routes.yaml", "127.0.0.1", port))
    points = (Entrypoint("web", port=18080), Entrypoint("websecure", tls=True, port=18443))
    at = replace(scene(config=config), entrypoints=points, table=compile_table(config, points))
    asked = {
        word: (await first(word, at))[0].partition(" ")[0] for word in ("blog.example.com", BEHIND, HERE)
    }
    assert set(asked.values()) == {"https://blog.example.com:18443/", BEHIND}


BEHIND, HERE = "https://blog.example.com:443/", "https://blog.example.com:18443/"
"""As visitors come through a published port, and as this machine does."""


def wrong(*where: str) -> list[Problem]:
    return [Problem(f"routes.yaml:{line}: {each}", "It is wrong.", "So.") for line, each in enumerate(where)]


async def test_of_a_route_file_only_what_is_about_the_site_is_told(port):
    """Its router and what that is made of, in turn, and what is about the whole file."""
    reached = Server("routes.yaml", "127.0.0.1", port)
    config = served_by(reached, middlewares=("all@file",))
    chain = Chain(middlewares=(MiddlewareName("part@file"),))
    config = replace(config, middlewares={"all@file": chain})
    mine = ("http.routers.blog.rule", "http.services.blog.x=1", "http.middlewares.part.ratelimit", "tcp")
    others = ("http.routers.blog2.rule", "http.routers.nas.service=blog", "http.middlewares.nas.x")
    found = await answer(Asking("blog.example.com"), scene(config=config, problems=wrong(*mine, *others)))
    assert isinstance(found, RequestAnswer)
    assert [each.where.rpartition(": ")[2] for each in found.problems] == list(mine)


async def test_a_container_has_its_name_state_and_network(port):
    blog = container("blog-1", "127.0.0.1", port, health="healthy", tidegate_host="blog.example.com")
    config = served_by(Server(blog.id, "127.0.0.1", port))
    at = scene(config=config, engine=Engine([blog]))
    found = await answer(Asking("blog.example.com"), at)
    assert found.answer == (
        "https://blog.example.com/ is served by container blog-1 (router blog@file, fast lane)."
    )
    [server] = found.servers
    assert (server.container, server.state, server.network, server.probe) == (
        "blog-1", "running, healthy", "front", "accepts",
    )  # fmt: skip


async def test_nobody_listens_at_the_port(closed):
    config = served_by(Server("routes.yaml", "127.0.0.1", closed))
    why = f"http://127.0.0.1:{closed}: connection refused"
    assert await first("blog.example.com", scene(config=config)) == (
        f"https://blog.example.com/ gets 502: {why} (router blog@file).",
        False,
    )
    found = await answer(Asking("blog.example.com"), scene(config=config))
    assert (found.status, "correct the service's url" in found.problems[-1].what) == (502, True)


async def test_nothing_answers_at_all(monkeypatch):
    monkeypatch.setattr("tidegate.why.probe.PATIENCE", 0.05)
    with socket.socket() as full:  # a backlog that is full: nobody is refused and nobody gets in
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        config = served_by(Server("routes.yaml", *address))
        found = await answer(Asking("blog.example.com"), scene(config=config))
        for each in waiting:
            each.close()
    assert (found.status, found.served) == (504, False)
    assert "no answer in time" in found.answer


async def test_some_of_several_servers(port, closed):
    config = served_by(Server("a", "127.0.0.1", port), Server("b", "127.0.0.1", closed))
    line, served = await first("blog.example.com", scene(config=config))
    assert f"served by http://127.0.0.1:{port} (1 of 2 servers) (router" in line
    assert served


async def test_a_service_without_a_server():
    blog = container("blog-1", "172.18.0.2", health="starting", tidegate_host="blog.example.com")
    assert await first("blog.example.com", scene(blog)) == (
        "https://blog.example.com/ gets 503: service blog-1@docker has no server (router blog-1@docker). "
        "Waiting for a healthy container.",
        False,
    )


async def test_a_router_that_is_not_set_up():
    blog = container(
        "blog-1", "172.18.0.2", tidegate_host="blog.example.com",
        **{"tidegate_http_routers_blog-1_middlewares": "lost"},
    )  # fmt: skip
    line, served = await first("blog.example.com", scene(blog))
    assert line == (
        'https://blog.example.com/ gets 503: There is no middleware "lost@docker"; '
        "without it the router is not served."
    )
    assert not served


async def test_a_slip_of_the_pen():
    blog = container("blog-1", "172.18.0.2", tidegate_host="blog.example.com")
    assert await first("https://blog.exmaple.com", scene(blog)) == (
        "https://blog.exmaple.com/ gets 404: no router takes it. Did you mean blog.example.com?",
        False,
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "exited"}, "It is not running: it has exited."),
        ({"tidegate_enable": "false"}, "Its label tidegate.enable=false closes its gate."),
        ({"tidegate_prot": "80"}, 'There is no "prot" here. Did you mean "port"?'),
    ],
)
async def test_somebody_asks_for_the_host_in_vain(changes, why):
    blog = container("blog-1", "172.18.0.2", **{"tidegate_host": "blog.example.com", **changes})
    assert await first("https://blog.example.com", scene(blog)) == (
        f"https://blog.example.com/ gets 404: container blog-1 asks for it, but gets no requests. {why}",
        False,
    )


async def test_who_is_served_elsewhere_asks_for_nothing_in_vain():
    """Neither a longer name nor another part of the site."""
    blog = container("blog-1", "172.18.0.2", tidegate_host="blog.example.com", tidegate_enable="false")
    cloud = container("cloud-1", "172.18.0.3", tidegate_host="example.com", tidegate_path="/cloud")
    line, served = await first("https://example.com/", scene(blog, cloud))
    assert (line, served) == ("https://example.com/ gets 404: no router takes it.", False)


async def test_a_redirect_is_followed(port):
    config = served_by(Server("routes.yaml", "127.0.0.1", port))
    found = await answer(Asking("http://blog.example.com/x"), scene(config=config))
    assert (found.answer, found.status, found.served) == (
        "http://blog.example.com/x is redirected (308) to https://blog.example.com/x", 308, True,
    )  # fmt: skip
    assert found.then
    assert found.then.answer.startswith("https://blog.example.com/x is served by")


@pytest.mark.parametrize(("client", "served"), [("", False), ("192.168.1.9", True)])
async def test_who_asks_counts(client, served):
    blog = container(
        "blog-1", "172.18.0.2", tidegate_host="blog.example.com",
        **{
            "tidegate_http_routers_blog-1_middlewares": "lan",
            "tidegate_http_middlewares_lan_ipallowlist_sourcerange": "192.168.0.0/16",
        },
    )  # fmt: skip
    found = await answer(Asking("blog.example.com", client=client), scene(blog))
    refused = "gets 403: middleware lan@docker (ipallowlist) answers 403." in found.answer
    assert refused is not served


# -- containers


def routed(at: dict[str, int], *containers: Container) -> Scene:
    """The first one's sites by host, with its servers' ports on loopback, where labels lead nobody."""
    routers = {host: Router(f"{host}@docker", f"Host(`{host}`)", f"{host}@docker") for host in at}
    services = {
        f"{host}@docker": Service(f"{host}@docker", (Server(containers[0].id, "127.0.0.1", port),))
        for host, port in at.items()
    }
    config = RoutingConfig({each.name: each for each in routers.values()}, services)
    return scene(config=config, engine=Engine(list(containers)))


async def test_a_container_that_is_served(port):
    blog = container("blog-1", "172.18.0.2", 2368, tidegate_host="blog.example.com")
    at = routed({"blog.example.com": port}, blog)
    line, served = await first("blog-1", at)
    assert (line, served) == (
        "Container blog-1 is served at https://blog.example.com (router blog.example.com@docker).", True,
    )  # fmt: skip
    [seen] = (await answer(Asking("blog-1"), at)).containers
    assert seen.asks == ("Host(`blog.example.com`) -> blog-1@docker, port 2368",)
    assert [each.probe for each in seen.servers] == ["accepts"]
    assert (await first(blog.id[:8], at))[0] == line


async def test_a_container_that_has_a_route_and_does_not_answer(closed):
    at = routed({"blog.example.com": closed}, container("blog-1", tidegate_host="blog.example.com"))
    assert await first("blog-1", at) == (
        "Container blog-1 does not answer: https://blog.example.com (router blog.example.com@docker) "
        f"leads to http://127.0.0.1:{closed}, connection refused. Its visitors get 502.",
        False,
    )
    [seen] = (await answer(Asking("blog-1"), at)).containers
    assert "say which: tidegate.port=" in seen.problems[-1].what


async def test_a_container_of_which_one_site_does_not_answer(port, closed):
    at = routed({"a.test": port, "b.test": closed}, container("two-1", tidegate_host="a.test"))
    line, served = await first("two-1", at)
    assert line.startswith("Container two-1 does not answer: https://b.test (router b.test@docker) leads to ")
    assert "https://a.test" not in line
    assert not served


async def test_a_container_whose_twin_answers_for_it(port, closed):
    """Nothing at its own port: its visitors are well, but not by it."""
    up, down = (container(name, port=at, tidegate_host="a.test") for name, at in (("a", port), ("b", closed)))
    config = served_by(Server(up.id, "127.0.0.1", port), Server(down.id, "127.0.0.1", closed))
    at = scene(config=config, engine=Engine([up, down]))
    assert (await first("a", at))[1]
    line, served = await first("b", at)
    assert line.endswith("connection refused. Its visitors are sent to its other servers.")
    assert not served


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({}, "It has no label that begins with tidegate. One is enough: tidegate.host=NAME"),
        (
            {"tidgate_host": "a.test"},
            "It has no label that begins with tidegate. Did you mean tidegate.host instead of tidgate.host?",
        ),
        (
            {"tidegate_host": "a.test", "tidegate_enable": "false"},
            "Its label tidegate.enable=false closes its gate.",
        ),
        ({"tidegate_host": "a.test", "health": "starting"}, "Its HEALTHCHECK has not passed yet."),
        ({"tidegate_host": "a.test", "health": "unhealthy"}, "Its HEALTHCHECK says that it is unhealthy."),
        ({"tidegate_host": "a.test", "state": "paused"}, "It is paused."),
        ({"tidegate_host": "a.test", "state": "exited"}, "It is not running: it has exited."),
        (
            {"tidegate_host": "a.test", "tidegate_network": "back"},
            'It is not on a network "back", only on "front".',
        ),
    ],
)
async def test_why_a_container_has_no_route(labels, why):
    lone = container("lone-1", "172.18.0.2", **labels)
    assert await first("lone-1", scene(lone)) == (f"Container lone-1 gets no requests: {why}", False)


async def test_a_container_whose_host_belongs_to_another():
    one, two = (
        container(name, "172.18.0.2", tidegate_host="blog.example.com") for name in ("blog-1", "late-1")
    )
    line, served = await first("late-1", scene(one, two))
    assert 'Container late-1 gets no requests: The host "blog.example.com" already belongs to blog-1.' in line
    assert not served


async def test_a_host_that_the_installation_gives_to_nobody_there():
    language = Language(allowed=AllowedHosts.parse("blog=blog.example.com"))
    evil = container("evil-1", "172.18.0.2", tidegate_host="blog.example.com")
    there = scene(evil, language=language)
    why = 'Container "evil-1" may not claim the host "blog.example.com": --allow-hosts gives it to blog.'
    assert why in (await first("evil-1", there))[0]
    line, served = await first("https://blog.example.com/", there)
    assert line.startswith("https://blog.example.com/ gets 404: container evil-1 asks for it")
    assert why in line
    assert not served


async def test_a_service_of_compose_is_all_of_its_containers(port):
    compose = {"com_docker_compose_project": "p", "com_docker_compose_service": "web"}
    up = container("p-web-1", "172.18.0.2", tidegate_host="a.test", **compose)
    down = container("p-web-2", "172.18.0.3", state="exited", tidegate_host="a.test", **compose)
    assert await first("web", routed({"a.test": port}, up, down)) == (
        "web is 2 containers; 1 of them is served.",
        True,
    )


async def test_a_container_that_nobody_has():
    blog = container("blog-1", "172.18.0.2", tidegate_host="blog.example.com")
    assert await first("blgo-1", scene(blog)) == (
        'No container is called "blgo-1". Did you mean "blog-1"?',
        False,
    )
    line, served = await first("nosuch", scene(blog))
    assert line.startswith('No container is called "nosuch". No router names a host like that, either.')
    assert not served
    assert (await first("https://nosuch/", scene(blog)))[0].startswith("https://nosuch/ gets 404")


async def test_a_host_without_a_dot_that_a_router_names_is_a_site(port):
    config = RoutingConfig(
        {"nas@file": Router("nas@file", "Host(`nas`)", "nas@file")},
        {"nas@file": Service("nas@file", (Server("routes.yaml", "127.0.0.1", port),))},
    )
    assert (await first("nas", scene(config=config)))[0].startswith("https://nas/ is served by")


async def test_an_engine_that_does_not_answer():
    at = scene(engine=Engine(broken="The socket is gone."))
    assert await first("blog-1", at) == ("The socket is gone.", False)
    assert (await first("blog.example.com", at))[0].startswith("https://blog.example.com/ gets 404")


async def test_a_name_without_an_engine_is_answered_in_a_sentence_and_a_url_as_ever():
    at = replace(scene(), engine=None)
    said, served = await first("blog-1", at)
    assert 'nothing is known of a container "blog-1"' in said
    assert not served
    assert (await first("https://blog-1/", at))[0].startswith("https://blog-1/ gets 404")


async def test_a_password_in_a_label_is_not_told():
    secret = container(
        "blog-1", "172.18.0.2", tidegate_host="a.test",
        tidegate_http_middlewares_pw_basicauth_users="anna:hunter2",
    )  # fmt: skip
    found = await answer(Asking("blog-1"), scene(secret))
    assert "hunter2" not in json.dumps(as_json(found))


def test_the_query_of_the_command_line():
    asking = read_query("about=a.test%2Fx&method=POST&from=10.0.0.1&header=A%3A+b&header=C%3A+d")
    assert asking == Asking("a.test/x", "POST", "10.0.0.1", ("A: b", "C: d"))
