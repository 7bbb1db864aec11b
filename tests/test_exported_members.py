"""The public list is what there is: sorted, documented, typed, importable, and nothing beside it."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import nbkit
from nbkit import registry

_PACKAGE = Path(nbkit.__file__).parent
_SOURCES = sorted(_PACKAGE.rglob("*.py"))
_MODULES = sorted(
    one.name
    for one in pkgutil.walk_packages([str(_PACKAGE)], "nbkit.")
    if not one.name.rpartition(".")[2].startswith("_")
)


def test_the_list_is_sorted_and_has_no_name_twice():
    assert sorted(nbkit.__all__, key=lambda name: (name[0].islower(), name)) == nbkit.__all__
    assert len(nbkit.__all__) == len(set(nbkit.__all__))


@pytest.mark.parametrize("name", nbkit.__all__)
def test_every_public_name_is_there_documented_and_typed(name):
    member = getattr(nbkit, name)
    assert inspect.getdoc(member)
    if inspect.isfunction(member):
        hints = member.__annotations__
        parameters = [one.name for one in inspect.signature(member).parameters.values()]
        assert {*parameters, "return"} <= {*hints}, f"{name} is not fully annotated"


def test_dir_lists_the_public_names():
    assert {*nbkit.__all__} <= {*dir(nbkit)}
    assert nbkit.__version__ == registry.installed_version()


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'manager'"):
        _ = nbkit.manager


def test_star_import_gives_the_public_list():
    code = "import nbkit\nbefore = {*globals()}\nfrom nbkit import *\nprint(sorted({*globals()} - before - {'before'}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ast.literal_eval(ran.stdout) == sorted(nbkit.__all__)


@pytest.mark.parametrize("name", _MODULES)
def test_every_module_says_what_it_is_for_and_lists_only_what_it_has(name):
    module = importlib.import_module(name)
    assert module.__doc__
    listed = getattr(module, "__all__", [])
    assert [one for one in listed if not hasattr(module, one)] == []


def test_no_public_function_shares_a_modules_name():
    names = {one.rpartition(".")[2] for one in _MODULES if one.count(".") == 1}
    callables = {name for name in nbkit.__all__ if inspect.isfunction(getattr(nbkit, name))}
    assert names.isdisjoint(callables)


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: str(path.relative_to(_PACKAGE)))
def test_a_file_is_short_and_so_are_its_functions(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 300
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            assert lines <= 60, f"{node.name} at line {node.lineno}"


def _public(tree: ast.AST) -> typing.Iterator[tuple[str, ast.AST]]:
    for node in getattr(tree, "body", []):
        is_form = any(isinstance(one, ast.Name) and one.id == "overload" for one in getattr(node, "decorator_list", []))
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_") and not is_form:
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from ((f"{node.name}.{name}", inner) for name, inner in _public(node))


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: str(path.relative_to(_PACKAGE)))
def test_every_public_name_in_a_file_is_documented(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert [name for name, node in _public(tree) if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("group", ["providers", "guards", "sinks"])
def test_every_built_in_plug_in_loads_under_its_own_name(group):
    for name in registry.names(group):
        assert registry.load(group, name).name == name
