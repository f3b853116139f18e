"""Servers are checked as in Traefik."""

from __future__ import annotations

from urllib.parse import urlsplit

from proxy.balancing import HealthCheck
from proxy.checking import is_well, request_head
from proxy.model import Server
from proxy.schema import parse_options
from tests.conformance.cases import Case, cases
from tests.conformance.test_labels import seconds
from tests.proxy.test_checking import app_and_pool
from tests.proxy.wire.stage import says, to


def declared(case: Case) -> HealthCheck | None:
    config = {name: value for name, value in case["config"].items() if (name, value) != ("port", 0)}
    return parse_options(HealthCheck, config)[0]


@cases("health_checks", "durations")
def test_durations(case: Case) -> None:
    check = declared(case)
    assert check is not None
    assert check.interval == seconds(case["expected"]["interval"])
    assert check.timeout == seconds(case["expected"]["timeout"])


@cases("health_checks", "request")
def test_what_is_asked(case: Case) -> None:
    check, expected = declared(case), case["expected"]
    if expected.get("error"):
        assert check is None
        return
    assert check is not None
    url = urlsplit(case["server"])
    scheme = check.scheme or url.scheme
    server = Server("c", url.hostname or "", check.port or url.port or 80, scheme)
    head = request_head(server, check, str(check.path))
    asked, wanted = urlsplit(f"{scheme}://{head.get('Host')}{head.target}"), urlsplit(expected["url"])
    assert (asked.scheme, asked.path, asked.query) == (wanted.scheme, wanted.path, wanted.query)
    host, _, port = expected["host"].partition(":")
    assert head.get("Host") == (host if port == "80" else expected["host"])  # 80 goes without saying
    assert server.port == (wanted.port or 80)
    assert head.method == expected["method"]
    for name, value in expected["headers"].items():
        assert (head.get(name) or None) == value


@cases("health_checks", "check")
async def test_who_is_well(case: Case) -> None:
    check, expected = declared(case), case["expected"]
    assert check is not None
    well = None
    for status in case["answers"]:
        fields = "Location: /elsewhere\r\n" if "redirect_followed" in expected else ""
        async with app_and_pool(says(f"{status} Said", b"" if status == 204 else b"x", fields)) as (
            app,
            pool,
        ):
            if status == 204:
                app.script = says("204 Said")
            well = await is_well(pool, to(app), check)
            if "redirect_followed" in expected:
                assert (len(app.calls) > 1) is expected["redirect_followed"]
    assert well is (expected["healthy"] if "healthy" in expected else expected["final"] == "up")
