"""Servers for the tests of providers."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


def _load(name: str) -> ModuleType:
    key = f"nbkit_tests_{name}"
    if key not in sys.modules:
        path = Path(__file__).parents[1] / "servers" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(key, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[key] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[key])
    return sys.modules[key]


@pytest.fixture(scope="session")
def faults() -> ModuleType:
    """The module of the fault server."""
    return _load("faults")


@pytest.fixture
def server(faults: ModuleType) -> Iterator[object]:
    """A fault server that answers rightly until its `script` says otherwise."""
    with faults.FaultServer() as found:
        yield found
