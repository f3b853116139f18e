"""What is compiled must mean the same as what is not."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import ROOT


def compiled() -> list[str]:
    for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMPILED":
            return list(ast.literal_eval(node.value))
    raise AssertionError("setup.py has no list")


def caught(function: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler) and node.name and node.type:
            yield node.name, ast.unparse(node.type)


@pytest.mark.parametrize("name", compiled())
def test_one_name_holds_one_kind_of_exception(name):
    """mypyc 2.4 takes the second for the first, and raises TypeError where it is caught."""
    for function in ast.walk(ast.parse(Path(ROOT, "proxy", f"{name}.py").read_text())):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            kinds = dict(caught(function))
            assert set(caught(function)) == set(kinds.items()), function.name


@pytest.mark.parametrize("name", compiled())
def test_no_slice_may_end_before_it_begins(name):
    """mypyc 2.4 makes a SystemError of `data[end - 1 : end]` where `end` is 0."""
    for node in ast.walk(ast.parse(Path(ROOT, "proxy", f"{name}.py").read_text())):
        if isinstance(node, ast.Slice) and node.upper is not None and isinstance(node.lower, ast.BinOp):
            assert not isinstance(node.lower.op, ast.Sub), ast.unparse(node)


@pytest.mark.parametrize("name", compiled())
def test_nothing_is_awaited_while_an_exception_is_handled(name):
    """mypyc 2.4 leaves it to the thread meanwhile: whoever else fails then raises it a second time."""
    for node in ast.walk(ast.parse(Path(ROOT, "proxy", f"{name}.py").read_text())):
        if isinstance(node, ast.ExceptHandler):
            inside = (each for statement in node.body for each in ast.walk(statement))
            waits = [each for each in inside if isinstance(each, ast.Await | ast.AsyncFor | ast.AsyncWith)]
            assert not waits, ast.unparse(node)


@pytest.mark.parametrize("name", compiled())
def test_each_module_can_be_the_first_that_is_imported(name):
    """mypyc 2.4 looks, when it makes a dataclass, at the classes that its fields name: not made yet, they are
    a fault of memory.  Who imports what first is different in a worker."""
    command = [sys.executable, "-c", f"import proxy.{name}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def attributes(node: ast.AST) -> set[str]:
    return {ast.unparse(each) for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def asked_for_none(test: ast.expr) -> str:
    """The attribute in `if self.x is None`."""
    match test:
        case ast.Compare(ast.Attribute() as left, [ast.Is()], [ast.Constant(None)]):
            return ast.unparse(left)
    return ""


@pytest.mark.parametrize("name", compiled())
def test_what_was_none_before_a_wait_is_not_asked_again_after_it(name):
    """mypyc 2.4 believes that it is None still, and leaves the second question out."""
    for node in ast.walk(ast.parse(Path(ROOT, "proxy", f"{name}.py").read_text())):
        if isinstance(node, ast.If) and (asked := asked_for_none(node.test)):
            waited = False
            for statement in node.body:
                value = statement.value if isinstance(statement, ast.Assign) else statement
                assert not (waited and asked in attributes(value)), ast.unparse(node)
                waited = waited or any(isinstance(each, ast.Await) for each in ast.walk(statement))
