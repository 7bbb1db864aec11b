"""Servers for the tests of providers."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SERVERS = Path(__file__).parents[1] / "servers"


@pytest.fixture(scope="session")
def faults() -> ModuleType:
    """The module of the fault server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SERVERS)
        return importlib.import_module("faults")


@pytest.fixture
def server(faults: ModuleType) -> Iterator[object]:
    """A fault server that answers rightly until its `script` says otherwise."""
    with faults.FaultServer() as found:
        yield found
