"""What is read, cut, embedded and found: the values of retrieval, all frozen.

A place in a document is a character of its text, so that a passage leads to the very words that it quotes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from nbkit.types import Span

SearchMode: TypeAlias = Literal["hybrid", "dense", "bm25"]
"""By meaning and words, by meaning alone, by words alone."""
_BAR = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*\|")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document."""

    start: int
    """Where its line starts in the document's text, in characters."""
    level: int
    """1 is the highest."""
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """A row, a line, a cell or a paragraph of a file whose text is not what was read of it."""

    start: int
    """Where it starts in the document's text, in characters."""
    label: str
    """What a reader finds it by, its number last: `row 4`, `sheet Prices, row 4`, `cell 2`."""


@dataclass(frozen=True, slots=True)
class Document:
    """What was read from one file; every place in it is a character of `text`."""

    text: str
    title: str = ""
    headings: tuple[Heading, ...] = ()
    """In order; none where the format has none."""
    pages: tuple[int, ...] = ()
    """Where each page starts, the first at 0; empty where the format has no pages."""
    blocks: tuple[Span, ...] = ()
    """Tables and fenced code, of kind `table` or `code`: kept whole where they fit. In order, not overlapping."""
    media_type: str = "text/plain"
    notes: tuple[str, ...] = ()
    """What could not be read of it, such as pages that are pictures, or was replaced."""
    parts: tuple[Part, ...] = ()
    """In order; empty where its characters are those of the file, or its pages lead there."""

    def page_at(self, position: int) -> int | None:
        """The page of a character, counted from 1; None where there are no pages.

        >>> Document("one two", pages=(0, 4)).page_at(5)
        2
        """
        return bisect_right(self.pages, position) or None

    def parts_of(self, start: int, end: int) -> tuple[str, ...]:
        r"""The labels of the first and the last part between two characters, one where it is the same.

        >>> Document("a\nb\nc", parts=(Part(0, "row 1"), Part(2, "row 2"), Part(4, "row 3"))).parts_of(2, 5)
        ('row 2', 'row 3')
        """
        first, last = (bisect_right(self.parts, at, key=lambda one: one.start) for at in (start, max(start, end - 1)))
        labels = [self.parts[max(0, at - 1)].label for at in (first, last)] if self.parts else []
        return tuple(dict.fromkeys(labels))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a document that is embedded, found and quoted as one."""

    text: str
    """`document.text[start:end]`, unchanged."""
    start: int
    end: int
    headings: tuple[str, ...] = ()
    """The headings it stands under, highest first: in front of the text when it is embedded, not when it is shown."""
    page: int | None = None
    """Where it starts, counted from 1."""
    tokens: int = 0
    """Of the text, in the embedder's tokens; headings and header are not counted."""
    header: str = ""
    """The first row of the table that it goes on with: before the text, as the headings are."""
    parts: tuple[str, ...] = ()
    """Labels of the first and the last part of the file that it is of; see `Document.parts`."""

    @property
    def embedded_text(self) -> str:
        r"""What the embedder is given.

        >>> Chunk("Turn it off.", 0, 12, headings=("Care", "Cleaning")).embedded_text
        'Care > Cleaning\nTurn it off.'
        """
        return _under(self.headings, self.header, self.text)


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that a search found, with what leads the reader to it."""

    id: str
    """Hash of its source and text: the same for the same content."""
    # What it says is not in its repr: that would be drawn in a cell without a guard having looked.
    text: str = field(repr=False)
    source: str
    """The file, as a path relative to the folder that was added."""
    title: str = ""
    headings: tuple[str, ...] = ()
    page: int | None = None
    start: int = 0
    """Characters of the document's text."""
    end: int = 0
    score: float = 0.0
    """How well it fits the question; comparable within one search only."""
    header: str = field(default="", repr=False)
    """The first row of the table that the text goes on with, which stands elsewhere in the document."""
    similarity: float | None = None
    """Cosine of its vector and the question's: 1 says the same, 0 has nothing to do with it. None without vectors."""
    parts: tuple[str, ...] = ()
    """Labels of the first and the last part of the file that it is of; see `Document.parts`."""

    @property
    def embedded_text(self) -> str:
        """What a model that reads it is given: its headings, then its text."""
        return _under(self.headings, self.header, self.text)

    @property
    def whole_text(self) -> str:
        r"""The text as it can be read alone: rows of a table with the header above them.

        >>> print(Passage("a", "| Lid | 3 |", "parts.md", header="| Part | Price |").whole_text)
        | Part | Price |
        | --- | --- |
        | Lid | 3 |
        """
        if not self.header:
            return self.text
        columns = len(_BAR.split(self.header.strip().removeprefix("|").removesuffix("|")))
        # A chunk may begin with the line that stands under the header.
        rule = "" if _RULE.match(self.text) else f"|{' --- |' * columns}\n"
        return f"{self.header}\n{rule}{self.text}"


class Placed(Protocol):
    """What has a place in a file, as `Passage` has."""

    @property
    def source(self) -> str:
        """The file."""

    @property
    def page(self) -> int | None:
        """Counted from 1; None where there are no pages."""

    @property
    def start(self) -> int:
        """Where it starts in the document's text, in characters."""

    @property
    def end(self) -> int:
        """Where it ends there."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Labels of the first and the last part of the file that it is of."""


def place(passage: Placed) -> str:
    """Where a passage is, for a reader: the file, then its page and characters from 1, or the rows, lines or cells.

    Characters are those of the text as it was read; of a file that has other ones, its parts are named instead.

    >>> place(Passage("a", "30 W.", "fan.md", page=2, start=10, end=15))
    'fan.md, page 2, characters 11 to 15'
    >>> place(Passage("a", "Part: Lid", "fan.csv", parts=("row 4", "row 9")))
    'fan.csv, rows 4 to 9'
    """
    page = "" if passage.page is None else f", page {passage.page}"
    within = _spoken(passage.parts) or f"characters {passage.start + 1:,} to {passage.end:,}"
    return f"{passage.source}{page}, {within}"


def _spoken(parts: tuple[str, ...]) -> str:
    """The labels as one: those that differ in their number only say the rest once."""
    if len(parts) < 2:  # noqa: PLR2004 - first and last
        return "".join(parts)
    (before, first), (other, last) = (parts[0].rpartition(" ")[::2], parts[-1].rpartition(" ")[::2])
    if before == other and first.isdecimal() and last.isdecimal():
        return f"{before}s {first} to {last}"
    return f"{parts[0]} to {parts[-1]}"


def _under(headings: tuple[str, ...], header: str, text: str) -> str:
    return "\n".join([*([" > ".join(headings)] if headings else []), *([header] if header else []), text])
