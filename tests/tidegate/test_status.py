import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from proxy.model import Router, RoutingConfig, Server, Service
from proxy.problem import Problem
from proxy.table import Entrypoint, compile_table
from tidegate.dashboard.page import render_page
from tidegate.route_rows import certificate_of, url
from tidegate.rows import EntrypointRow
from tidegate.serving import WorkerState
from tidegate.status import as_json, build_status
from tidegate.tables import status_text
from tidegate.tasks import TaskState

NOW = datetime(2027, 1, 15, 8, tzinfo=UTC)
WEB, WEBSECURE = (
    EntrypointRow("web", "0.0.0.0:80", 80),
    EntrypointRow("websecure", "0.0.0.0:443", 443, tls=True),
)
BLOG = Router(
    "blog@docker", "Host(`blog.example.com`)", "blog@docker", middlewares=("lan@docker",), origin="blog-web-1"
)
SERVER = Server("4f5e", "172.18.0.3", 2368)


@dataclass(frozen=True)
class Rule:
    hosts: frozenset[str]


@dataclass(frozen=True)
class Route:
    router: Router
    rule: Rule
    action: str = "serve"
    reason: str = ""
    passes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Host:
    host: str
    state: str = "active"
    issuer: str = "Let's Encrypt R11"
    not_after: datetime | None = NOW + timedelta(days=60)
    next_try: datetime | None = None
    last_error: str = ""
    findings: tuple[str, ...] = ()
    renew_at: datetime | None = NOW + timedelta(days=30)


@dataclass(frozen=True)
class Engine:
    up: bool = True
    what: str = "Docker 29 answers."


SERVED = Route(BLOG, Rule(frozenset({"blog.example.com"})))
CONFIG = RoutingConfig(
    routers={"blog@docker": BLOG},
    services={"blog@docker": Service("blog@docker", (SERVER,)), "spare@docker": Service("spare@docker")},
    problems=(
        Problem("nas-1: tidegate.port", "The image exposes 2 ports: 80, 443.", "Service has no server."),
    ),
)


def status(**changes):
    facts = {
        "version": "1.0", "started": NOW - timedelta(hours=5), "now": NOW, "config": CONFIG,
        "routes": {"web": [replace(SERVED, action="redirect")], "websecure": [SERVED]},
        "entrypoints": (WEB, WEBSECURE), "hosts": [Host("blog.example.com")], "engine": Engine(),
        "tasks": (TaskState("docker", "running"),),
    }  # fmt: skip
    return build_status(**(facts | changes))


def test_a_router_is_one_row_that_says_where_it_is_served_and_by_whom():
    [row] = status().routes
    assert (row.urls, row.redirects) == (("https://blog.example.com",), ("http://blog.example.com",))
    assert row.entrypoints == ("web", "websecure")
    assert (row.action, row.service, row.middlewares, row.origin) == (
        "serve", "blog@docker", ("lan@docker",), "blog-web-1",
    )  # fmt: skip
    assert [(server.url, server.owner, server.state) for server in row.servers] == [
        ("http://172.18.0.3:2368", "4f5e", "up")
    ]
    assert [certificate.issuer for certificate in row.certificates] == ["Let's Encrypt R11"]


def test_a_broken_router_says_why_even_where_another_entrypoint_only_redirects():
    broken = replace(SERVED, action="broken", reason='There is no middleware "lan".')
    [row] = status(routes={"web": [replace(SERVED, action="redirect")], "websecure": [broken]}).routes
    assert (row.action, row.reason) == ("broken", 'There is no middleware "lan".')


def test_a_router_that_the_table_left_out_is_shown_as_broken():
    [row] = status(routes={}).routes
    assert (row.router, row.action, row.reason) == (
        "blog@docker",
        "broken",
        "It is on no entrypoint; the problems say why.",
    )


def test_services_name_their_servers_states_and_users():
    blog, spare = status(server_state=lambda server: "down").services
    assert (blog.servers[0].state, blog.routers) == ("down", ("blog@docker",))
    assert (spare.servers, spare.routers) == ((), ())


@pytest.mark.parametrize(
    ("engine", "task", "health", "reasons"),
    [
        (Engine(), "running", "ok", ()),
        (None, "running", "ok", ()),
        (Engine(up=False, what="The socket is gone."), "running", "degraded", ("The socket is gone.",)),
        (Engine(), "waiting", "degraded", ('The task "docker" died and waits for its restart.',)),
    ],
)
def test_health(engine, task, health, reasons):
    now = status(engine=engine, tasks=(TaskState("docker", task),))
    assert (now.health, now.reasons) == (health, reasons)


def test_problems_of_labels_and_of_others_stand_together_once_and_without_secrets():
    other = Problem("routes.yaml:3: http", "Look at https://me:hunter2@nas.lan")
    shown = status(problems=[other, other]).problems
    assert [problem.where for problem in shown] == ["nas-1: tidegate.port", "routes.yaml:3: http"]
    assert "hunter2" not in str(shown)


@pytest.mark.parametrize(
    ("host", "entrypoint", "address"),
    [
        ("a.test", WEB, "http://a.test"),
        ("a.test", WEBSECURE, "https://a.test"),
        ("a.test", replace(WEBSECURE, port=8443), "https://a.test:8443"),
        ("fd00::7", replace(WEB, port=443), "http://[fd00::7]:443"),
    ],
)
def test_url(host, entrypoint, address):
    assert url(host, entrypoint) == address


def test_a_hosts_certificate_is_its_own_or_the_wildcards_one_label_up():
    own, wild = object(), object()
    held = {"a.test": own, "*.test": wild}
    assert certificate_of("a.test", held) is own
    assert certificate_of("b.test", held) is wild
    assert certificate_of("c.b.test", held) is None


def test_as_json_is_plain_and_says_times_in_utc():
    shown = as_json(status())
    assert shown["started"] == "2027-01-15T03:00:00Z"
    assert shown["uptime"] == 18000.0
    assert shown["routes"][0]["servers"] == [
        {"url": "http://172.18.0.3:2368", "owner": "4f5e", "state": "up"}
    ]
    assert shown["certificates"][0]["not_after"] == "2027-03-16T08:00:00Z"
    assert shown["problems"][0]["severity"] == "error"


# -- for a terminal


def test_the_tables():
    failed = Host(
        "nas.example.com", "failed", "", None, NOW + timedelta(hours=1), "The CA could not reach port 80."
    )
    text = status_text(as_json(status(hosts=[Host("blog.example.com"), failed])))
    assert (
        text
        == """\
Tidegate 1.0, up for 5 h 0 min: ok, 1 problem
Docker 29 answers.

ADDRESS                       STATE  SERVICE      SERVER                  MIDDLEWARES
https://blog.example.com      serve  blog@docker  http://172.18.0.3:2368  lan@docker
from http://blog.example.com

SERVICE       SERVER                  USED BY
blog@docker   http://172.18.0.3:2368  blog@docker
spare@docker  none

CERTIFICATE       STATE   ISSUER             UNTIL
blog.example.com  active  Let's Encrypt R11  2027-03-16
nas.example.com   failed
  The CA could not reach port 80.
  next try 2027-01-15 09:00 UTC

1 PROBLEM

nas-1: tidegate.port
  The image exposes 2 ports: 80, 443.
  Service has no server.
"""
    )


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_tables_fit_the_terminal(width):
    text = status_text(as_json(status()), width)
    tables = [line for block in text.split("\n\n")[1:4] for line in block.split("\n")]
    assert all(len(line) <= width for line in tables)
    for whole in ("https://blog.example.com", "http://172.18.0.3:2368", "lan@docker"):
        assert whole in text  # what somebody may want to copy is never cut


def test_in_a_narrow_terminal_a_route_takes_two_lines_and_its_reason_one_more():
    api = replace(BLOG, name="api@docker", rule="Host(`blog.example.com`) && PathPrefix(`/api`)")
    reason = 'Middleware "lan@docker" asks service "auth@docker", which does not exist.'
    broken = replace(SERVED, router=api, action="broken", reason=reason)
    text = status_text(as_json(status(routes={"websecure": [broken, SERVED]})), 72)
    assert (
        text.split("\n\n")[1]
        == """\
ADDRESS                       STATE
https://blog.example.com      serve
  blog@docker  http://172.18.0.3:2368  lan@docker
https://blog.example.com/api  broken
  blog@docker  http://172.18.0.3:2368  lan@docker
  broken: Middleware "lan@docker" asks service "auth@docker", which does
  not exist."""
    )


def test_a_rule_of_more_than_a_host_and_a_path_is_shown():
    get = replace(BLOG, rule="Host(`blog.example.com`) && Method(`GET`)")
    now = status(routes={"websecure": [replace(SERVED, router=get)]})
    assert f"\n  {get.rule}\n" in status_text(as_json(now))
    assert get.rule in unescape(render_page(now))


def test_routes_stand_by_host_then_path_and_last_those_without_a_host():
    def at(name: str, rule: str, *hosts: str) -> Route:
        return Route(replace(BLOG, name=name, rule=rule), Rule(frozenset(hosts)))

    routes = [
        at("a", "PathPrefix(`/`)"),
        at("b", "Host(`b.test`) && Path(`/z`)", "b.test"),
        at("c", "Host(`b.test`)", "b.test"),
        at("d", "Host(`a.test`)", "a.test"),
    ]
    rows = status(config=RoutingConfig(), routes={"web": routes}).routes
    assert [row.router for row in rows] == ["d", "c", "b", "a"]


@pytest.mark.parametrize(
    ("service", "problems", "reason"),
    [
        ("blog@docker", (), "Waiting for a healthy container."),
        ("blog@docker", (Problem("a: port", "?", 'Service "blog" has no server.'),), "The problems say why."),
        ("blog@file", (), "Its service has none."),
    ],
)
def test_a_route_whose_service_has_no_server_says_so(service, problems, reason):
    router = replace(BLOG, service=service)
    config = RoutingConfig({router.name: router}, {service: Service(service)}, problems=problems)
    now = status(config=config, routes={"websecure": [replace(SERVED, router=router)]})
    assert (now.routes[0].action, now.routes[0].reason) == ("no server", reason)
    assert "no server" in status_text(as_json(now))
    assert "no server" in render_page(now)


def test_nothing_from_a_label_gives_orders_to_the_terminal():
    evil = replace(BLOG, rule="Host(`\033[2J`)")
    config = replace(CONFIG, routers={"blog@docker": evil}, problems=(Problem("x\033[2J\nfake line", "y"),))
    text = status_text(
        as_json(status(config=config, routes={"web": [replace(SERVED, router=evil, rule=Rule(frozenset()))]}))
    )
    assert "\033" not in text
    assert "\nfake line" not in text
    assert "\\x1b[2J" in text


def test_without_any_route_it_says_what_to_do():
    text = status_text(as_json(status(config=RoutingConfig(), routes={}, hosts=[], engine=None)))
    assert "tidegate.host=NAME" in text


def test_wide_characters_keep_their_columns():
    rows = {"東京@docker": Service("東京@docker", (SERVER,)), "a@docker": Service("a@docker", (SERVER,))}
    text = status_text(as_json(status(config=RoutingConfig(services=rows), routes={})))
    assert "a@docker     http" in text
    assert "東京@docker  http" in text


def test_the_real_tables_routes_are_shown():
    table = compile_table(CONFIG, [Entrypoint("web", port=80), Entrypoint("websecure", tls=True, port=443)])
    [row] = status(config=CONFIG, routes=table.routes).routes
    assert (row.urls, row.redirects) == (("https://blog.example.com",), ("http://blog.example.com",))
    assert row.action == "broken"  # its middleware is in no config
    assert "lan" in row.reason


def test_a_router_whose_service_has_no_server_is_not_said_to_be_served():
    name = SERVED.router.service
    [row] = status(config=replace(CONFIG, services={name: Service(name)})).routes
    assert row.action == "no server"
    assert row.reason


FIRST, SECOND = WorkerState(1, 4711, "serving", 12), WorkerState(2, None, "waiting", 0, deaths=3)


@pytest.mark.parametrize(
    ("workers", "health", "reasons"),
    [
        ((), "ok", ()),
        ((FIRST, replace(FIRST, number=2)), "ok", ()),
        ((FIRST, SECOND), "degraded", ("Worker 2 does not serve.",)),
        ((SECOND,), "down", ("No worker serves: nobody gets an answer.",)),
        ((replace(FIRST, state="starting"), SECOND), "down", ("No worker serves: nobody gets an answer.",)),
    ],
)
def test_who_is_not_served_by_a_worker_is_part_of_the_health(workers, health, reasons):
    now = status(workers=workers)
    assert (now.health, now.reasons) == (health, reasons)


def test_workers_are_shown_where_there_are_any():
    text, page = (
        status_text(as_json(status(workers=(FIRST, SECOND)))),
        render_page(status(workers=(FIRST, SECOND))),
    )
    assert re.search(r"^WORKER +PID +STATE +CONNECTIONS +DEATHS$", text, re.MULTILINE)
    assert re.search(r"^1 +4711 +serving +12 +0$", text, re.MULTILINE)
    assert re.search(r"^2 +none +waiting +0 +3$", text, re.MULTILINE)
    assert "Workers (2)" in page
    assert "4711" in page
    assert "WORKER" not in status_text(as_json(status()))
    assert "Workers" not in render_page(status())


def test_a_route_whose_app_is_dead_says_so():
    now = status(server_state=lambda server: "connection refused")
    [row] = [row for row in now.routes if row.router == "blog@docker"]
    assert (row.action, row.reason) == ("no answer", "Its app does not answer: connection refused.")
    assert "no answer" in status_text(as_json(now))
    assert [row.action for row in status().routes if row.router == "blog@docker"] == ["serve"]
