"""Rows of a sheet as text in which each can be read alone: every value with the name of its column.

`Part: Lid; Price: 3` and not a table: a search finds a row, and a row without its header says nothing. Of 120
questions for one value of 144 products, MiniLM put the row first in .99 (a row a chunk), where rows of a table had
.95, with their header above each .96; in chunks of 100 tokens .42 against .27 and .24.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from nbkit.loaders.writer import Writer, one_line

_HEAD_ROWS = 10
"""Rows among which the header is looked for: above it a sheet may have titles."""
_NUMBER = re.compile(r"^[^\w]*\d[\d.,:/%\s-]*[^\w]*$")


def write_rows(writer: Writer, rows: Iterable[Sequence[str]], *, within: str = "") -> None:
    r"""Writes the rows of one sheet as a table block, what stands above its header as paragraphs.

    `rows`: all of them, empty ones too: each is a part of the file, by its number there. `within`: what the label of a
    part begins with, such as the sheet's name.

    >>> from nbkit.loaders.limits import Budget
    >>> writer = Writer(Budget("a.csv"))
    >>> write_rows(writer, [["Part", "Price"], ["Lid", "3"], ["Cup", ""]])
    >>> writer.document().text
    'Part: Lid; Price: 3\nPart: Cup'
    """
    numbered = enumerate(([one_line(cell) for cell in row] for row in rows), 1)
    filled = ((f"{within}row {number}", row) for number, row in numbered if any(row))
    head = list(islice(filled, _HEAD_ROWS))
    at = _header([row for _, row in head])
    for label, row in head[: at or 0]:
        writer.gap(2)
        writer.part(label)
        writer.paragraph("; ".join(filter(None, row)))
    names = _names(head[at][1]) if at is not None else []
    body = head[at + 1 :] if at is not None else head
    with writer.open_block("table"):
        if at is not None and len(head) == at + 1:
            _write_row(writer, head[at][0], filter(None, head[at][1]))
        for label, row in chain(body, filled):
            _write_row(writer, label, _cells(row, names))


def _write_row(writer: Writer, label: str, cells: Iterable[str]) -> None:
    writer.gap(1)
    writer.part(label)
    writer.line("; ".join(cells))


def _cells(row: list[str], names: list[str]) -> Iterator[str]:
    for number, value in enumerate(row):
        if value:
            name = names[number] if number < len(names) else ""
            yield f"{name}: {value}" if name else value


def _header(rows: list[list[str]]) -> int | None:
    """The first row that has the most cells, when all of them are names; None without one."""
    widths = [sum(map(bool, row)) for row in rows]
    widest = max(widths, default=0)
    if widest < 2:  # noqa: PLR2004 - one column is a list
        return None
    for number, row in enumerate(rows):
        if widths[number] >= 0.8 * widest:
            named = [cell for cell in row if cell]
            is_header = not any(map(_NUMBER.match, named)) and len({*named}) > len(named) // 2
            return number if is_header else None
    return None


def _names(row: list[str]) -> list[str]:
    return [cell.rstrip(":")[:200] for cell in row]
