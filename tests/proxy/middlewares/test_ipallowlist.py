from __future__ import annotations

from typing import Any

import pytest

from proxy.middlewares.ipallowlist import IPAllowList
from proxy.schema import parse_options
from tests.proxy.heads import head


def outcome(tree: dict[str, Any], client: str, chain: str = "") -> int | None:
    options, flaws = parse_options(IPAllowList, tree)
    assert options is not None, flaws
    fields = (("X-Forwarded-For", chain),) if chain else ()
    return getattr(options.on_request(head("/", "a.test", *fields, client=client)), "status", None)


@pytest.mark.parametrize(("client", "status"), [("192.168.1.7", None), ("192.168.2.7", 403), ("::1", 403)])
def test_only_these_networks_pass(client: str, status: int | None) -> None:
    assert outcome({"sourceRange": "192.168.1.0/24, fd00::/8"}, client) == status


@pytest.mark.parametrize(
    ("strategy", "chain", "status"),
    [
        ({"depth": "1"}, "6.6.6.6, 10.0.0.9, 192.0.2.1", None),
        ({"depth": "2"}, "6.6.6.6, 10.0.0.9, 192.0.2.1", 403),
        ({"depth": "3"}, "10.0.0.9, 192.0.2.1", 403),
        ({"depth": "1"}, "192.0.2.1", 403),  # nothing came, the one entry is our own
        ({"excludedIPs": "172.16.0.0/12"}, "10.0.0.9, 172.16.0.1, 192.0.2.1", None),
        ({"excludedIPs": "172.16.0.0/12"}, "172.16.0.1, 192.0.2.1", 403),
        ({"excludedIPs": "172.16.0.0/12"}, "10.0.0.9, junk, 192.0.2.1", 403),
        ("true", "10.0.0.9, 192.0.2.1", 403),
    ],
)
def test_another_address_may_be_judged(strategy: Any, chain: str, status: int | None) -> None:
    assert outcome({"sourceRange": "10.0.0.0/8", "ipStrategy": strategy}, "192.0.2.1", chain) == status


def test_the_refusal_may_look_like_a_missing_site() -> None:
    assert outcome({"sourceRange": "10.0.0.0/8", "rejectStatusCode": "404"}, "192.0.2.1") == 404


@pytest.mark.parametrize(
    ("tree", "what"),
    [
        ({"sourceRange": ""}, "sourceRange names no network, so nobody could pass. Example: 192.168.1.0/24"),
        (
            {"sourceRange": "::1", "rejectStatusCode": "600"},
            "rejectStatusCode is a status of HTTP such as 403 or 404.",
        ),
        ({"sourceRange": "::1", "ipStrategy": {"depth": "-1"}}, "depth counts from 1; 0 means not at all."),
        ({}, "This is missing. Example: 192.168.1.0/24, 10.0.0.0/8"),
    ],
)
def test_a_mistake_is_said(tree: dict[str, Any], what: str) -> None:
    assert [flaw.what for flaw in parse_options(IPAllowList, tree)[1]] == [what]
