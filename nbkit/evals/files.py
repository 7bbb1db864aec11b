"""The rows of a file of cases: CSV, JSON lines, JSON, Parquet, or a table in Markdown."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from nbkit import registry
from nbkit.errors import DocumentError
from nbkit.evals.rows import Row, columns_of

_MARKS: Final = ",;\t|"
_RULE: Final = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_BAR: Final = re.compile(r"(?<!\\)\|")
_BREAK: Final = re.compile(r"<br\s*/?>", re.IGNORECASE)
_UTF8: Final = "save it as UTF-8"


def text_of(path: Path) -> str:
    """What a file says; raises `DocumentError` when it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise DocumentError(what=f"{path} cannot be read", why=why, fix="name a file of cases") from error
    except UnicodeDecodeError as error:
        why = f"byte {error.start:,} is not UTF-8"
        raise DocumentError(what=f"{path.name} cannot be read", why=why, fix=_UTF8) from None


def csv_rows(text: str, *, name: str, delimiter: str | None = None) -> list[Row]:
    r"""The rows below the first, which names the columns; what parts them is the mark that shows a question's column.

    Columns without a name are left out. Raises `DocumentError`, with the line, for what is no CSV and for a row of
    another length.

    >>> csv_rows('question;answer\n"a;\nb";c\n', name="x.csv")
    [Row(place='x.csv, line 2', cells={'question': 'a;\nb', 'answer': 'c'})]
    """
    mark = delimiter or _delimiter(text)
    found: list[Row] = []
    heads: list[str] = []
    for line, cells in _csv_lines(text, mark, name):
        if not cells:
            continue
        place = f"{name}, line {line}"
        if not heads:
            heads = [cell.strip() for cell in cells]
            _no_repeats(heads, place)
            continue
        if len(cells) != len(heads):
            raise _ragged(place, len(cells), len(heads))
        found.append(Row(place, {head: cell for head, cell in zip(heads, cells, strict=True) if head}))
    return found


def jsonl_rows(text: str, *, name: str) -> list[Row]:
    r"""A row of each line, which is an object; blank lines are left out.

    >>> jsonl_rows('{"input": "Hi?"}\n', name="x.jsonl")
    [Row(place='x.jsonl, line 1', cells={'input': 'Hi?'})]
    """
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            place = f"{name}, line {number}"
            rows.append(Row(place, _object(_parsed(line, place, is_line=True), place)))
    return rows


def json_value(text: str, *, name: str) -> object:
    """What a JSON file holds; raises `DocumentError`, with the line, where it is none."""
    return _parsed(text, name, is_line=False)


def json_rows(value: object, *, name: str) -> list[Row]:
    """The rows of JSON data: a list of objects, or an object that has it as `data`.

    >>> json_rows([{"input": "Hi?"}], name="x.json")
    [Row(place='x.json, item 1', cells={'input': 'Hi?'})]
    """
    items = value.get("data") if isinstance(value, dict) else value
    if not isinstance(items, list):
        raise DocumentError(
            what=f"{name} has no cases",
            why="it is no list of objects, and not in the form of SQuAD",
            fix='write it as [{"input": "…", "expected": "…"}]',
        )
    places = [f"{name}, item {number}" for number in range(1, len(items) + 1)]
    return [Row(place, _object(item, place)) for place, item in zip(places, items, strict=True)]


def parquet_rows(path: Path) -> list[Row]:
    """The rows of a Parquet file; needs the extra `[data]`."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise DocumentError(
            what=f"{path.name} cannot be read",
            why="Parquet needs pyarrow, which is an extra",
            fix=registry.install_command("data"),
        ) from error
    try:
        items = parquet.read_table(path).to_pylist()
    except (OSError, ArrowException) as error:
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DocumentError(what=f"{path} cannot be read", why=why, fix="name a Parquet file") from error
    return [Row(f"{path.name}, row {number}", item) for number, item in enumerate(items, 1)]


def markdown_rows(text: str, *, name: str) -> list[Row]:
    r"""The rows of the first table with a column of questions, or of the first: `\|` is a bar, `<br>` a new line.

    >>> markdown_rows("| question | answer |\n|---|---|\n| a \\| b? | c |", name="table")
    [Row(place='table, line 3', cells={'question': 'a | b?', 'answer': 'c'})]
    """
    tables = list(_markdown_tables(text.splitlines(), name))
    if not tables:
        raise DocumentError(
            what=f"{name} has no table",
            why="there is no line of heads with a line such as |---|---| below it",
            fix="write | question | answer |, below it |---|---|, and a line for each case",
        )
    return next((rows for heads, rows in tables if "input" in columns_of(heads)), tables[0][1])


def _markdown_tables(lines: list[str], name: str) -> Iterator[tuple[list[str], list[Row]]]:
    at = 1
    while at < len(lines):
        heads = _cells(lines[at - 1])
        if "|" not in lines[at - 1] or not _RULE.fullmatch(lines[at]) or len(_cells(lines[at])) != len(heads):
            at += 1
            continue
        _no_repeats(heads, f"{name}, line {at}")
        rows: list[Row] = []
        at += 1
        while at < len(lines) and "|" in lines[at]:
            place, cells = f"{name}, line {at + 1}", _cells(lines[at])
            if len(cells) != len(heads):
                raise _ragged(place, len(cells), len(heads))
            rows.append(Row(place, {head: cell for head, cell in zip(heads, cells, strict=True) if head}))
            at += 1
        yield heads, rows


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [_BREAK.sub("\n", cell.replace("\\|", "|")).strip() for cell in _BAR.split(inner)]


def _csv_lines(text: str, mark: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the line it starts in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise DocumentError(
                what=f"{name}, line {line}, cannot be read",
                why=str(error),
                fix='put a cell with a quotation mark or a new line into "…", each mark in it twice, or use JSON lines',
            ) from None
        if cells is None:
            return
        yield line, cells
        line = reader.line_num + 1


def _delimiter(text: str) -> str:
    for mark in _MARKS:
        try:
            heads = next((cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=mark) if cells), [])
        except csv.Error:
            continue
        if "input" in columns_of([cell.strip() for cell in heads]):
            return mark
    return _MARKS[0]


def _parsed(text: str, place: str, *, is_line: bool) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = f"column {error.colno}" if is_line else f"line {error.lineno}, column {error.colno}"
        raise DocumentError(
            what=f"{place}, {at}, cannot be read", why=f"it is not JSON: {error.msg}", fix="put it right there"
        ) from None
    except (ValueError, RecursionError):
        raise DocumentError(what=f"{place} cannot be read", why="it is not JSON", fix="write it as JSON") from None


def _object(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise DocumentError(
            what=f"{place} cannot be used",
            why=f"it is a {type(value).__name__}, not an object",
            fix='write each case as {"input": "…", "expected": "…"}',
        )
    return value


def _no_repeats(heads: list[str], place: str) -> None:
    again = next((head for at, head in enumerate(heads) if head and head in heads[:at]), None)
    if again is not None:
        raise DocumentError(
            what=f"{place}, cannot be used", why=f"two columns are named {again!r}", fix="name each column once"
        )


def _ragged(place: str, found: int, wanted: int) -> DocumentError:
    return DocumentError(
        what=f"{place}, cannot be used",
        why=f"it has {found} {'cell' if found == 1 else 'cells'}, and there are {wanted} columns",
        fix="give each row as many cells as there are columns; put a cell that has the mark in it into quotation marks",
    )
