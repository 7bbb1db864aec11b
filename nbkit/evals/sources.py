"""What a function is made of, as a hash: the same for one that does the same, so that a stopped run goes on with it."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType

from nbkit.canonical import canonical_json, sha256

_PLAIN = (str, int, float, complex, bool, bytes, type(None))


def source_hash(function: Callable[..., object]) -> str | None:
    """Hash of its source, and of the numbers, texts and functions that it takes from around it; None without a source.

    What can change while it runs, such as a list, counts by its type alone.

    >>> import json
    >>> source_hash(json.loads) == source_hash(json.loads) != source_hash(json.dumps)
    True
    """
    return _hash(function, set())


def _hash(function: Callable[..., object], seen: set[int]) -> str | None:
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return None
    seen.add(id(function))
    module = getattr(function, "__module__", None)
    around = {name: _said(value, seen, module=module) for name, value in _around(function).items()}
    return sha256(canonical_json([source, around]))


def _around(function: Callable[..., object]) -> Mapping[str, object]:
    """What it takes from around it, by name."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    if not isinstance(plain, FunctionType):
        return {}
    code = plain.__code__
    named = {name for part in _parts(code) for name in part.co_names}
    found: dict[str, object] = {name: plain.__globals__[name] for name in sorted(named & plain.__globals__.keys())}
    found |= {f"default {number}": value for number, value in enumerate(plain.__defaults__ or ())}
    found |= plain.__kwdefaults__ or {}
    if code.co_name == "<lambda>":
        # Its source is that of the whole line, which may hold several.
        parts = [(one.co_code, one.co_names, [*filter(_is_plain, one.co_consts)]) for one in _parts(code)]
        found["lambda"] = str(parts)
    for name, cell in zip(code.co_freevars, plain.__closure__ or (), strict=True):
        # A cell is empty while its function is being made.
        found[name] = getattr(cell, "cell_contents", None)
    return found


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _parts(one)


def _is_plain(value: object) -> bool:
    return isinstance(value, _PLAIN)


def _said(value: object, seen: set[int], *, module: str | None) -> str:
    if _is_plain(value):
        return repr(value)
    if isinstance(value, tuple):
        return str([_said(one, seen, module=module) for one in value])
    # What comes from another module is a library's: its name says which, and its version is not this run's.
    if isinstance(value, FunctionType) and value.__module__ == module and id(value) not in seen:
        return _hash(value, seen) or value.__qualname__
    return str(getattr(value, "__qualname__", type(value).__qualname__))
