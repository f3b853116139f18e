"""The list of sites at the end of what `tidegate check` says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tidegate.checking.test_check import checked, said
from tidegate.checking.report import report

SIGN = "anna:$$apr1$$H6uskkkW$$IgXLP6ewTrSuBkTrqE8wj/"
LABELS = {
    f"{{tidegate.auth: '{SIGN}'}}": "a.example.com -> a:80",
    f"{{tidegate.middlewares: x, tidegate.http.middlewares.x.basicauth.users: '{SIGN}'}}": (
        "a.example.com -> a:80"
    ),
    "{tidegate.http.middlewares.x.digestauth.users: 'anna:r:0123456789abcdef0123456789abcdef', "
    "tidegate.middlewares: x}": "a.example.com -> a:80",
    "{tidegate.http.middlewares.x.forwardauth.address: 'http://auth:9091/', tidegate.middlewares: x}": (
        "a.example.com -> a:80"
    ),
    "{tidegate.http.middlewares.x.ratelimit.average: '5', tidegate.middlewares: x}": "a.example.com -> a:80",
    "{tidegate.http.middlewares.x.buffering.maxrequestbodybytes: '5', tidegate.middlewares: x}": (
        "a.example.com -> a:80"
    ),
    "{tidegate.middlewares: authelia@file}": "a.example.com -> a:80",
    "{tidegate.tls: off}": "http://a.example.com -> a:80",
    "{tidegate.tls: off, tidegate.path: /x}": (
        "http:// Host(`a.example.com`) && (Path(`/x`) || PathPrefix(`/x/`)) -> a:80"
    ),
    "{tidegate.entrypoints: web}": "http://a.example.com -> a:80",
    "{tidegate.maintenance: back at noon}": "a.example.com -> closed for maintenance",
    "{tidegate.maintenance: lan}": "a.example.com -> closed for maintenance, but for the lan",
    "{tidegate.maintenance: 192.0.2.0/24}": "a.example.com -> closed for maintenance, but for 192.0.2.0/24",
    "{tidegate.middlewares: x, tidegate.http.middlewares.x.redirectregex.regex: '.*', "
    "tidegate.http.middlewares.x.redirectregex.replacement: 'https://b.example.com/'}": (
        "a.example.com -> redirected to b.example.com"
    ),
    # Only a part of the site is elsewhere.
    "{tidegate.middlewares: x, tidegate.http.middlewares.x.redirectregex.regex: '/$$', "
    "tidegate.http.middlewares.x.redirectregex.replacement: 'https://b.example.com/'}": (
        "a.example.com -> a:80"
    ),
}


@pytest.mark.parametrize("labels", LABELS)
def test_every_site_is_listed_with_what_becomes_of_its_visitors(tmp_path: Path, labels: str) -> None:
    labels_with_host = labels.replace("{", "{tidegate.host: a.example.com, ", 1)
    found = checked(tmp_path, compose=f"services: {{a: {{expose: [80], labels: {labels_with_host}}}}}")
    assert [line for line in said(found) if " error " in line] == []
    assert list(found.sites) == [LABELS[labels]]
    assert json.loads("".join(report(found, "json")))["sites"] == [LABELS[labels]]


def test_a_site_that_is_only_redirected_says_where_to(tmp_path: Path) -> None:
    text = (
        "services: {a: {expose: [80], labels: {tidegate.host: a.test, tidegate.redirect: 'b.test, c.test'}}}"
    )
    found = checked(tmp_path, compose=text)
    assert sorted(found.sites) == ["a.test -> a:80", "b.test, c.test -> redirected to a.test"]


def test_sites_of_route_files_are_listed_as_well(tmp_path: Path) -> None:
    found = checked(
        tmp_path,
        routes="""http:
  routers: {nas: {rule: Host(`nas.example.com`), service: nas, middlewares: [slow]}}
  services: {nas: {loadBalancer: {servers: [{url: "http://192.168.1.5:5000"}]}}}
  middlewares: {slow: {rateLimit: {average: 5}}}
""",
    )
    assert list(found.sites) == ["nas.example.com -> http://192.168.1.5:5000"]


def test_a_site_whose_middleware_is_broken_is_not_listed(tmp_path: Path) -> None:
    labels = "{tidegate.host: a.example.com, tidegate.middlewares: nobody}"
    found = checked(tmp_path, compose=f"services: {{a: {{expose: [80], labels: {labels}}}}}")
    assert found.errors == 1
    assert list(found.sites) == []


def test_which_port_images_expose_is_asked_once(tmp_path: Path) -> None:
    services = ", ".join(f"{name}: {{labels: {{tidegate.host: {name}.example.com}}}}" for name in "abc")
    found = checked(tmp_path, compose=f"services: {{{services}}}")
    [finding] = found.findings
    assert (finding.subject, finding.severity) == ("a, b, c", "notice")
    assert "write tidegate.port=8080" in finding.what
    assert len(found.sites) == 3
