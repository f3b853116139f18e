import asyncio
import errno
import socket
import ssl
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest
import structlog

from proxy.balancing import Balanced, HealthCheck
from proxy.exchange import Empty, NeverSent, Request, RequestHead
from proxy.model import Router, RoutingConfig, Server, Service
from tidegate.addresses import OFF, Address
from tidegate.app import App
from tidegate.logs import Outlet
from tidegate.reachability import UNHEALTHY, Reachability, in_words
from tidegate.settings import Settings

SERVER, OTHER = Server("4f5e", "10.1.2.3", 9999), Server("6a7b", "10.1.2.4", 9999)
REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed")


@pytest.fixture
def known():
    """A Reachability with the number of its changes."""
    changes = []
    return Reachability(lambda *_: changes.append(1)), changes


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (REFUSED, "connection refused"),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 111] x"),
            "connection refused",
        ),
        (TimeoutError(), "no answer in time"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "no route"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "no route"),
        (ssl.SSLCertVerificationError(1, "self-signed"), "TLS certificate not trusted"),
        (ssl.SSLError(1, "wrong version number"), "it does not speak TLS"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no such name"),
        (OSError("something new"), "no connection"),
    ],
)
def test_a_failure_in_words(failure, words):
    assert in_words(failure) == words


def test_a_server_is_down_from_its_first_failure_to_its_next_success(known):
    reachability, changes = known
    assert reachability.state(SERVER) == "up"
    for _ in range(3):
        reachability.tried(SERVER, REFUSED)
    assert (reachability.state(SERVER), reachability.state(OTHER), len(changes)) == (
        "connection refused",
        "up",
        1,
    )
    for _ in range(3):
        reachability.tried(SERVER, None)
    assert (reachability.state(SERVER), len(changes)) == ("up", 2)


def test_a_server_that_leaves_the_table_is_forgotten(known):
    reachability, _ = known
    reachability.tried(SERVER, REFUSED)
    reachability.retain({OTHER})
    assert reachability.state(SERVER) == "up"


def test_a_shortage_of_our_own_says_nothing_of_the_server(known):
    reachability, changes = known
    reachability.tried(SERVER, OSError(errno.EMFILE, "Too many open files"))
    assert (reachability.state(SERVER), changes) == ("up", [])


@pytest.mark.parametrize(
    ("service", "failure", "what", "consequence"),
    [
        (
            Service("blog@docker", (SERVER,)),
            REFUSED,
            "Nothing answers at http://10.1.2.3:9999 (connection refused). "
            "If the app listens on another port, say which: tidegate.port=...",
            "Its visitors get 502.",
        ),
        (
            Service("blog@file", (SERVER, OTHER)),
            TimeoutError(),
            "Nothing answers at http://10.1.2.3:9999 (no answer in time). "
            "If the app listens on another port, correct the service's url.",
            "Its visitors are sent to its other servers.",
        ),
        (
            Service("blog@docker", (SERVER,)),
            ssl.SSLCertVerificationError(1, "self-signed"),
            "No connection to http://10.1.2.3:9999 (TLS certificate not trusted). "
            "Give the app a certificate that this machine trusts, or ask it over http.",
            "Its visitors get 502.",
        ),
    ],
)
def test_it_is_a_problem_with_what_to_do(known, service, failure, what, consequence):
    reachability, _ = known
    reachability.tried(SERVER, failure)
    [problem] = reachability.problems({service.name: service})
    assert (problem.where, problem.what, problem.consequence, problem.severity) == (
        f"{service.name}: http://10.1.2.3:9999",
        what,
        consequence,
        "warning",
    )


def asking() -> Request:
    return Request(RequestHead("GET", "/", (), "a.test", ip_address("192.0.2.1")), Empty())


@pytest.fixture
def app(tmp_path) -> App:
    settings = Settings(web=Address("127.0.0.1", 0), docker=OFF, data=tmp_path, acme_ca=OFF)
    return App(settings, Outlet(lambda record: None, print, console=True))


@asynccontextmanager
async def running(app: App):
    """Tables are made while the block runs."""
    rebuilding = asyncio.ensure_future(app.routing.rebuilding.run())  # noqa: TID251 - it is cancelled here
    try:
        yield
    finally:
        rebuilding.cancel()


async def hello(reader, writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
    writer.close()


async def test_the_program_tells_once_that_nothing_answers_and_once_that_something_does(app):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        server = Server("a", "127.0.0.1", silent.getsockname()[1])
        router = Router("a@file", "Host(`a.test`)", "a@file")
        app.routing.take_files(RoutingConfig({"a@file": router}, {"a@file": Service("a@file", (server,))}))
        async with running(app):
            await app.routing.rebuilding.settled()
        with structlog.testing.capture_logs() as logs:
            for _ in range(2):
                with pytest.raises(NeverSent):
                    await app.serving.pool.ask(server, (), asking())
            assert [problem.where for problem in app.shown.status().problems] == [f"a@file: {server.url}"]
            assert app.shown.status().services[0].servers[0].state == "connection refused"
            silent.listen()
            async with await asyncio.start_server(hello, sock=silent):
                assert (await app.serving.pool.ask(server, (), asking())).status == 200
        assert [(line["event"], line["log_level"]) for line in logs] == [
            ("problem", "warning"),
            ("problem gone", "info"),
        ]
        assert app.shown.status().services[0].servers[0].state == "up"
        await app.serving.outside.close()
        await app.serving.pool.close()


def test_what_a_health_check_says_stands_until_it_says_otherwise() -> None:
    told: list[tuple[Server, str]] = []
    reachability = Reachability(lambda server, failure: told.append((server, failure)))
    service = Service("s@docker", (SERVER, OTHER), how=Balanced(health_check=HealthCheck()))
    reachability.judged(service, SERVER, False)
    reachability.judged(service, SERVER, False)
    reachability.tried(SERVER, None)
    assert told == [(SERVER, UNHEALTHY)]
    [problem] = reachability.problems({"s@docker": service})
    assert problem.what == "It is left out: its health check fails."
    assert problem.consequence == "Its visitors are sent to its other servers."
    reachability.judged(service, SERVER, True)
    assert told == [(SERVER, UNHEALTHY), (SERVER, "")]
