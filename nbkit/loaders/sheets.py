"""Spreadsheets: each sheet a heading, each row readable alone.

python-calamine (MIT, 1 MB, no dependencies, in Rust; reads .xls and .ods too) against openpyxl (MIT, last release June
2024): the same values, 16 times the rows a CPU-second (20,000 rows of 10 cells: 0.15 s against 2.5).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import ClassVar

from nbkit.documents import Document
from nbkit.loaders.archive import opened
from nbkit.loaders.faults import unreadable
from nbkit.loaders.limits import Budget
from nbkit.loaders.rows import write_rows
from nbkit.loaders.writer import Writer

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_ARCHIVES = (".xlsx", ".xlsm", ".xlsb", ".ods")
_MOST_CELLS = 5_000_000
_LONGEST_NAME = 31
"""As Excel has it."""


class SheetsLoader:
    """Reads spreadsheets.

    >>> SheetsLoader().name
    'sheets'
    """

    name: ClassVar[str] = "sheets"
    suffixes: ClassVar[tuple[str, ...]] = (*_ARCHIVES, ".xls")

    def load(self, path: Path, *, budget: Budget | None = None) -> Document:
        """The sheets that are shown, each under its name; values as they were last computed."""
        budget = budget or Budget(path.name)
        if path.suffix.lower() in _ARCHIVES:
            _check(path, budget)
        from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

        writer, hidden = Writer(budget), []
        try:
            book = CalamineWorkbook.from_path(path)
            for sheet in book.sheets_metadata:
                if sheet.typ is not SheetTypeEnum.WorkSheet:
                    continue
                if sheet.visible is not SheetVisibleEnum.Visible:
                    hidden.append(sheet.name)
                    continue
                found = book.get_sheet_by_name(sheet.name)
                budget.progress()
                if not found.total_height:
                    continue
                if found.total_height * found.total_width > _MOST_CELLS:
                    raise unreadable(budget.name, f"a sheet has more than {_MOST_CELLS:,} cells", fix="split the file")
                within = f"sheet {sheet.name[:_LONGEST_NAME]}, "
                writer.gap(2)
                writer.part(f"{within}row 1")
                writer.heading(sheet.name, level=1)
                rows = ([_shown(cell) for cell in row] for row in found.iter_rows())
                write_rows(writer, rows, within=within)
        except (CalamineError, OSError, ValueError) as error:
            raise unreadable(budget.name, "it is damaged, encrypted or no spreadsheet") from error
        if hidden:
            writer.notes.append(f"hidden sheets left out: {len(hidden)}")
        return writer.document(title="", media_type=_MEDIA_TYPE)


def _check(path: Path, budget: Budget) -> None:
    with opened(path, budget) as archive:
        for name in archive.names:
            # The parser would skip an entity; a workbook that has one is somebody's trap, not somebody's figures.
            if name.endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.head(name):
                raise unreadable(budget.name, "its XML has a document type, which may hold entities that never end")


def _shown(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.12g}"  # noqa: PLR2004 - digits of a double
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "seconds")
    return str(value)
