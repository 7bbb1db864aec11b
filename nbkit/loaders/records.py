"""JSON and JSON lines: every value with the name that leads to it, every record readable alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from nbkit.documents import Document
from nbkit.loaders.decoding import read_text
from nbkit.loaders.faults import unreadable
from nbkit.loaders.limits import Budget
from nbkit.loaders.writer import Writer
from nbkit.types import JsonValue

_SHORT_CHARS = 300
"""Most of a record that stands on one line."""


class RecordsLoader:
    """Reads JSON and JSON lines.

    >>> RecordsLoader().name
    'records'
    """

    name: ClassVar[str] = "records"
    suffixes: ClassVar[tuple[str, ...]] = (".json", ".jsonl", ".ndjson", ".geojson", ".jsonld")

    def load(self, path: Path, *, budget: Budget | None = None) -> Document:
        """Lists of objects as records, one after another; other values a line each, under the name that leads there."""
        budget = budget or Budget(path.name)
        decoded = read_text(path, Budget(path.name, limits=budget.limits))
        writer = Writer(budget)
        writer.notes += decoded.notes
        title, is_lines = "", path.suffix.lower() in (".jsonl", ".ndjson")
        if is_lines:
            rows = enumerate(decoded.text.split("\n"), 1)
            bad = sum(not _record(row, number, writer) for number, row in rows if row.strip())
            if bad and not writer.position:
                raise unreadable(budget.name, "none of its lines is JSON")
            if bad:
                writer.notes.append(f"lines that are no JSON left out: {bad:,}")
        else:
            value = _parsed(decoded.text, budget)
            _write_all(value, writer)
            named = value.get("title") if isinstance(value, dict) else None
            title = named if isinstance(named, str) else ""
        return writer.document(title=title, media_type="application/jsonl" if is_lines else "application/json")


def _parsed(text: str, budget: Budget) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except ValueError as error:
        raise unreadable(budget.name, "its JSON is damaged") from error
    except RecursionError as error:
        raise unreadable(budget.name, "its values are nested too deep") from error
    return value


def _record(row: str, number: int, writer: Writer) -> bool:
    try:
        value = json.loads(row)
    except ValueError:
        return False
    except RecursionError as error:
        raise unreadable(writer.budget.name, "its values are nested too deep") from error
    _write(value, writer, part=f"line {number}")
    return True


def _write_all(value: JsonValue, writer: Writer) -> None:
    """A list as records; of an object, each list of objects as records under its name."""
    if not isinstance(value, dict):
        for number, one in enumerate(value if isinstance(value, list) else [value], 1):
            _write(one, writer, part=f"item {number}")
        return
    for at, (name, held) in enumerate(value.items(), 1):
        # Not by its name: a place is drawn without a guard having read it.
        within = f"key {at}"
        writer.gap(1)
        if isinstance(held, dict) or (isinstance(held, list) and any(isinstance(one, dict) for one in held)):
            is_list = isinstance(held, list)
            writer.part(f"{within}, item 1" if is_list else within)
            writer.heading(name, level=1)
            for number, one in enumerate(held if isinstance(held, list) else [held], 1):
                _write(one, writer, part=f"{within}, item {number}" if is_list else within)
        else:
            writer.part(within)
            writer.line("\n".join(_leaves(held, name, writer.budget, 1)))


def _write(value: JsonValue, writer: Writer, *, part: str) -> None:
    leaves = list(_leaves(value, "", writer.budget, 1))
    record = "; ".join(leaves)
    writer.gap(1)
    writer.part(part)
    if len(record) <= _SHORT_CHARS and "\n" not in record:
        writer.line(record)
    else:
        writer.paragraph("\n".join(leaves))
        writer.gap(2)


def _leaves(value: JsonValue, name: str, budget: Budget, depth: int) -> Iterator[str]:
    budget.depth(depth)
    if isinstance(value, dict):
        for key, held in value.items():
            yield from _leaves(held, f"{name}.{key}" if name else key, budget, depth + 1)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for number, held in enumerate(value, 1):
            yield from _leaves(held, f"{name}.{number}" if name else str(number), budget, depth + 1)
    elif value not in (None, "", []):
        shown = ", ".join(map(_shown, value)) if isinstance(value, list) else _shown(value)
        yield f"{name}:{chr(10) if chr(10) in shown else ' '}{shown}" if name else shown


def _shown(value: JsonValue) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
