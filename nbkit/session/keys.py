"""API keys by variable name: from the environment, the nearest `.env`, or the system's keyring; never from a cell."""

from __future__ import annotations

import functools
import importlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

_LINE = re.compile(
    r"""^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?:"([^"]*)"|'([^']*)'|((?!#)[^\n]*?)|)(?:\s+#.*|\s*)$"""
)
KEYRING_SERVICE = "nbkit"


def find_key(names: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> tuple[str, str] | None:
    """Name and value of the first key that is set, None when none is.

    >>> find_key(["A_KEY", "B_KEY"], environment={"B_KEY": "sk-1"}, folder=Path("/nonexistent"))
    ('B_KEY', 'sk-1')
    """
    for name in names:
        if environment.get(name):
            return name, environment[name]
    written = read_env_file(folder)
    for name in names:
        if written.get(name):
            return name, written[name]
    return _from_keyring(names) if environment is os.environ else None


def read_env_file(folder: Path) -> dict[str, str]:
    """Variables of the nearest `.env`, from `folder` upwards; empty when there is none that can be read."""
    for path in _env_files(folder):
        try:
            text = Path(path).read_text(encoding="utf-8") if os.path.exists(path) else None  # noqa: PTH110 - every call asks
        except (OSError, UnicodeDecodeError):
            continue
        if text is not None:
            found = (_LINE.match(line) for line in text.splitlines())
            return {m[1]: m[2] or m[3] or m[4] or "" for m in found if m}
    return {}


@functools.lru_cache(maxsize=8)
def _env_files(folder: Path) -> tuple[str, ...]:
    return tuple(str(place / ".env") for place in (folder, *folder.parents))


@functools.cache
def _keyring() -> ModuleType | None:
    """The package, if it is installed; looked for once, since a package that is missing is looked for everywhere."""
    try:
        return importlib.import_module("keyring")
    except ImportError:
        return None


def _from_keyring(names: Sequence[str]) -> tuple[str, str] | None:
    keyring = _keyring()
    if keyring is None:
        return None
    for name in names:
        try:
            value = keyring.get_password(KEYRING_SERVICE, name)
        except keyring.errors.KeyringError:
            return None
        if value:
            return name, value
    return None
