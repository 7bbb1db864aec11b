"""CSV and TSV, each row readable alone."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import ClassVar

from nbkit.documents import Document
from nbkit.loaders.decoding import read_text
from nbkit.loaders.faults import unreadable
from nbkit.loaders.limits import Budget
from nbkit.loaders.rows import write_rows
from nbkit.loaders.writer import Writer

_MARKS = ",;\t|"
_SAMPLE_LINES = 20


class CsvLoader:
    """Reads tables in text.

    >>> CsvLoader().name
    'csv'
    """

    name: ClassVar[str] = "csv"
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".tab")

    def load(self, path: Path, *, budget: Budget | None = None) -> Document:
        """The rows, each value with the name of its column when there is a header."""
        budget = budget or Budget(path.name)
        decoded = read_text(path, Budget(path.name, limits=budget.limits))
        writer = Writer(budget)
        writer.notes += decoded.notes
        rows = csv.reader(io.StringIO(decoded.text, newline=""), delimiter=delimiter(decoded.text, path.suffix))
        # Of the whole process, which is a child that reads for nobody else; what is read is capped already.
        before = csv.field_size_limit(budget.limits.text_chars)
        try:
            write_rows(writer, rows)
        except csv.Error as error:
            raise unreadable(budget.name, f"its rows cannot be told apart: {error}") from error
        finally:
            csv.field_size_limit(before)
        return writer.document(title="", media_type="text/csv")


def delimiter(text: str, suffix: str = "") -> str:
    r"""The character between the cells: the one that cuts the first lines into the same number of cells, the most.

    >>> delimiter("a;b\n1,5;2\n3,5;4\n")
    ';'
    """
    if suffix.lower() in (".tsv", ".tab"):
        return "\t"
    lines = text[: 1 << 16].split("\n")[:_SAMPLE_LINES]
    best, most = ",", 0.0
    for mark in _MARKS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=mark) if row]
        except csv.Error:
            continue
        doubt = 1.0 if _is_quoted_well(lines, mark) else 0.5
        usual = max({*widths}, key=widths.count, default=1)
        score = doubt * (usual - 1) * (widths.count(usual) / len(widths)) ** 2 if widths else 0.0
        if score > most:
            best, most = mark, score
    return best


def _is_quoted_well(lines: list[str], mark: str) -> bool:
    """Whether each quotation mark that closes a cell is followed by the mark: behind another it closes none."""
    try:
        return all(True for _ in csv.reader(lines, delimiter=mark, strict=True))
    except csv.Error:
        return False
