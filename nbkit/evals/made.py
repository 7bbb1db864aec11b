"""What a function is made of, as a hash: its source, and the values and functions that it reads from around it."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final

from nbkit.canonical import canonical_json, sha256

_HERE: Final = str(Path(__file__).parents[1])
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


def made_of(function: Callable[..., object]) -> str | None:
    """The same for functions that do the same; None where there is no source to read.

    Texts, numbers, and lists, dicts, sets and dataclasses of such count by what they hold now, and a function that is
    called by its own source. Any other object, such as a client or a DataFrame, counts by its type alone.

    >>> made_of(print) is None
    True
    """
    found = _function(inspect.unwrap(function), seen=set())
    return None if found is None else sha256(canonical_json(found))


def plain_of(value: object) -> Any:  # noqa: ANN401 - plain data of any shape
    """What a value can be told from another by, as plain data.

    >>> plain_of((1, 2)), plain_of([1, object()])
    ('(1, 2)', ['list', '1', 'builtins.object'])
    """
    return _value(value, seen=set())


def _function(given: object, *, seen: set[object]) -> Any:  # noqa: ANN401 - plain data
    function = given.__func__ if isinstance(given, MethodType) else given
    if not isinstance(function, FunctionType) or function.__code__ in seen:
        return None
    seen.add(function.__code__)
    try:
        source = textwrap.dedent(inspect.getsource(function))
        around = inspect.getclosurevars(function)
    except (OSError, TypeError, ValueError):
        return None
    reads = {
        **around.globals,
        **around.nonlocals,
        "": (function.__defaults__, *(function.__kwdefaults__ or {}).items()),
    }
    if isinstance(given, MethodType):
        reads |= {f"self.{name}": value for name, value in getattr(given.__self__, "__dict__", {}).items()}
    # The code as well: two functions may stand on one line.
    code = [function.__code__.co_code.hex(), [repr(one) for one in function.__code__.co_consts if _is_plain(one)]]
    return [source, code, {name: _value(value, seen=seen) for name, value in reads.items()}]


def _value(value: object, *, seen: set[object]) -> Any:  # noqa: ANN401 - plain data
    if isinstance(value, FunctionType | MethodType):
        # What a library brings is known by its name: its version is not this run's, and it calls a thousand others.
        is_own = value.__module__ == "__main__" or not _is_library(value)
        return (_function(value, seen=seen) if is_own else None) or value.__qualname__
    if isinstance(value, ModuleType):
        return value.__name__
    if _is_plain(value):
        return repr(value)
    if (parts := _parts(value)) is not None:
        # One that holds itself ends here, as a function that calls itself does.
        if id(value) in seen:
            return type(value).__name__
        seen.add(id(value))
        found = [_value(one, seen=seen) for one in parts]
        seen.remove(id(value))
        return [type(value).__name__, *(sorted(found, key=repr) if isinstance(value, set | frozenset) else found)]
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _parts(value: object) -> list[object] | None:
    """What a container holds, at once: another thread may fill it meanwhile."""
    if isinstance(value, dict):
        return [part for pair in list(value.items()) for part in pair]
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, one.name, None) for one in dataclasses.fields(value)]
    return None


def _is_library(value: FunctionType | MethodType) -> bool:
    path = value.__code__.co_filename
    return "site-packages" in path or path.startswith((sys.base_prefix, _HERE))


def without_address(text: str) -> str:
    """A text that objects were named in, without where they happen to lie.

    >>> without_address("<C object at 0x7f00a1>")
    '<C object>'
    """
    return _ADDRESS.sub("", text)


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | frozenset):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)
