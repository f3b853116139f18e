"""Expand: label lines in, the long labels that they stand for and what is wrong with them out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from discovery.container import SERVING, Container
from discovery.fragment import Fragment
from discovery.labels import expanded, read_container
from discovery.language import Language
from discovery.merge import merge
from discovery.networks import Own
from proxy.model import Entrypoint
from proxy.problem import Problem
from proxy.table import attached, passed
from tidegate.composefile.imagined import all_imagined
from tidegate.composefile.project import load, with_override

PORT = 80
"""The one that the imagined image exposes."""


def expansion_of_file(
    path: Path, environ: Mapping[str, str], language: Language, entrypoints: Sequence[Entrypoint]
) -> Iterator[str]:
    """The same for each service of a compose file that asks for something, its name before it.

    Without errors and warnings: a file has more than its services, and `checking` knows all of them.
    Raises OSError, UnicodeDecodeError or BrokenYAML.
    """
    project = load(with_override([path]), environ, lambda *_: None)
    every = all_imagined([project])
    others = {each.container.id: each.container for each in every}
    for each in every:
        container = each.container
        if not container.exposed:
            container = replace(container, exposed=(PORT,))
        lines, problems = of_container(container, language, entrypoints, others)
        if lines or problems:
            yield from (f"# service {each.service.name}", *lines)
        yield from commented(problem for problem in problems if problem.severity == "notice")


def expansion(
    text: str, language: Language, entrypoints: Sequence[Entrypoint] = (), name: str = "app"
) -> Iterator[str]:
    """Lines to print: long labels, then the installation's defaults and problems behind `#`."""
    words = dict(labels_in(text))
    labels = {name: value for name, value in words.items() if name not in SERVING}
    variables = {name: value for name, value in words.items() if name in SERVING}
    networks = {language.wish(labels).wanted or "bridge": "172.17.0.2"}
    container = Container(
        "0" * 64, name, labels=labels, environment=variables, networks=networks, exposed=(PORT,)
    )
    lines, problems = of_container(container, language, entrypoints)
    yield from lines
    yield from commented(problems)


def of_container(
    container: Container,
    language: Language,
    entrypoints: Sequence[Entrypoint],
    others: Mapping[str, Container] | None = None,
) -> tuple[list[str], Sequence[Problem]]:
    """Long labels and the installation's defaults, a line each, and what is wrong with them."""
    lines = [f"{label}={value}" for label, value in expanded(container, language)]
    fragment = read_container(container, Own(frozenset(container.networks)), others, language)
    if fragment is None:
        return lines, ()
    return [*lines, *defaults_taken(fragment, entrypoints)], merge([fragment]).problems


def commented(problems: Iterable[Problem]) -> Iterator[str]:
    for problem in problems:
        yield from (f"# {line}" for line in f"{problem.severity}: {problem}".splitlines())


def defaults_taken(fragment: Fragment, entrypoints: Sequence[Entrypoint]) -> Iterator[str]:
    for router in fragment.routers.values():
        for entrypoint in attached(router, entrypoints):
            first = [name for name in passed(router, entrypoint) if name not in router.middlewares]
            if first and (entrypoint.tls or router.tls is False or router.entrypoints):
                where = f"router {router.name.partition('@')[0]} on {entrypoint.name}"
                yield f"# default: {where} passes {', '.join(first)} first, as the settings say"


def labels_in(text: str) -> Iterator[tuple[str, str]]:
    """Labels, one a line as `NAME=VALUE` or as YAML's `NAME: VALUE`, in a list or not."""
    for line in text.splitlines():
        line = line.strip().removeprefix("- ").strip()
        if len(line) > 1 and line[0] in "\"'" and line[-1] == line[0]:
            line = line[1:-1]
        if not line or line.startswith("#") or line.lower() in ("labels:", "labels"):
            continue
        name, sign, value = _divided(line)
        if sign:
            yield name.strip(), value


def _divided(line: str) -> tuple[str, str, str]:
    """Whichever of `=` and `: ` comes first; a YAML value's quotes are not part of it."""
    equals, colon = line.find("="), line.find(": ")
    if colon >= 0 and (equals < 0 or colon < equals):
        name, sign, value = line.partition(": ")
        value = value.strip()
        quoted = len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]
        return name.strip("\"'"), sign, value[1:-1] if quoted else value
    return line.partition("=")
