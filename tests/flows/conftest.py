from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest


def _beside(*names: str) -> list[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        return [importlib.import_module(name) for name in names]


@pytest.fixture(scope="session")
def leaking() -> ModuleType:
    """The notebook in which keys are in use."""
    return _beside("leaking")[0]


@pytest.fixture(scope="session")
def leak_ways() -> ModuleType:
    """The ways in which a call goes wrong there."""
    return _beside("leaking", "leak_ways")[1]


@pytest.fixture(scope="session")
def obeying() -> ModuleType:
    """The model that obeys, and what it is told."""
    return _beside("obeying")[0]


@pytest.fixture(scope="session")
def orders() -> ModuleType:
    """What that model is told, and where."""
    return _beside("orders")[0]


@pytest.fixture(scope="session")
def obeyed() -> ModuleType:
    """The notebook in which it does."""
    return _beside("leaking", "obeying", "obeyed")[2]
