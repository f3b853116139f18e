"""Labels of Traefik's mean here what they mean there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from discovery.container import Container
from discovery.fragment import Fragment
from discovery.labels import read_container
from discovery.language import Language
from discovery.networks import Own
from discovery.references import plain
from discovery.template import Template
from discovery.tree import LabelNameError, Node, grow
from proxy.balancing import USUAL, Balanced
from proxy.values import Duration
from tests.conformance.cases import Case, cases
from tests.conformance.middlewares import option_at

DEFAULT = "Host(`default.test`)"
LANGUAGE = Language(default_rule=Template.parse(DEFAULT))


@cases("labels_grammar", "tree")
def test_label_trees(case: Case) -> None:
    filters = [each.lower() for each in case["filters"]]
    labels = {
        label: value
        for label, value in case["labels"].items()
        if not filters or any(label.lower().startswith(each) for each in filters)
    }
    if case.get("error"):
        with pytest.raises(LabelNameError):
            grow(labels)
    else:
        assert written(grow(labels)) == case["expected"]


def written(node: Node | None) -> Any:
    if node is None:
        return None
    found: dict[str, Any] = {"name": node.name}
    if node.children:
        found["children"] = [written(child) for child in node.children]
    return found if node.value is None else {**found, "value": node.value}


@cases("labels_grammar", "grammar", where=lambda case: "durations" in case["name"])
def test_durations(case: Case) -> None:
    """They are stated of one option; any duration is read alike."""
    text = case["labels"]["traefik.http.services.s.loadbalancer.healthcheck.interval"]
    if case.get("error"):
        with pytest.raises(ValueError, match="duration"):
            Duration.parse(text)
    else:
        [wanted] = case["expected_value"].values()
        assert Duration.parse(text) == seconds(wanted)


@cases("labels_grammar", "grammar", where=lambda case: "durations" not in case["name"])
def test_label_grammar(case: Case) -> None:
    fragment = read(case["labels"])
    errors = [each for each in fragment.problems if each.severity == "error"]
    if case.get("error"):
        assert errors
        return
    assert not errors
    for path, expected in flat(case.get("expected") or nested(case["expected_value"])):
        check(fragment, path, expected)


@cases("labels_decode")
def test_label_decode(case: Case) -> None:
    """Every name is known; values that are none in earnest ("foobar" for a network) may be refused."""
    fragment = read(case["labels"])
    for problem in fragment.problems:
        assert not re.search(r'There is no ("(?!foobar)\w+" here|middleware type)', problem.what), problem
    for path, expected in flat(case["expected"]):
        if path[0] in ("tcp", "udp"):
            assert any(f"{path[0].upper()} routers are not served" in each.what for each in fragment.problems)
        elif path[0] == "tls":
            assert any("Tidegate chooses its certificates" in each.what for each in fragment.problems)
        elif path[2] in plain_names(fragment, path[1]) and (path[1] != "services" or is_served(path[3:])):
            check(fragment, path, expected)
        else:
            assert any(f".{path[2]}.".lower() in each.where.lower() for each in fragment.problems), path


def is_served(path: tuple[str, ...]) -> bool:
    return path == ("loadBalancer", "passHostHeader")


def plain_names(fragment: Fragment, section: str) -> set[str]:
    return {plain(name) for name in getattr(fragment, section)}


def read(labels: dict[str, str]) -> Fragment:
    container = Container("a" * 64, "app", labels=labels, networks={"web": "172.18.0.5"}, exposed=(80,))
    fragment = read_container(container, Own(networks=frozenset({"web"})), language=LANGUAGE)
    return fragment or Fragment("app", "app")


def nested(values: Case) -> Case:
    """`a.b: 1` as {a: {b: 1}}."""
    tree: Case = {}
    for path, value in values.items():
        below = tree
        *parents, last = path.split(".")
        for step in parents:
            below = below.setdefault(step, {})
        below[last] = value
    return tree


def flat(tree: Case, path: tuple[str, ...] = ()) -> Any:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from flat(value, (*path, key))
        else:
            yield (*path, key), value


def check(fragment: Fragment, path: tuple[str, ...], expected: Any) -> None:
    section, name, *below = path[1:]
    match section, below:
        case "routers", []:
            assert name in plain_names(fragment, "routers")
        case "routers", _:
            [router] = [each for each in fragment.routers.values() if plain(each.name) == name]
            check_router(router, below, expected)
        case "services", ["loadBalancer", "passHostHeader"]:
            assert fragment.services[f"{name}@docker"].pass_host_header is expected
        case "services", ["loadBalancer", "servers"]:
            ports = [server.port for server in fragment.services[f"{name}@docker"].servers]
            assert ports == [int(each["port"]) for each in expected]
        case "services", ["loadBalancer", "responseForwarding", *_]:
            pass  # it does not exist as an option: what is asked for is what is done
        case "services", ["loadBalancer", *below]:
            how = fragment.services[f"{name}@docker"].how or USUAL
            assert isinstance(how, Balanced)
            value = option_at(how, ["", *below])
            assert value == expected or str(value) == str(expected) or value == seconds(expected)
        case "middlewares", []:
            pass
        case "middlewares", _:
            value = option_at(fragment.middlewares[f"{name}@docker"], below)
            value = list(map(plain, value)) if below == ["chain", "middlewares"] else value
            assert value == expected or str(value) == str(expected) or value == seconds(expected)
        case _:
            raise AssertionError(f"{path} is not served")


def seconds(text: Any) -> float | None:
    try:
        return float(Duration.parse(text))
    except (TypeError, ValueError):
        return None


def check_router(router: Any, below: list[str], expected: Any) -> None:
    match below:
        case ["rule"]:
            assert router.rule == expected
        case ["entryPoints"]:
            assert list(router.entrypoints) == expected
        case ["middlewares"]:
            assert [plain(each) for each in router.middlewares] == expected
        case ["priority"]:
            assert router.priority == expected
        case ["service"]:
            assert plain(router.service) == expected
        case ["tls", *_]:
            assert router.tls is True
        case _:
            raise AssertionError(below)
