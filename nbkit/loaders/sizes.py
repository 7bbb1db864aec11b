"""Headings of a document that names none, by the size of its lines: rather none than wrong ones."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nbkit.loaders.writer import one_line

_LETTERS = re.compile(r"[^\W\d_]{3}")
_MOST_CHARS = 120
_MOST_LINES = 2
"""Of one heading; more lines in large print are a text."""
_LEAST = 2
"""Of a document: one alone is its title."""
_LONG = 60
"""Characters of a line that is one of a text, not of a table or a list: its size is what others are held against."""
_LEAST_PAGES = 0.2
"""Of all pages that have headings: what stands on the cover alone would be everyone's heading."""
_LEAST_LETTERS = 0.75
"""Of a heading's characters, spaces left out; the rows of tables have fewer."""
_MOST_SHARE = 0.25
"""Of a document's characters that may be in headings: beyond that its sizes say something else."""
_MOST_PAGES = 3
"""That may have the same heading; what stands on more is at the top or foot of each page."""
_MOST_LEVELS = 4
_BULLETS = "\u2022\u00b7\u25e6\u25aa\u25a0\u25cf\u2013\u2014-*"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page and how tall its letters are, in any unit that is the same for the whole document."""

    text: str
    size: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A heading and its page, as an outline names it."""

    page: int
    """Counted from 0."""
    level: int
    text: str


def usual_size(lines: Iterable[Line]) -> float:
    """The size that half of the characters of long lines do not go beyond; of all, where none is long.

    >>> usual_size([Line("Care", 20), Line("Wipe it with a cloth.", 10)])
    10
    """
    held = list(lines)
    counted = sorted((line.size, len(line.text)) for line in [one for one in held if len(one.text) >= _LONG] or held)
    left = sum(count for _, count in counted) / 2
    for size, count in counted:
        left -= count
        if left <= 0:
            return size
    return 0.0


def largest(lines: Sequence[Line], *, ratio: float) -> str:
    """The first of the largest lines, for a title; empty where none is larger than the others by that ratio.

    >>> largest([Line("ACME", 10), Line("Kettles", 20), Line("How to boil water", 10)], ratio=1.2)
    'Kettles'
    """
    found = max((line for line in lines if _LETTERS.search(line.text)), key=lambda line: line.size, default=None)
    if found is None or found.size < ratio * usual_size(lines):
        return ""
    return one_line(found.text)[:200]


def by_size(pages: Sequence[Sequence[Line]], *, ratio: float, likeness: float = 1.06) -> list[Entry]:
    """The headings: lines larger than the usual one by that ratio, the largest on top.

    `likeness`: sizes that differ by less are of one level.

    >>> page = [Line("Care", 20), Line("Wipe it with a damp cloth.", 10), Line("Lids", 20), Line("Dry them well.", 10)]
    >>> [one.text for one in by_size([page], ratio=1.2)]
    ['Care', 'Lids']
    """
    body = usual_size(line for lines in pages for line in lines)
    found = [(number, *one) for number, lines in enumerate(pages) for one in _large(lines, ratio * body, likeness)]
    on_pages = Counter(text for text, _ in {(text, number) for number, text, _ in found})
    found = [one for one in found if on_pages[one[1]] <= _MOST_PAGES]
    chars = sum(len(line.text) for lines in pages for line in lines)
    is_spread = len({number for number, _, _ in found}) >= _LEAST_PAGES * sum(map(bool, pages))
    if len(found) < _LEAST or not is_spread or sum(len(text) for _, text, _ in found) > _MOST_SHARE * chars:
        return []
    levels = _levels({size for _, _, size in found}, likeness)
    return [Entry(number, levels[size], text) for number, text, size in found]


def _large(lines: Sequence[Line], least: float, likeness: float) -> Iterator[tuple[str, float]]:
    """Text and size of what may be headings on a page; lines of one size that follow one another are one."""
    runs: list[list[Line]] = []
    for line in lines:
        if runs and max(line.size, runs[-1][-1].size) <= likeness * min(line.size, runs[-1][-1].size):
            runs[-1].append(line)
        else:
            runs.append([line])
    for run in runs:
        text = one_line(" ".join(line.text for line in run))
        if run[0].size >= least > 0 and len(run) <= _MOST_LINES and _is_heading(text):
            yield text, run[0].size


def _is_heading(text: str) -> bool:
    if len(text) > _MOST_CHARS or not _LETTERS.search(text) or text.endswith((".", ",", ";")) or text[0] in _BULLETS:
        return False
    return sum(map(str.isalpha, text)) >= _LEAST_LETTERS * sum(not one.isspace() for one in text)


def _levels(sizes: set[float], likeness: float) -> dict[float, int]:
    levels: dict[float, int] = {}
    level, top = 0, 0.0
    for size in sorted(sizes, reverse=True):
        if not level or size * likeness < top:
            level, top = min(level + 1, _MOST_LEVELS), size
        levels[size] = level
    return levels
