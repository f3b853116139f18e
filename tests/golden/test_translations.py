"""Golden translations: a compose file, a line of dashes, its translation, and behind a second line the notes.

The name of a file begins with the dialect.  With TIDEGATE_GOLDEN=write the
outcomes are written anew, to be read before they are committed.  Whatever they
look like, both files have to make the same routing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from discovery.label_text import ROOT as OURS
from discovery.labels import read_container
from discovery.language import Language
from discovery.merge import merge
from discovery.networks import Own
from discovery.template_functions import normalize
from proxy.model import RoutingConfig
from proxy.reference import MiddlewareName, ServiceName, renamed
from proxy.table import compile_table
from tidegate.composefile.imagined import Imagined, all_imagined
from tidegate.composefile.project import load
from tidegate.defaults import entrypoints_of
from tidegate.settings import Settings
from tidegate.translating.translation import Translation, translate

FILES = sorted(Path(__file__).parent.glob("translations/*.yaml"))
DASHES = "# ----------\n"
ENTRYPOINTS = entrypoints_of(Settings())
ENVIRON = {"DOMAIN": "my.example.com", "API_PORT": "8081"}


def dialect_of(path: Path) -> str:
    return next(each for each in ("traefik", "caddy", "nginx-proxy") if path.stem.startswith(each))


def parts(path: Path) -> tuple[str, str, str]:
    before, _, rest = path.read_text().partition(DASHES)
    after, _, notes = rest.partition(DASHES)
    return before, after, notes


def translated(path: Path) -> Translation:
    return translate(parts(path)[0], dialect_of(path), Language(), ENTRYPOINTS)


def noted(found: Translation) -> str:
    return "".join(f"# {line}\n" for note in found.notes for line in note.splitlines())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_are_translated_as_they_say(path: Path) -> None:
    before, after, notes = parts(path)
    found = translated(path)
    if os.environ.get("TIDEGATE_GOLDEN") == "write":
        path.write_text(f"{before}{DASHES}{found.text}{DASHES}{noted(found)}")
        return
    assert found.text == after
    assert noted(found) == notes


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_translation_makes_the_same_routing(path: Path, tmp_path: Path) -> None:
    dialect = dialect_of(path)
    before = imagined(parts(path)[0], tmp_path)
    after = imagined(translated(path).text, tmp_path)
    stays = {name for name, each in after.items() if each.container.labels == before[name].container.labels}
    compared = [name for name in before if name not in stays or dialect == "nginx-proxy"]
    assert compared
    for name in compared:
        own = Language(dialects=(OURS, dialect)) if name in stays else Language(dialects=(OURS,))
        one, other = routing(before[name], Language(dialects=(dialect,))), routing(after[name], own)
        assert one == other, name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_but_labels_changes(path: Path) -> None:
    before, after = (yaml.safe_load(text) for text in (parts(path)[0], translated(path).text))
    for document in (before, after):
        for service in document["services"].values():
            service.pop("labels", None)
            variables = service.get("environment", {})
            kept = [each for each in variables if not re.match("VIRTUAL|LETSENCRYPT|NETWORK_ACCESS", each)]
            service["environment"] = kept
        for name in [name for name in document if name.startswith("x-")]:
            del document[name]
    assert before == after


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_comment_is_kept(path: Path) -> None:
    before, after = parts(path)[0], translated(path).text
    assert re.findall(r"(?:^|\s)(#.*)$", before, re.MULTILINE) == re.findall(
        r"(?:^|\s)(#.*)$", after, re.MULTILINE
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_second_translation_changes_nothing(path: Path) -> None:
    once = translated(path).text
    assert translate(once, dialect_of(path), Language(), ENTRYPOINTS).text == once


def imagined(text: str, directory: Path) -> Mapping[str, Imagined]:
    file = directory / "compose.yaml"
    file.write_text(text)

    def refuse(*what: object) -> None:
        raise AssertionError(what)

    project = load([file], ENVIRON, refuse)
    return {each.service.name: each for each in all_imagined([project])}


def routing(each: Imagined, language: Language) -> object:
    """The config and the hosts of its table, with elements called after the app all in one spelling."""
    container = each.container if each.container.exposed else replace(each.container, exposed=(80,))
    fragment = read_container(container, Own(frozenset(container.networks)), language=language)
    config = merge([fragment] if fragment else [])
    table = compile_table(config, ENTRYPOINTS)
    app = normalize(container.app)

    def called(name: str) -> str:
        """`blog-home` of Traefik's and `blog_home` of ours are names that nobody wrote."""
        spelled = name.replace(container.app, app, 1)
        return spelled.replace(app, each.service.name, 1) if spelled.startswith(app) else spelled

    routers = {
        called(name): replace(
            router,
            name=called(name),
            service=called(router.service)
            if router.service in declared(container.labels)
            else "the only one",
            middlewares=tuple(map(called, router.middlewares)),
            origin="",
            tls=table_says_tls(config, name),
            resolver=router.resolver.removeprefix("auto"),
        )
        for name, router in config.routers.items()
    }
    services = [replace(service, name="") for service in config.services.values()]
    middlewares = {
        called(name): renamed(renamed(middleware, MiddlewareName, called), ServiceName, called)
        for name, middleware in config.middlewares.items()
    }
    return routers, services, middlewares, config.broken, table.hosts()


def declared(labels: Mapping[str, str]) -> set[str]:
    found = (re.fullmatch(r"(?:tidegate|traefik)\.http\.services\.([^.]+)\..*", label) for label in labels)
    names = {f"{match[1]}@docker" for match in found if match}
    return names if len(names) > 1 else set()


def table_says_tls(config: RoutingConfig, name: str) -> set[tuple[str, str]]:
    """What becomes of the router on each entrypoint, whoever its middlewares are."""
    bare = replace(config, routers={name: replace(config.routers[name], middlewares=())})
    table = compile_table(bare, ENTRYPOINTS)
    return {(entrypoint, route.action) for entrypoint, routes in table.routes.items() for route in routes}


def test_there_are_several_files_of_each_dialect() -> None:
    assert {dialect_of(path) for path in FILES} == {"traefik", "caddy", "nginx-proxy"}
    assert len(FILES) >= 6
