"""YAML tree: a file's plain values, and the line on which each stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from discovery.yaml_slips import in_words
from proxy.frozen import frozen
from proxy.schema import Tree

MOST_VALUES = 100_000  # aliases of aliases could ask for far more than the file has bytes
DEEPEST = 50


class BrokenFileError(Exception):
    """The file is not YAML that can be used; the text says what is wrong, `line` where."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.line = line


@frozen
class Document:
    """What a file says; `lines` are known by the path to a value, lower case, list places as [n]."""

    tree: Tree
    lines: Mapping[tuple[str, ...], int]


def read_document(text: str) -> Document:
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        reader = _Reader(loader)
        tree = reader.read(node, ()) if node is not None else None
        return Document(tree, reader.lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BrokenFileError(f"This is not YAML: {in_words(error)}", mark.line + 1 if mark else 1) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BrokenFileError(f"This is not YAML: {' '.join(str(error).split())[:200]}", 1) from error


@dataclass(slots=True)
class _Reader:
    loader: yaml.SafeLoader
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)
    values: int = 0

    def read(self, node: yaml.Node, path: tuple[str, ...]) -> Tree:
        self.values += 1
        if self.values > MOST_VALUES or len(path) > DEEPEST:
            raise BrokenFileError("The file has too many values.", node.start_mark.line + 1)
        self.lines.setdefault(path, node.start_mark.line + 1)
        match node:
            case yaml.MappingNode():
                return self._mapping(node, path)
            case yaml.SequenceNode():
                return [self.read(item, (*path, f"[{n}]")) for n, item in enumerate(node.value)]
        value = self.loader.construct_object(node)
        return value if isinstance(value, (str, int, float, bool)) or value is None else str(node.value)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> Tree:
        written = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        self.loader.flatten_mapping(node)
        tree: dict[str, Tree] = {}
        for key, value in node.value:
            name = str(key.value)
            if written.count(key.value) > 1:
                raise BrokenFileError(f'"{name[:40]}" stands here twice.', key.start_mark.line + 1)
            below = (*path, name.lower())
            self.lines[below] = key.start_mark.line + 1
            tree[name] = self.read(value, below)
        return tree
