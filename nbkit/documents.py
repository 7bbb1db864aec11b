"""What is read, cut, embedded and found: the values of retrieval, all frozen.

A place in a document is a character of its text, so that a passage leads to the very words that it quotes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal, TypeAlias

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
    """What could not be read of it, such as pages that are pictures."""

    def page_at(self, position: int) -> int | None:
        """The page of a character, counted from 1; None where there are no pages.

        >>> Document("one two", pages=(0, 4)).page_at(5)
        2
        """
        return bisect_right(self.pages, position) or None


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
    text: str
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
    header: str = ""
    """The first row of the table that the text goes on with, which stands elsewhere in the document."""
    similarity: float | None = None
    """Cosine of its vector and the question's: 1 says the same, 0 has nothing to do with it. None without vectors."""

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


def place(source: str, page: int | None, start: int, end: int) -> str:
    """Where a passage is, for a reader: file, page, characters counted from 1.

    >>> place("fan.md", 2, 10, 15)
    'fan.md, page 2, characters 11 to 15'
    """
    return f"{source}{'' if page is None else f', page {page}'}, characters {start + 1:,} to {end:,}"


def _under(headings: tuple[str, ...], header: str, text: str) -> str:
    return "\n".join([*([" > ".join(headings)] if headings else []), *([header] if header else []), text])
