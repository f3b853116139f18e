"""What of a request's head arrives is what it is behind Traefik."""

from __future__ import annotations

import pytest

from proxy.exchange import Fields, get
from proxy.headers import BadRequest, TrustedProxies, to_server
from proxy.model import Server, Service
from proxy.values import parse_network
from tests.conformance.cases import Case, cases
from tests.conformance.scanned import ALL, CLIENT, receive


@cases("host_header")
def test_host_header(case: Case) -> None:
    assert receive("/", case["host_header"]).host == case["expected_host"]


def trusted_by(options: Case) -> TrustedProxies:
    return (
        ALL
        if options.get("insecure")
        else TrustedProxies(tuple(map(parse_network, options.get("trustedIPs", []))))
    )


def values(fields: Fields, name: str) -> list[str]:
    """By the exact spelling, as an app that tells X_a from X-a would see them."""
    return [value for key, value in fields if key.lower() == name.lower()]


@cases("forwarded_headers", "forwarded_headers")
def test_forwarded_headers(case: Case) -> None:
    request, options = case["request"], case["options"]
    client = (request["remote_addr"] or CLIENT).rpartition(":")[0] or CLIENT
    head = receive(
        "/",
        request["host"],
        request["headers"],
        client=client,
        tls=request["tls"],
        trusted=trusted_by(options),
    )
    for name, expected in case["expected_headers"].items():
        if not request["remote_addr"] and name == "X-Real-Ip" and expected is None:
            continue  # there is always an address behind a socket
        seen = get(head.fields, name) or None
        if name == "X-Forwarded-For":  # the case stands before the step that adds the peer
            chain, _, last = (seen or "").rpartition(", ")
            assert last == client
            seen = chain or None
        assert seen == expected, name


@cases("forwarded_headers", "connection_headers")
def test_connection_headers(case: Case) -> None:
    given = dict(case["request"]["headers"])
    head = receive("/", "a.test", case["request"]["headers"])
    upgrade = given["Upgrade"] if "upgrade" in given["Connection"] else None  # the scanner's part
    sent = to_server(head, Service("s"), Server("c", "10.0.0.2", 80), upgrade)
    for name, expected in case["expected_headers"].items():
        assert (get(sent, name) or None) == expected, name


@cases("forwarded_headers", "xff_append")
def test_forwarded_for_is_appended(case: Case) -> None:
    before = case["request"]["x_forwarded_for_after_trust_step"]
    client = case["request"]["remote_addr"].rpartition(":")[0]
    head = receive("/", "a.test", [["X-Forwarded-For", before]] if before else [], client=client, trusted=ALL)
    assert head.get("X-Forwarded-For") == case["expected_headers"]["X-Forwarded-For"]


@cases("entrypoint_paths", "normalize")
def test_paths_are_normalised(case: Case) -> None:
    assert receive(case["raw_path"], "a.test").path == case["expected_escaped_path"]


@cases("entrypoint_paths", "sanitize")
def test_paths_are_sanitised(case: Case) -> None:
    assert receive(case["path"], "a.test").path == case["expected_path"]


@cases("entrypoint_paths", "entrypoint_path")
def test_paths_at_the_entrypoint(case: Case) -> None:
    assert receive(case["raw_path"], "a.test").path == case["expected"]["escaped_path"]


@cases("entrypoint_paths", "malformed", "fragment")
def test_malformed_paths_are_refused(case: Case) -> None:
    target = case.get("raw_path") or case["request_target"]
    if case["expected"]["status"] == 400:
        with pytest.raises(BadRequest):
            receive(target, "a.test")
    else:
        assert receive(target, "a.test").target == target


@cases(
    "entrypoint_paths",
    "underscore_headers",
    where=lambda case: (
        case["options"]["underscoreHeadersStrategy"] in ("", "keep") if "options" in case else False
    ),
)
def test_underscores_in_names_are_kept_where_they_mean_nothing(case: Case) -> None:
    head = receive("/", "a.test", case["request"]["headers"])
    for name, expected in case["expected"]["upstream_headers"].items():
        assert values(head.fields, name) == (expected if isinstance(expected, list) else [expected])
