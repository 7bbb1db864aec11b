"""Tables of figures: as HTML that survives an untrusted reopening, with the same as text beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nbkit.escape import NO_MATH, clean, escape, line

_CELL = 'style="text-align:left;padding:2px 12px 2px 0;vertical-align:top"'


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a caption; the first column names its row.

    >>> print(Table("Settings", ("setting", "value"), (("model", "echo"),), note="1 setting").text())
    Settings
    setting  value
    model    echo
    1 setting
    """

    caption: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""
    """A sentence below the table."""

    def text(self) -> str:
        """The table in columns of characters."""
        lines = [tuple(line(cell) for cell in row) for row in (self.columns, *self.rows)]
        widths = [max(len(row[at]) for row in lines) for at in range(len(self.columns))]
        drawn = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in lines
        ]
        return "\n".join([clean(self.caption), *drawn, *([clean(self.note)] if self.note else [])])

    def html(self) -> str:
        """The table as HTML with inline styles only."""
        head = "".join(f'<th scope="col" {_CELL}>{escape(name)}</th>' for name in self.columns)
        body = "".join(
            f'<tr><th scope="row" {_CELL}>{escape(row[0])}</th>'
            + "".join(f"<td {_CELL}>{escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in self.rows
        )
        return (
            f'<table {NO_MATH} style="border-collapse:collapse;font-variant-numeric:tabular-nums">'
            f'<caption style="caption-side:top;text-align:left;font-weight:bold">{escape(self.caption)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            + (f"<p {NO_MATH}>{escape(self.note)}</p>" if self.note else "")
        )
