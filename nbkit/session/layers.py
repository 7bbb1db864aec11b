"""Settings from the environment and from files, as layers of `nbkit.config`."""

from __future__ import annotations

import functools
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbkit.config import Layer, layer
from nbkit.errors import BadSetting
from nbkit.session.trust import within_limits
from nbkit.setting import TABLE

_BY_ENV = {setting.env: setting for setting in TABLE}


def environment_layers(environment: Mapping[str, str] | None = None) -> list[Layer]:
    """One layer for each `NBKIT_*` variable that is set; `NBKIT_HOME` is not a setting.

    Names of other `NBKIT_*` variables are left alone: a variable may belong to a plug-in or to a newer version.
    """
    variables = os.environ if environment is None else environment
    # Going through the variables once costs a third of looking for each setting's: every call asks.
    found = [(_BY_ENV[name], variables[name]) for name in variables if name in _BY_ENV]
    return [layer(setting.env, {setting.name: value}) for setting, value in found]


_PROJECT_SIGNS = ("pyproject.toml", ".git")


def file_layers(start: Path, home: Path) -> list[Layer]:
    """The nearest `pyproject.toml` with a `[tool.nbkit]` table, from `start` upwards, and `config.toml` in `home`.

    Of the first, what `within_limits` leaves.
    """
    found = []
    *projects, user = _files(start, home)
    for path in projects:
        table = _read_toml(path).get("tool", {})
        if isinstance(table, dict) and isinstance(table.get("nbkit"), dict):
            found.append(layer(str(path), table["nbkit"]))
            break
    values = _read_toml(user)
    own = layer(str(user), values) if values else None
    projects_own = [within_limits(one, {} if own is None else own.values) for one in found]
    return projects_own if own is None else [*projects_own, own]


def file_stamp(start: Path, home: Path) -> tuple[int, ...]:
    """Changes when one of the files that `file_layers` reads does: their modification times in ns, 0 for none."""
    return tuple(map(modified_ns, _files(start, home)))


@functools.lru_cache(maxsize=8)
def project_of(start: Path) -> str:
    """The folder that work in `start` belongs to: the nearest with a `pyproject.toml` or `.git`, else itself.

    >>> project_of(Path("/")) == str(Path("/"))
    True
    """
    folders = (start, *start.parents)
    return str(next((one for one in folders if any((one / sign).exists() for sign in _PROJECT_SIGNS)), start))


@functools.lru_cache(maxsize=8)
def _files(start: Path, home: Path) -> tuple[Path, ...]:
    return (*(folder / "pyproject.toml" for folder in (start, *start.parents)), home / "config.toml")


def modified_ns(path: Path) -> int:
    """When a file was changed, in ns; 0 where there is none.

    >>> modified_ns(Path("/no/such/file"))
    0
    """
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - Path.stat takes three times as long, and every call asks
    except OSError:
        return 0


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:  # unreadable, no TOML, or no UTF-8
        fix = "mend the file, make it readable, or move it out of the way"
        if not os.path.isdir(path.parent):  # noqa: PTH112 - Path.is_dir raises where a folder above may not be read
            fix = "set NBKIT_HOME to a directory, or to a path where one can be made"
        raise BadSetting(what=f"{path} cannot be read", why=str(error), fix=fix) from error
