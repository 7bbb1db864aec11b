"""A document as it is written down, piece by piece, with the place of each."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from nbkit.documents import Document, Heading, Part
from nbkit.loaders.limits import Budget
from nbkit.types import Span

_NEWLINE = re.compile(r"\r\n?")
_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BLANK = re.compile(r"[ \t]+")
_NO_TITLE = re.compile(
    r"(?i)\W*(?:anonymous|unspecified|unnamed|no[ _-]?title|untitled(?:\W*(?:document|page|presentation|\d+))*)\W*"
)


def clean(text: str) -> str:
    r"""The text with \n for every line break, and a space for what no text holds: controls, half characters.

    Nothing moves after the line breaks: each odd character is replaced by one.

    >>> clean("a\r\nb\x00c\ud800")
    'a\nb c\ufffd'
    """
    text = _NEWLINE.sub("\n", text) if "\r" in text else text
    return _ODD.sub(lambda found: " " if found[0] < "\x80" else "\ufffd", text)


def one_line(text: str) -> str:
    r"""The text with single spaces for every stretch of white space.

    >>> one_line(" a\n  b ")
    'a b'
    """
    return " ".join(clean(text).split())


def stated_title(text: str) -> str:
    """A title on one line as a file gives it; empty where a program only says in its place that there is none.

    >>> stated_title(" Annual  report"), stated_title("(anonymous)"), stated_title("Untitled document")
    ('Annual report', '', '')
    """
    found = one_line(text)
    return "" if _NO_TITLE.fullmatch(found) else found


class Writer:
    r"""Puts a document together.

    >>> writer = Writer(Budget("a"))
    >>> writer.heading("Care", level=1)
    >>> writer.paragraph("Keep dry.")
    >>> made = writer.document()
    >>> made.text, made.headings[0].start
    ('Care\n\nKeep dry.', 0)
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.notes: list[str] = []
        self.headings: list[Heading] = []
        self._pieces: list[str] = []
        self._pages: list[int] = []
        self._blocks: list[Span] = []
        self._parts: list[tuple[int, str]] = []
        self._position = 0
        self._newlines = 2

    @property
    def position(self) -> int:
        """Characters written."""
        return self._position

    def gap(self, lines: int) -> None:
        """Ends what was written before with so many line breaks, if anything was."""
        if self._position and lines > self._newlines:
            self.write("\n" * (lines - self._newlines))

    def write(self, text: str) -> None:
        """The text, cleaned, where the last one ended."""
        text = clean(text)
        if not text:
            return
        self.budget.chars(len(text))
        self._pieces.append(text)
        self._position += len(text)
        bare = len(text.rstrip("\n"))
        self._newlines = len(text) - bare + (0 if bare else self._newlines)

    def paragraph(self, text: str) -> None:
        """The text after an empty line; nothing when it is blank."""
        text = text.strip()
        if text:
            self.gap(2)
            self.write(text)

    def line(self, text: str) -> None:
        """The text on a line of its own."""
        self.gap(1)
        self.write(text)

    def heading(self, text: str, *, level: int) -> None:
        """A heading after an empty line; nothing when it is blank."""
        text = one_line(text)
        if text:
            self.gap(2)
            self.headings.append(Heading(self._position, max(1, level), text))
            self.write(text)
            self.gap(2)

    def block(self, text: str, *, kind: str) -> None:
        """A table or code, as it is, after an empty line."""
        text = clean(text).strip("\n")
        if text.strip():
            self.gap(2)
            start = self._position
            self.write(text)
            self._blocks.append(Span(start, self._position, kind))
            self.gap(2)

    @contextlib.contextmanager
    def open_block(self, kind: str) -> Iterator[None]:
        """What is written meanwhile is a block of that kind."""
        self.gap(2)
        start = self._position
        yield
        if self._position > start:
            self._blocks.append(Span(start, self._position, kind))
            self.gap(2)

    def page(self) -> None:
        """What comes next is on a new page."""
        self.gap(2)
        self._pages.append(self._position if self._pages else 0)
        self.budget.pages(len(self._pages))
        self.budget.progress()

    def part(self, label: str) -> None:
        """What comes next is a part of the file that a reader finds by this label; see `Document.parts`."""
        self._parts.append((self._position, one_line(label)))

    def append(self, part: Document) -> None:
        """Another document behind what was written, its places moved; its pages and title are left out."""
        self.gap(2)
        moved = self._position
        self.write(part.text)
        self.headings += [Heading(one.start + moved, one.level, one.text) for one in part.headings]
        self._blocks += [Span(one.start + moved, one.end + moved, one.kind) for one in part.blocks]
        self.notes += part.notes

    def document(self, *, title: str | None = None, media_type: str = "text/plain") -> Document:
        """What was written, line breaks at its end left out; without a `title` the first heading is one."""
        text = "".join(self._pieces).rstrip("\n")
        named = "" if title is None else stated_title(title)
        return Document(
            text,
            title=named if named or title == "" else self._first_heading(),
            headings=tuple(self.headings),
            pages=tuple(min(start, len(text)) for start in self._pages),
            blocks=tuple(self._blocks),
            media_type=media_type,
            notes=tuple(dict.fromkeys(self.notes)),
            parts=tuple(Part(min(start, len(text)), label) for start, label in self._parts),
        )

    def _first_heading(self) -> str:
        return self.headings[0].text if self.headings else ""


def pipe_row(cells: list[str]) -> str:
    r"""One row of a Markdown table.

    >>> pipe_row(["a|b", "c\nd"])
    '| a\\|b | c d |'
    """
    return f"| {' | '.join(one_line(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def pipe_table(rows: list[list[str]]) -> str:
    """A Markdown table, its first row the header; short rows are filled up, empty ones left out.

    >>> print(pipe_table([["Part", "Price"], ["Lid", "3"], []]))
    | Part | Price |
    | --- | --- |
    | Lid | 3 |
    """
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    width = max(map(len, rows), default=0)
    lines = [pipe_row(row + [""] * (width - len(row))) for row in rows]
    return "\n".join([*lines[:1], f"|{' --- |' * width}", *lines[1:]]) if lines else ""
