"""Which value of each setting is in force.

The first of these that has a value wins: cell option, `with nbkit.settings(...)`, `%config NbKit` or
`nbkit.configure(...)`, environment (`NBKIT_*`), the nearest `pyproject.toml [tool.nbkit]`, the user's `config.toml`,
the default.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbkit.errors import BadSetting, UnknownSetting
from nbkit.parse import (
    brief,
    mapping,
    needed,
)
from nbkit.setting import TABLE, Setting, Settings

_IN_PYTHON = ("cell", "nbkit.settings", "configured", "%config")
"""Origins whose names are Python's: a key with a dot would be refused there."""
_BY_NAME = {name: setting for setting in TABLE for name in (setting.name, setting.key)}


@dataclass(frozen=True, slots=True)
class Config:
    """The settings in force, each with where it came from."""

    settings: Settings
    origins: Mapping[str, str]
    """Setting name to its origin: `cell`, `nbkit.settings`, `%config`, `NBKIT_MODEL`, a file's path, or `default`."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Values from one place, already checked."""

    origin: str
    values: Mapping[str, object]


def layer(origin: str, raw: Mapping[str, object]) -> Layer:
    """A checked layer from raw values; nested tables and dotted keys both work.

    Raises `UnknownSetting` with the nearest name, and `BadSetting` for a value that does not fit.

    >>> layer("cell", {"temperature": "0.5", "records": {"content": False}}).values
    {'temperature': 0.5, 'records_content': False}
    """
    return Layer(origin, {s.name: check(s.name, value, origin=origin) for s, value in _flatten(raw, origin)})


def check(name: str, value: object, *, origin: str) -> object:
    """The value of one setting in its own type; raises `UnknownSetting` or `BadSetting`.

    >>> check("ttl", "7d", origin="cell")
    604800.0
    """
    setting = _lookup(name, origin)
    if value is None and setting.default is None:
        return None
    try:
        return needed(setting.parse(value), unless=setting.default is None)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadSetting(
            what=f"{setting.key} cannot be {brief(repr(value))}",
            why=f"{brief(str(error))} ({setting.doc}; set in {origin})",
            fix=f"give {setting.key} another value; its default is {setting.default!r}",
        ) from None


def resolve(layers: Iterable[Layer]) -> Config:
    """The settings in force; `layers` come strongest first.

    >>> resolve([layer("cell", {"seed": 7}), layer("NBKIT_SEED", {"seed": 1})]).origins["seed"]
    'cell'
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {setting.name: "default" for setting in TABLE}
    for one in layers:
        for name, value in one.values.items():
            if name not in values:
                values[name] = value
                origins[name] = one.origin
    return Config(Settings(**values), origins)


def name_of(key: str) -> str:
    """The Python name of a setting, from that or its dotted key; raises `UnknownSetting`.

    >>> name_of("records.content")
    'records_content'
    """
    return _lookup(key, "the name asked for").name


def home_path(environment: Mapping[str, str] | None = None) -> Path:
    """The one directory in which nbkit keeps cache, records, indexes and models: `NBKIT_HOME`, or the platform's place.

    >>> str(home_path({"NBKIT_HOME": "/tmp/x"}))
    '/tmp/x'
    """
    chosen = (os.environ if environment is None else environment).get("NBKIT_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("nbkit", appauthor=False)


def _lookup(name: str, origin: str) -> Setting:
    found = _BY_NAME.get(name)
    if found is None:
        # The name of a table stands for all that is in it.
        near = [setting.name for setting in TABLE if setting.key.startswith(f"{name}.")]
        near = near or difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.5)
        if origin in _IN_PYTHON:
            near = [_BY_NAME[one].name for one in near]
        raise UnknownSetting(
            what=f"no setting named {name!r}",
            why=f"it was set in {origin}",
            fix=f"use {' or '.join(map(repr, near))}" if near else "%nbkit config lists the settings",
        )
    return found


def _flatten(raw: Mapping[str, object], origin: str) -> list[tuple[Setting, object]]:
    rows: list[tuple[Setting, object]] = []
    for name, value in raw.items():
        # `cache` is a setting and the table of its size limits; `[tool.nbkit.cache] mode` would be a second name.
        if isinstance(value, Mapping) and (name not in _BY_NAME or _BY_NAME[name].parse is not mapping):
            rows += [(_lookup(f"{name}.{inner}", origin), deep) for inner, deep in value.items()]
        else:
            rows.append((_lookup(name, origin), value))
    return rows
