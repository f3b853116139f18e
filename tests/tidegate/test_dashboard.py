import asyncio
import json
import socket
import stat
import tempfile
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import structlog

from proxy.model import RoutingConfig
from proxy.problem import Problem
from tests.tidegate.test_status import BLOG, CONFIG, SECOND, SERVED, Engine, Host, Rule, status
from tidegate.addresses import OFF, Address
from tidegate.control import NAME, AlreadyRunning, NotAnswering, ask
from tidegate.dashboard import is_local_name
from tidegate.dashboard.page import render_page
from tidegate.dashboard.serve import open_dashboard

ANY_PORT = Address("127.0.0.1", 0)
EVIL = "<script>alert(1)</script>\"'&"


@pytest.fixture
def data():
    """A directory with a short path, as sockets want it."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


async def get(address: Address, target: str, method: str = "GET", **headers: str):
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://{address}{target}", headers=headers) as response,
    ):
        return response.status, response.headers, await response.text()


async def test_the_json_says_what_the_status_says(data):
    async with open_dashboard(status, data, ANY_PORT) as (address,):
        code, headers, text = await get(address, "/api/status")
        assert (code, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
        assert json.loads(text)["routes"][0]["router"] == "blog@docker"
        for part, first in {
            "routes": ("service", "blog@docker"),
            "services": ("name", "blog@docker"),
            "certificates": ("host", "blog.example.com"),
            "problems": ("where", "nas-1: tidegate.port"),
            "entrypoints": ("name", "web"),
            "tasks": ("name", "docker"),
        }.items():
            rows = json.loads((await get(address, f"/api/{part}"))[2])
            assert rows[0][first[0]] == first[1]
        assert json.loads((await get(address, "/api/health"))[2]) == {"health": "ok", "reasons": []}
        assert (await get(address, "/api/secrets"))[0] == 404


async def test_every_answer_carries_the_strict_headers_and_no_word_of_the_software(data):
    async with open_dashboard(status, data, ANY_PORT) as (address,):
        for target in ("/", "/api/status", "/nothing", "/healthz"):
            _, headers, _ = await get(address, target)
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Cache-Control"] == "no-store"
            assert "Server" not in headers


async def test_what_is_no_character_takes_nothing_else_from_the_page(data):
    """A route file can say "\\uD800"."""
    strange = replace(status(), problems=(Problem("routes.yaml:1: \ud800", "What is this?"),))
    async with open_dashboard(lambda: strange, data, ANY_PORT) as (address,):
        code, headers, body = await get(address, "/")
        assert (code, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "What is this?" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("target", ["/", "/api/status", "/nothing"])
async def test_it_only_shows(data, method, target):
    async with open_dashboard(status, data, ANY_PORT) as (address,):
        code, headers, _ = await get(address, target, method)
        assert (code, headers["Allow"]) == (405, "GET,HEAD")
        assert (await get(address, "/", "HEAD"))[0] == 200


async def test_questions_are_answered_here_and_not_elsewhere(data):
    async def why(query: str) -> object:
        return {"answer": query}

    async with open_dashboard(status, data, ANY_PORT, why) as (address,):
        assert json.loads((await get(address, "/api/why?about=a"))[2]) == {"answer": "about=a"}
        assert await asyncio.to_thread(ask, "why?about=b", data, OFF) == {"answer": "about=b"}
    async with open_dashboard(status, data, Address("0.0.0.0", 0), why) as (address,):
        assert (await get(Address("127.0.0.1", address.port), "/api/why?about=a"))[0] == 404
        assert await asyncio.to_thread(ask, "why?about=b", data, OFF) == {"answer": "about=b"}


async def test_on_loopback_a_strangers_name_is_refused(data):
    async with open_dashboard(status, data, ANY_PORT) as (address,):
        assert (await get(address, "/api/status", Host=f"evil.example:{address.port}"))[0] == 403
        assert (await get(address, "/api/status", Host=f"localhost:{address.port}"))[0] == 200


async def test_on_other_addresses_any_name_may_be_used(data):
    async with open_dashboard(status, data, Address("0.0.0.0", 0)) as (address,):
        assert (await get(Address("127.0.0.1", address.port), "/healthz", Host="nas.lan:8900"))[0] == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8900", "a.localhost", "127.0.0.1:80", "[::1]", "[::1]:80", "10.0.0.1"]
)
def test_a_local_name(host):
    assert is_local_name(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::1].evil", ":80"]
)
def test_a_strangers_name(host):
    assert not is_local_name(host)


async def test_health_is_no_longer_200_when_nobody_is_served(data):
    async with open_dashboard(lambda: status(workers=(SECOND,)), data, ANY_PORT) as (address,):
        code, _, text = await get(address, "/healthz")
        assert (code, text.splitlines()[0]) == (503, "down")
        assert json.loads((await get(address, "/api/workers"))[2])[0]["state"] == "waiting"


async def test_health_is_ok_while_sites_are_served(data):
    degraded = status(engine=Engine(up=False, what="The socket is gone."))
    async with open_dashboard(lambda: degraded, data, ANY_PORT) as (address,):
        code, _, text = await get(address, "/healthz")
        assert (code, text) == (200, "degraded\nThe socket is gone.\n")


# -- the page


def test_the_page_shows_everything():
    page = render_page(
        status(
            hosts=[
                Host("blog.example.com"),
                Host(
                    "nas.test",
                    "failed",
                    "",
                    None,
                    last_error="refused",
                    findings=("refused", "port 80 is mute"),
                ),
            ]
        )
    )
    for words in (
        "Problems (1)",
        "nas-1: tidegate.port",
        'href="https://blog.example.com"',
        "172.18.0.3:2368",
        "from http://blog.example.com",
        "Let&#x27;s Encrypt R11, until 2027-03-16",
        "refused",
        "port 80 is mute",
        "5 h 0 min",
    ):
        assert words in page
    assert "<title>(1) Tidegate</title>" in page


def test_the_pages_headline_counts_problems_and_its_columns_keep_words_whole():
    page = render_page(status())
    assert '<strong class="warn">ok, 1 problem</strong>' in page
    assert "th { white-space: nowrap;" in page
    assert "overflow-wrap: break-word" in page.partition("th, td {")[2].partition("}")[0]


def test_the_page_of_an_empty_installation_says_what_to_do():
    page = render_page(status(config=RoutingConfig(), routes={}, hosts=[], engine=None))
    assert "tidegate.host=NAME" in page
    assert "Problems" not in page


def test_no_word_from_outside_becomes_markup():
    router = replace(BLOG, rule=EVIL, origin=EVIL, middlewares=(EVIL,), service=EVIL)
    config = replace(CONFIG, routers={router.name: router}, problems=(Problem(EVIL, EVIL, EVIL),))
    for hosts in (frozenset(), frozenset({EVIL})):
        route = replace(SERVED, router=router, rule=Rule(hosts), action=EVIL, reason=EVIL)
        page = render_page(
            status(config=config, routes={"web": [route]}, hosts=[Host(EVIL, EVIL, EVIL, None, None, EVIL)],
                   engine=Engine(up=False, what=EVIL))
        )  # fmt: skip
        assert "<script" not in page
        assert EVIL not in page
        assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 6


# -- the socket


async def test_the_control_socket_answers_its_user_only_and_goes_with_its_instance(data):
    async with open_dashboard(status, data, OFF) as bound:
        assert bound == ()
        assert stat.S_IMODE((data / NAME).stat().st_mode) == 0o600
        answer = await asyncio.to_thread(ask, "status", data, OFF)
        assert answer["routes"][0]["router"] == "blog@docker"
    assert not (data / NAME).exists()


async def test_a_path_too_long_for_a_socket_works_all_the_same(tmp_path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    async with open_dashboard(status, deep, OFF):
        assert (await asyncio.to_thread(ask, "health", deep, OFF))["health"] == "ok"


async def test_a_second_instance_on_the_same_data_is_refused_and_the_first_keeps_its_socket(data):
    async with open_dashboard(status, data, OFF):
        with pytest.raises(AlreadyRunning, match="Another Tidegate is running"):
            async with open_dashboard(status, data, OFF):
                raise AssertionError("opened")
        assert (await asyncio.to_thread(ask, "health", data, OFF))["health"] == "ok"


async def test_the_socket_of_a_killed_instance_is_replaced(data):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(data / NAME))
    async with open_dashboard(status, data, OFF):
        assert (await asyncio.to_thread(ask, "health", data, OFF))["health"] == "ok"


async def test_what_is_no_socket_is_left_alone_and_the_dashboard_still_opens(data):
    (data / NAME).write_text("mine")
    with structlog.testing.capture_logs() as logs:
        async with open_dashboard(status, data, ANY_PORT) as (address,):
            assert (await asyncio.to_thread(ask, "health", data, address))["health"] == "ok"
    assert [line["event"] for line in logs] == ["no control socket"]
    assert (data / NAME).read_text() == "mine"


async def test_an_address_in_use_costs_the_dashboard_and_nothing_else(data):
    with socket.socket() as taken, structlog.testing.capture_logs() as logs:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with open_dashboard(status, data, Address("127.0.0.1", port)) as bound:
            assert bound == ()
            assert (await asyncio.to_thread(ask, "health", data, OFF))["health"] == "ok"
    assert [line["event"] for line in logs] == [
        f"The dashboard cannot listen on port {port}: another program has it. "
        "Stop that program, or choose another port: --dashboard 127.0.0.1:8900"
    ]


async def test_asking_where_nobody_is_says_what_was_tried(data):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", unused.getsockname()[1])
        with pytest.raises(NotAnswering) as error:
            await asyncio.to_thread(ask, "status", data, address)
    assert f"{data / NAME}: there is no such socket" in str(error.value)
    assert f"http://{address}: nobody listens there" in str(error.value)


async def test_another_program_at_the_address_is_not_taken_for_tidegate(data):
    async def hello(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi")
        writer.close()

    async with await asyncio.start_server(hello, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotAnswering, match="something else than Tidegate"):
            await asyncio.to_thread(ask, "status", data, Address("127.0.0.1", port))
