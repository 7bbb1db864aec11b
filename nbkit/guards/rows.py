"""Where a source has rows: of a table in pipes or commas, or of `column: value` lists, as of sheets and records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LINE: Final = re.compile(r"[^\n]+")
_NAMED: Final = re.compile(r"[ \t]{0,4}([^\W\d_][^:;|\n.!?]{0,60}):\s{1,3}(?=\S)")
_NEXT_CELL: Final = re.compile(r";[ \t]{1,3}(?=[^\W\d_][^:;|\n.!?]{0,60}:\s)")
_BAR: Final = re.compile(r"(?<!\\)\|")
_COMMA: Final = re.compile(",")
_RULE: Final = re.compile(r"[\s|:-]*-[\s|:-]*")
_PROSE: Final = re.compile(r"\S{2}[.!?](?:\s|$)")
_LONGEST_CELL: Final = 60
"""Characters of a value that is no prose."""
_LEAST_LINES: Final = 3
"""Lines with the same number of commas, the header with them, that are a table."""
_LEAST_COMMAS: Final = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a row."""

    column: str
    """Its name; empty where none is known."""
    value: str
    start: int
    """Of the value, in characters of the source."""
    end: int

    @property
    def is_prose(self) -> bool:
        """Whether it says sentences, rather than a value."""
        return len(self.value) > _LONGEST_CELL or _PROSE.search(self.value) is not None


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    start: int
    end: int
    cells: tuple[Cell, ...]
    is_named: bool = False
    """Whether each value stands behind the name of its column."""


def rows(text: str) -> list[Row]:
    r"""The rows of a text, in order, headers left out.

    >>> [[(one.column, one.value) for one in row.cells] for row in rows("Part: Lid; Price: 3\nPart: Cup; Price: 4")]
    [[('Part', 'Lid'), ('Price', '3')], [('Part', 'Cup'), ('Price', '4')]]
    """
    lines = [(match.start(), match.end()) for match in _LINE.finditer(text)]
    found = [*_named(text, lines), *_records(text, lines), *_piped(text, lines), *_with_commas(text, lines)]
    kept: list[Row] = []
    for row in sorted(found, key=lambda row: row.start):
        if not kept or row.start >= kept[-1].end:
            kept.append(row)
    return kept


def _named(text: str, lines: list[tuple[int, int]]) -> Iterator[Row]:
    for start, end in lines:
        if text.find("; ", start, end) < 0 or _NAMED.match(text, start, end) is None:
            continue
        cuts = [(one.start(), one.end()) for one in _NEXT_CELL.finditer(text, start, end)]
        if not cuts or text.count("|", start, end) > 1:
            continue
        starts, ends = [start, *(after for _, after in cuts)], [*(before for before, _ in cuts), end]
        cells = [_named_cell(text, first, last) for first, last in zip(starts, ends, strict=True)]
        yield Row(start, end, tuple(cells), is_named=True)


def _records(text: str, lines: list[tuple[int, int]]) -> Iterator[Row]:
    """Paragraphs of `column: value` lines, where the next begins with the same column: each is a record."""
    groups: list[list[tuple[int, int]]] = []
    for at, place in enumerate(lines):
        if at == 0 or "\n" in text[lines[at - 1][1] + 1 : place[0]]:
            groups.append([])
        groups[-1].append(place)
    cells = [[_named_cell(text, *place) for place in group] for group in groups]
    first = [one[0].column if len(one) > 1 and all(cell.column for cell in one) else "" for one in cells]
    times = Counter(first)
    for group, one, name in zip(groups, cells, first, strict=True):
        if name and times[name] > 1:
            yield Row(group[0][0], group[-1][1], tuple(one), is_named=True)


def _named_cell(text: str, start: int, end: int) -> Cell:
    name = _NAMED.match(text, start, end)
    at = name.end() if name else start
    return Cell(name[1] if name else "", text[at:end], at, end)


def _piped(text: str, lines: list[tuple[int, int]]) -> Iterator[Row]:
    names: list[str] = []
    last_end = -2
    for at, (start, end) in enumerate(lines):
        if text.count("|", start, end) < 2:  # noqa: PLR2004 - one alone divides nothing
            continue
        if start > last_end + 1:
            names = []
        last_end = end
        if _RULE.fullmatch(text, start, end):
            continue
        cells = list(_cut(text, start, end, _BAR))
        following = lines[at + 1] if at + 1 < len(lines) else (end, end)
        if following[0] == end + 1 and _RULE.fullmatch(text, *following):
            names = [text[first:last] for first, last in cells]
            continue
        yield _row(text, start, end, cells, names)


def _with_commas(text: str, lines: list[tuple[int, int]]) -> Iterator[Row]:
    at = 0
    while at < len(lines):
        last = at
        commas = text.count(",", *lines[at])
        while last + 1 < len(lines) and commas >= _LEAST_COMMAS and text.count(",", *lines[last + 1]) == commas:
            last += 1
        if last - at + 1 >= _LEAST_LINES:
            cut = [list(_cut(text, start, end, _COMMA)) for start, end in lines[at : last + 1]]
            every = [text[first:end] for cells in cut for first, end in cells]
            names = [text[first:end] for first, end in cut[0]]
            is_header = all(names) and not any(any(map(str.isdigit, name)) for name in names)
            if is_header and not any(len(one) > _LONGEST_CELL or _PROSE.search(one) for one in every):
                for (start, end), cells in zip(lines[at + 1 : last + 1], cut[1:], strict=True):
                    yield _row(text, start, end, cells, names)
        at = last + 1


def _row(text: str, start: int, end: int, cells: list[tuple[int, int]], names: list[str]) -> Row:
    # Cells that stand behind the last column have no name.
    named = [*names, *[""] * (len(cells) - len(names))]
    places = zip(cells, named, strict=False)
    return Row(start, end, tuple(Cell(name, text[one:last], one, last) for (one, last), name in places if one < last))


def cells_of(line: str) -> list[str]:
    """The cells of a line between bars.

    >>> cells_of("| Lid | 3 EUR |")
    ['Lid', '3 EUR']
    """
    return [line[first:last] for first, last in _cut(line, 0, len(line), _BAR)]


def _cut(text: str, start: int, end: int, mark: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Where the cells of a line begin and end, white space left out; what stands outside its outer bars is none."""
    line = text[start:end]
    first = start + len(line) - len(line.lstrip(" \t"))
    last = start + len(line.rstrip(" \t\r"))
    first += text[first : first + 1] == "|"
    last -= text[last - 1 : last] == "|" and last > first
    cuts = [match.start() for match in mark.finditer(text, first, last)]
    for one, other in zip([first, *(cut + 1 for cut in cuts)], [*cuts, last], strict=True):
        cell = text[one:other]
        begin = one + len(cell) - len(cell.lstrip())
        yield begin, max(begin, one + len(cell.rstrip()))
