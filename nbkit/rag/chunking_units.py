"""The smallest stretches that a document is put together from again: sentences, lines, headings, tables, code.

Each is followed by a place where a chunk may end, a better one or a worse. Between two there is nothing but blanks.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nbkit.documents import Document
from nbkit.rag.chunking_words import PIECE, weight

SECTION, PARAGRAPH, LINE, SENTENCE, WRAP, WORD, HEADING = 0.0, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0
"""What it costs to end a chunk there: 1 is what a chunk costs that is empty, or twice as long as it should be.

Behind a section, a paragraph, a line that is one, a sentence, a line that may only be wrapped, a word, a heading.
"""
SPARSE = 40
"""Characters for each token, the most: a chunk of few words and a megabyte of blanks is none."""
_NEAR = 64
"""Characters before a line break among which its last word ends."""
_CRUMB = 8
"""Units of an eighth of a chunk together are one: with fewer, lines of a word each are cut as fast as others."""
_CROWD = 16
"""So many units that together are less than half a chunk make paragraphs crumbs, too."""
_SHORT = "".join(
    rf"(?<!\b{short}\.)" for short in ("[A-Z]", "Mr", "Mrs", "Ms", "Dr", "St", "vs", "Fig", r"e\.g", r"i\.e")
)
_ENDS = re.compile(
    rf"[.!?…]{_SHORT}[\"'”’)\]]*[^\S\n]+(?=[\"'“‘(\[]*[^\Wa-z_])"  # noqa: RUF001 - quotes are what texts have
    r"|[。！？]"  # noqa: RUF001 - scripts without blanks
    r"|\n\s*"
)
_WORD = re.compile(r"\S+")
_FINAL = frozenset(".!?…:;|\"'”’)]}。！？")  # noqa: RUF001
_BULLET = re.compile(r"[-*•–+>|#]|\(?\w{1,3}[.)]\s")  # noqa: RUF001


class Unit(NamedTuple):
    """A stretch that is never cut, without the blanks around it."""

    start: int
    end: int
    tokens: int
    section: int
    """Which of the document's sections it stands in."""
    after: float
    """The cost of ending a chunk behind it."""
    is_exact: bool = True
    """Whether the tokens are those that it has in a chunk; of a part of a word they may be others."""
    is_block: bool = False
    """Whether it is a table or code, which may be longer than the size."""


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading, up to the next of any level or the end of the page."""

    start: int
    end: int
    path: tuple[str, ...]
    """Its heading and those above it, highest first; empty before the first heading."""
    page: int | None = None
    """A section of several pages is one for each: chunks end with the page, since they are cited by it."""
    has_heading: bool = False
    """Whether its first line is its heading; not where it goes on from the page before."""
    most_tokens: int = 0
    """The most of a chunk's text in it."""
    room_tokens: int = 0
    """The most of a table or code that is kept whole: what the embedder's window leaves beside the headings."""
    header_tokens: int = 0
    """Of the longest header of its tables: what goes on with one leaves so much room for it."""


def sections(document: Document) -> list[Section]:
    """The document cut at its headings and at its pages, all of it, in order.

    >>> from nbkit.documents import Heading
    >>> [one.path for one in sections(Document("a b c", headings=(Heading(2, 1, "B"), Heading(4, 2, "C"))))]
    [(), ('B',), ('B', 'C')]
    """
    found: list[Section] = []
    above: list[tuple[int, str]] = []
    starts = iter((*document.pages, len(document.text)))
    turn = next(starts)
    start, has_heading = 0, False
    for heading in (*document.headings, None):
        end = len(document.text) if heading is None else heading.start
        path = tuple(text for _, text in above)
        while start < end:
            while turn <= start:
                turn = next(starts)
            stop = min(turn, end)
            found.append(Section(start, stop, path, document.page_at(start), has_heading))
            start, has_heading = stop, False
        if heading is not None:
            above = [*(one for one in above if one[0] < heading.level), (heading.level, " ".join(heading.text.split()))]
            has_heading = True
    return found


def units(document: Document, parts: Sequence[Section], sizes: Mapping[str, int]) -> list[Unit]:
    """The units of a document, in order: every character that is not blank is in one of them.

    `parts`: its sections. `sizes`: the tokens of each of its words.
    """
    found = _Units(document.text, sizes)
    waiting = deque(document.blocks)
    for number, part in enumerate(parts):
        place = part.start
        if part.has_heading:
            line = document.text.find("\n", place, part.end)
            place = part.end if line < 0 else line
            found.add(part.start, place, number, after=HEADING, most=part.most_tokens)
        while waiting and waiting[0].start < part.end:
            start, end = max(place, waiting[0].start), min(part.end, waiting[0].end)
            if start < end:
                found.prose(place, start, number, most=part.most_tokens)
                is_rest = start > waiting[0].start
                found.block(start, end, number, part=part, room=part.room_tokens - is_rest * part.header_tokens)
                place = end
            if waiting[0].end > part.end:
                break
            waiting.popleft()
        found.prose(place, part.end, number, most=part.most_tokens)
        found.close()
    return found.units


class _Units:
    def __init__(self, text: str, sizes: Mapping[str, int]) -> None:
        self.units: list[Unit] = []
        self._text = text
        self._sizes = sizes

    def prose(self, start: int, end: int, section: int, *, most: int) -> None:
        place = start
        for found in _ENDS.finditer(self._text, start, end):
            after = self._after(place, found, end)
            if after < WORD:
                self.add(place, found.end(), section, after=after, most=most)
                place = found.end()
        self.add(place, end, section, after=PARAGRAPH, most=most)

    def block(self, start: int, end: int, section: int, *, part: Section, room: int) -> None:
        """A table or code: whole where there is room for it in a chunk, else its lines."""
        if end - start <= SPARSE * room and weight(self._text[start:end], self._sizes) <= room:
            before = len(self.units)
            self.add(start, end, section, after=PARAGRAPH, most=room)
            self.units[before:] = [unit._replace(is_block=True) for unit in self.units[before:]]
            return
        place = start
        while place < end:
            line = self._text.find("\n", place, end)
            stop = end if line < 0 else line + 1
            is_last = self._text[stop : stop + 1] in ("", "\n")
            self.add(place, stop, section, after=PARAGRAPH if is_last else LINE, most=part.most_tokens)
            place = stop

    def add(self, start: int, end: int, section: int, *, after: float, most: int) -> None:
        stretch = self._text[start:end]
        start, stretch = end - len(stretch.lstrip()), stretch.strip()
        if not stretch:
            return
        tokens = weight(stretch, self._sizes)
        if tokens <= most and len(stretch) <= SPARSE * most:
            # A word that is cut may count otherwise when it is whole.
            is_exact = start == 0 or self._text[start - 1].isspace()
            self._append(Unit(start, start + len(stretch), tokens, section, after, is_exact), most=most // _CRUMB)
            return
        share = min(most, tokens / math.ceil(tokens / most) + 1)
        self.units += self._parts(start, start + len(stretch), section, share=share)
        self.units[-1] = self.units[-1]._replace(after=after)

    def _append(self, unit: Unit, *, most: int) -> None:
        last = self.units[-1] if self.units else None
        if (
            last is not None
            and last.tokens + unit.tokens <= most
            and (LINE <= last.after < HEADING or (last.after == PARAGRAPH and self._is_crowded(most * _CRUMB // 2)))
            and last.section == unit.section
            and unit.end - last.start <= SPARSE * most
        ):
            unit = unit._replace(
                start=last.start, tokens=last.tokens + unit.tokens, is_exact=last.is_exact and unit.is_exact
            )
            self.units.pop()
        self.units.append(unit)

    def _is_crowded(self, half: int) -> bool:
        return len(self.units) >= _CROWD and sum(unit.tokens for unit in self.units[-_CROWD:]) < half

    def close(self) -> None:
        """Ends a section."""
        if self.units and self.units[-1].after != HEADING:
            self.units[-1] = self.units[-1]._replace(after=SECTION)

    def _after(self, place: int, found: re.Match[str], end: int) -> float:
        """The cost of cutting at a place that may be an end; `WORD` for none."""
        blanks = found.group()
        if blanks[0] != "\n":
            return SENTENCE
        if "\n" in blanks[1:] or found.end() >= end:
            return PARAGRAPH
        before = self._text[max(place, found.start() - _NEAR) : found.start()].rstrip()[-1:]
        if before in _FINAL or _BULLET.match(self._text, found.end()):
            return LINE
        return WORD if self._text[found.end()].islower() else WRAP

    def _parts(self, start: int, end: int, section: int, *, share: float) -> Iterator[Unit]:
        """A stretch that is too long, cut between words into nearly equal parts, or inside words too long."""
        first, last, total, is_exact = start, start, 0, True
        for place, stop, tokens, is_word in self._words(start, end, share):
            if total and (total + tokens > share or stop - first > SPARSE * share):
                yield Unit(first, last, total, section, WORD, is_exact)
                first, total, is_exact = place, 0, True
            last, total, is_exact = stop, total + tokens, is_exact and is_word
        yield Unit(first, last, total, section, WORD, is_exact)

    def _words(self, start: int, end: int, share: float) -> Iterator[tuple[int, int, int, bool]]:
        for found in _WORD.finditer(self._text, start, end):
            tokens = self._sizes[found.group()]
            if tokens <= share:
                yield found.start(), found.end(), tokens, True
                continue
            for place in range(found.start(), found.end(), PIECE):
                stop = min(place + PIECE, found.end())
                # As many as characters is the most that a tokenizer of word pieces gives.
                yield place, stop, min(tokens, stop - place), False
