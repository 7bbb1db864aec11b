"""Values as JSON: to plain data, to the one canonical text that is hashed, and back.

Canonical text is ASCII JSON with sorted keys and no spaces, so that the same value has the same SHA-256 in every
process, on every platform, for any `str` (lone surrogates included).
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

from nbkit.types import JsonValue, Request

T = TypeVar("T")

_PLAIN = frozenset((str, int, bool, type(None)))
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False, check_circular=False
)
"""Made once; what `to_plain` gives is a tree, so nothing in it can be circular."""
KEY_VERSION = 3
"""Part of every cache key: raised when the meaning of a field changes, so that old entries become misses."""


def to_plain(value: object) -> JsonValue:  # noqa: C901, PLR0911 - one for each form JSON has
    """The value as JSON data: dataclasses become objects, tuples arrays, `Decimal` and `datetime` strings.

    Raises `TypeError` for anything JSON has no form for, NaN and infinities included.

    >>> to_plain({"usd": Decimal("0.10"), "stop": ("a",)})
    {'usd': '0.10', 'stop': ['a']}
    """
    kind = type(value)
    if kind in _PLAIN:
        return cast("JsonValue", value)
    names = _field_names(cast("Hashable", kind))
    if names is not None:
        fields: dict[str, JsonValue] = {}
        for name in names:
            held = getattr(value, name)
            # Most fields are plain: asking here saves the call, and a record has a hundred of them.
            fields[name] = held if type(held) in _PLAIN else to_plain(held)
        return fields
    if isinstance(value, float):
        if not math.isfinite(value):
            msg = f"JSON has no form for {value!r}"
            raise TypeError(msg)
        return value + 0.0  # -0.0 and 0.0 are equal, so they must hash alike
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {_key(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str | int):  # a subclass, such as an enum's member
        return value
    msg = f"JSON has no form for {kind.__name__}"
    raise TypeError(msg)


def from_plain(kind: type[T], plain: JsonValue) -> T:
    """The value of type `kind` that `to_plain` turned into `plain`.

    Fields the type does not have are ignored and fields it has gained take their defaults, so that older and newer
    records can be read. Raises `ValueError` when `plain` does not fit.

    >>> from nbkit.types import Message
    >>> from_plain(Message, {"role": "user", "content": "hi"})
    Message(role='user', content='hi')
    """
    try:
        return cast("T", _decode(kind, plain))
    except (TypeError, KeyError, ArithmeticError, AttributeError) as error:
        msg = f"not a {getattr(kind, '__name__', kind)}: {error}"
        raise ValueError(msg) from error


def map_text(value: T, change: Callable[[str], str]) -> T:
    """The value with every text in it changed, those that are one of a few fixed words left as they are.

    >>> from nbkit.types import Message
    >>> map_text(Message("user", "hi"), str.upper)
    Message(role='user', content='HI')
    """
    return cast("T", _map_text(type(value), value, change))


def canonical_json(value: object) -> str:
    """The one JSON text of a value.

    >>> canonical_json({"b": 1, "a": -0.0})
    '{"a":0.0,"b":1}'
    """
    return _ENCODER.encode(to_plain(value))


def sha256(text: str) -> str:
    """Hex digest of a text; lone surrogates are hashed as they are.

    >>> sha256("hi")[:8]
    '8f434346'
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def request_key(request: Request) -> str:
    """The cache key: SHA-256 over the canonical JSON of the whole request and the key version.

    The sample index is in it; cell, guards and display are not part of a request and so stay out.

    >>> from nbkit.types import Message
    >>> len(request_key(Request("echo", "echo", (Message("user", "hi"),))))
    64
    """
    return sha256(canonical_json({"key_version": KEY_VERSION, "request": request}))


def _key(key: object) -> str:
    if not isinstance(key, str):
        msg = f"JSON keys are text, not {type(key).__name__}"
        raise TypeError(msg)
    return key


@functools.cache
def _field_names(kind: Hashable) -> tuple[str, ...] | None:
    return tuple(f.name for f in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _map_text(kind: Any, value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - any value of a record
    if isinstance(value, str):
        return value if _is_literal(kind) else change(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        hints = _hints(type(value))
        return type(value)(**{name: _map_text(hints[name], getattr(value, name), change) for name in hints})
    if isinstance(value, tuple | list):
        return type(value)(_map_text(Any, item, change) for item in value)
    if isinstance(value, dict):
        return {change(key): _map_text(Any, item, change) for key, item in value.items()}
    return value


def _is_literal(kind: Any) -> bool:  # noqa: ANN401 - a type hint
    return typing.get_origin(kind) is typing.Literal


def _decode(kind: Any, plain: Any) -> Any:  # noqa: ANN401, C901, PLR0911, PLR0912 - one branch for each form a type takes
    if isinstance(kind, str) or kind in (Any, JsonValue):
        return plain
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin is typing.Literal:
        if plain not in arguments:
            msg = f"{plain!r} is none of {arguments}"
            raise TypeError(msg)
        return plain
    if origin in (typing.Union, types.UnionType):
        if plain is None and type(None) in arguments:
            return None
        rest = [argument for argument in arguments if argument is not type(None)]
        return _decode(rest[0], plain) if len(rest) == 1 else plain
    if origin is tuple:
        if not isinstance(plain, list):
            msg = f"expected an array, got {type(plain).__name__}"
            raise TypeError(msg)
        if len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...]
            return tuple(_decode(arguments[0], item) for item in plain)
        return tuple(_decode(argument, item) for argument, item in zip(arguments, plain, strict=True))
    if origin is Mapping:
        if not isinstance(plain, dict):
            msg = f"expected an object, got {type(plain).__name__}"
            raise TypeError(msg)
        return {name: _decode(arguments[1], item) for name, item in plain.items()}
    if dataclasses.is_dataclass(kind):
        if not isinstance(plain, dict):
            msg = f"expected an object, got {type(plain).__name__}"
            raise TypeError(msg)
        hints = _hints(cast("type", kind))
        return kind(**{name: _decode(hints[name], plain[name]) for name in hints if name in plain})  # type: ignore[operator]
    if kind is Decimal:
        return Decimal(plain)
    if kind is datetime:
        return datetime.fromisoformat(plain)
    if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    if isinstance(kind, type) and (not isinstance(plain, kind) or (kind is int and isinstance(plain, bool))):
        msg = f"expected {kind.__name__}, got {type(plain).__name__}"
        raise TypeError(msg)
    return plain
