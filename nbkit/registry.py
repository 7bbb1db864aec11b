"""Plug-ins by name, from entry points; nbkit's own come through the same door."""

from __future__ import annotations

import contextlib
import difflib
import functools
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points, requires, version
from typing import Any, Literal, TypeAlias

from nbkit.errors import NbkitError, UnknownPlugin

Group: TypeAlias = Literal["providers", "guards", "sinks", "embedders", "loaders", "metrics"]
DISTRIBUTION = "jupyter-nbkit"


def names(group: Group) -> list[str]:
    """Names of the installed plug-ins of a group, sorted.

    >>> "echo" in names("providers")
    True
    """
    return sorted(_found(group))


@functools.cache
def load(group: Group, name: str) -> Any:  # noqa: ANN401 - the caller names the Protocol
    """The class behind a name; raises `UnknownPlugin` with the nearest name, or when the plug-in cannot be imported.

    >>> load("providers", "echo").__name__
    'EchoProvider'
    """
    found = _found(group).get(name)
    kind = group.removesuffix("s")
    if found is None:
        near = nearest(name, names(group))
        raise UnknownPlugin(
            what=f"no {kind} named {name!r}",
            why=f"installed {group}: {', '.join(names(group)) or 'none'}",
            fix=f"use {near!r}" if near else f"install the package that provides the {kind} {name!r}",
        )
    try:
        return found.load()
    except (ImportError, AttributeError) as error:
        package = found.dist.name if found.dist else found.value
        raise UnknownPlugin(
            what=f"the {kind} {name!r} cannot be loaded",
            why=f"{type(error).__name__}: {error}",
            fix=f"reinstall or remove the package {package!r}",
        ) from error


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a reader most likely meant, None when none is close.

    >>> nearest("opnai", ["openai", "ollama"])
    'openai'
    """
    folded = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    return folded[found[0]] if found else None


def install_command(extra: str | None = None) -> str:
    """The command that installs nbkit, with an extra.

    >>> install_command("local")
    'pip install "jupyter-nbkit[local]"'
    """
    return f'pip install "{DISTRIBUTION}[{extra}]"' if extra else f"pip install {DISTRIBUTION}"


@contextlib.contextmanager
def pandas_for(what: str) -> Iterator[None]:
    """A block that imports pandas, which is an extra; raises an `NbkitError` with the command that installs it.

    >>> with pandas_for("to_frame()"):
    ...     raise ImportError
    Traceback (most recent call last):
    nbkit.errors.NbkitError: to_frame() makes a DataFrame, and pandas is not installed
      why: pandas is an extra, so that nbkit installs quickly
      fix: pip install "jupyter-nbkit[data]"
    """
    try:
        yield
    except ImportError as error:
        raise NbkitError(
            what=f"{what} makes a DataFrame, and pandas is not installed",
            why="pandas is an extra, so that nbkit installs quickly",
            fix=install_command("data"),
        ) from error


def installed_version(distribution: str = DISTRIBUTION) -> str:
    """The version of an installed distribution."""
    return version(distribution)


def requirements(distribution: str = DISTRIBUTION) -> list[str]:
    """The requirements of an installed distribution, those of its extras included, one line each.

    >>> any(line.startswith("httpx") for line in requirements())
    True
    """
    return requires(distribution) or []


@functools.cache
def _found(group: Group) -> dict[str, EntryPoint]:
    # Scanning every installed distribution costs milliseconds, and what is installed does not change under a kernel.
    return {point.name: point for point in entry_points(group=f"nbkit.{group}")}
