"""The header of a table that is cut: what a chunk that goes on with its rows is embedded and read with.

A row of `| Lid | 3 |` says nothing without the names of its columns. They stand above the chunk as headings do, and are
no part of its text: every character of the document stays in one chunk, at its place. Rows of sheets need none, since
each names its columns (`nbkit.loaders.rows`).

Where only the header says which table has what is asked, the row is among five passages for 125 of 128 questions, 69
without it, by both sides of the search; by meaning alone 104 and 55 (tests/bench/bench_tables.py, made up for this).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from nbkit.documents import Document

SHARE = 4
"""A header takes up to a quarter of the window; a longer one is left out, as part of it would name other columns."""
_DELIMITER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a header."""

    start: int
    rest: int
    """Where its second line starts, in characters of the document: what begins from there on goes on with it."""
    end: int
    header: str
    """Its first line, on one line."""


class Tables:
    r"""The tables of a document that have a header.

    >>> from nbkit.types import Span
    >>> text = "| Part | Price |\n| --- | --- |\n| Lid | 3 |"
    >>> found = Tables(Document(text, blocks=(Span(0, len(text), "table"),)))
    >>> found.above(0), found.above(text.index("| Lid"))
    ('', '| Part | Price |')
    """

    def __init__(self, document: Document) -> None:
        self._tables = list(_found(document))
        self._starts, self._rests = [one.start for one in self._tables], [one.rest for one in self._tables]
        self._ends = [one.end for one in self._tables]
        self.headers = [one.header for one in self._tables]
        """In order."""

    def above(self, start: int) -> str:
        """The header of the table that a chunk goes on with which starts there; empty where it is in none."""
        place = bisect_right(self._rests, start) - 1
        return self._tables[place].header if place >= 0 and start < self._tables[place].end else ""

    def inside(self, start: int, end: int) -> list[str]:
        """The headers of the tables that have rows in a stretch of the document."""
        first, last = bisect_right(self._ends, start), bisect_right(self._starts, end)
        return self.headers[first:last]


def _found(document: Document) -> Iterable[Table]:
    text = document.text
    for block in document.blocks:
        if block.kind != "table":
            continue
        rest = text.find("\n", block.start, block.end) + 1
        stop = text.find("\n", rest, block.end)
        if (
            rest
            and "|" in text[block.start : rest]
            and _DELIMITER.fullmatch(text, rest, block.end if stop < 0 else stop)
        ):
            yield Table(block.start, rest, block.end, " ".join(text[block.start : rest].split()))
