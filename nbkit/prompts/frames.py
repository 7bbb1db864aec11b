"""Text of one value in a prompt: tables as their schema and first rows, everything else as `str` gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

MAX_TOKENS = 1000
"""Most tokens that one table takes."""
_CHARS_PER_TOKEN = 4
_HEAD_ROWS = 10


def value_text(value: object, *, max_tokens: int = MAX_TOKENS) -> str:
    """The value as it stands in a prompt; a DataFrame or Series becomes schema and head, at most `max_tokens` long.

    Tables are known by `dtypes` (or `dtype`), `head` and `shape`, so that no table package is imported.

    >>> value_text([1, "a"])
    "[1, 'a']"
    """
    if isinstance(value, str):
        return value
    # The class is asked, not the value: an object that invents attributes is not a table.
    kind = type(value)
    if not (hasattr(kind, "head") and hasattr(kind, "shape") and (hasattr(kind, "dtypes") or hasattr(kind, "dtype"))):
        return str(value)
    table: Any = value
    shape = tuple(table.shape)
    if not 1 <= len(shape) <= 2:  # noqa: PLR2004 - a Series or a DataFrame
        return str(value)
    lines = _schema(table, shape)
    budget = max_tokens * _CHARS_PER_TOKEN
    schema = _cut(lines, budget // 2, rest=lambda left: f"… {left:,} more columns")
    return schema + "\n" + _head(table, budget - len(schema) - 1)


def _schema(table: Any, shape: tuple[int, ...]) -> list[str]:  # noqa: ANN401 - any table
    if len(shape) == 1:
        return [f"Series {getattr(table, 'name', None)!r}: {shape[0]:,} values, {table.dtype}"]
    dtypes = table.dtypes
    pairs: Iterable[tuple[object, object]] = (
        dtypes.items() if hasattr(dtypes, "items") else zip(table.columns, dtypes, strict=True)
    )
    return [f"DataFrame: {shape[0]:,} rows x {shape[1]:,} columns", *(f"- {name}: {kind}" for name, kind in pairs)]


def _head(table: Any, budget: int) -> str:  # noqa: ANN401 - any table
    total = table.shape[0]
    head = table.head(_HEAD_ROWS)
    if hasattr(head, "to_csv"):
        text = str(head.to_csv(index=False)) if len(table.shape) > 1 else str(head.to_csv(index=False, header=False))
    elif hasattr(head, "write_csv"):
        text = str(head.write_csv())
    else:
        text = str(head)
    shown = min(_HEAD_ROWS, total)
    title = f"First {shown} of {total:,} rows:" if total > shown else "All rows:"
    return _cut([title, *text.rstrip("\n").split("\n")], budget, rest=lambda _: "…")


def _cut(lines: list[str], budget: int, *, rest: Callable[[int], str]) -> str:
    """The lines that fit into `budget` characters, and a last line that says how many did not."""
    text = "\n".join(lines)
    if len(text) <= budget:
        return text
    used = 0
    kept: list[str] = []
    for line in lines:
        closing = rest(len(lines) - len(kept))
        if used + len(line) + len(closing) + 2 > budget:
            break
        kept.append(line)
        used += len(line) + 1
    return "\n".join([*kept, rest(len(lines) - len(kept))])
