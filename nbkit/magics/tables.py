"""What line magics draw: a table as HTML that survives an untrusted reopening, with the same as text beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbkit.escape import NO_MATH, clean, escape, line
from nbkit.secrets import SecretRegistry

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_CELL = 'style="text-align:left;padding:2px 12px 2px 0;vertical-align:top"'
_LINES = "margin:0;white-space:pre-wrap;word-break:normal;overflow-wrap:break-word"
"""JupyterLab breaks the lines of a `pre` within words unless it is told otherwise."""


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


def draw(shell: InteractiveShell, secrets: SecretRegistry, table: Table) -> None:
    """Puts a table below the cell, without the secrets in use."""
    bundle = {"text/plain": table.text(), "text/html": table.html()}
    shell.display_pub.publish(data={mime: secrets.redact(text) for mime, text in bundle.items()}, metadata={})


def draw_text(shell: InteractiveShell, secrets: SecretRegistry, text: str) -> None:
    """Puts text below the cell, character by character, without the secrets in use."""
    cleaned = clean(secrets.redact(text))
    page = f'<pre {NO_MATH} style="{_LINES}">{escape(cleaned)}</pre>'
    shell.display_pub.publish(data={"text/plain": cleaned, "text/html": page}, metadata={})
