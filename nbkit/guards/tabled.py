"""What rows of the sources say: values of one row may be said of one another in any order, those of two may not."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from nbkit.guards.opposites import measures, unit_of
from nbkit.guards.said import COUNTING, Said, said
from nbkit.guards.telling import told
from nbkit.guards.wording import Token

_MOST_ROWS: Final = 100
_LEAST_HELD: Final = 2
_JOINS: Final = re.compile(
    r"[,;]|\b(?:and|or|but|than|both|all|each|while|other|same|most|least|total)\b", re.IGNORECASE
)
"""With one of these a sentence may be about several rows."""
_YEAR_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class _Column:
    name: frozenset[str]
    units: frozenset[str]
    """Of measure, that the name says."""
    said: Said
    is_prose: bool


@dataclass(frozen=True, slots=True)
class _Row:
    source: int
    words: frozenset[str]
    """With the names of its columns."""
    keys: tuple[frozenset[str], ...]
    """The words of the first value: what it is of; of the second one too, where the first is a number or code."""
    columns: tuple[_Column, ...]
    names: frozenset[str]
    """The words of the names of its columns."""
    values: frozenset[str]
    """The words of what is no prose."""

    def named(self, whole: Said, at: int = 0) -> frozenset[str]:
        """The words of its key by which the sentence names it; empty where it does not."""
        return self.keys[at] if at < len(self.keys) and self.keys[at] <= whole.words else frozenset()


class Tables:
    r"""The rows of sources.

    >>> from nbkit.guards.said import read
    >>> tables = Tables(read("Part: Lid; Price: 3\nPart: Cup; Price: 4", 1))
    >>> tables.otherwise(said("The lid's price is 4."))
    'passage 1 has it in another row'
    """

    def __init__(self, every: Sequence[Said]) -> None:
        self._said = every

    def has_joined(self, tokens: Sequence[Token], known: Collection[str]) -> bool:
        """Whether a row has all numbers and names of a sentence, and all else of it that any source has."""
        wanted = {token.stem for token in tokens if token.kind != "negation" and token.stem in known}
        sure = {token.stem for token in tokens if token.kind in COUNTING}
        if len(wanted) < _LEAST_HELD or not sure <= wanted:
            return False
        return any(wanted <= row.words for row in self._all if row.values & wanted)

    def has_numbers(self, whole: Said) -> bool:
        """Whether a row that the sentence names has all of its numbers."""
        return any(row.named(whole) and whole.numbers <= row.words for row in self._all)

    def otherwise(self, whole: Said) -> str:
        """What rows say otherwise, for the reader; empty where nothing."""
        for source, rows in self._by_source.items():
            own = _named(rows, whole)
            if len(own) == 1 and self._is_in_another(whole, own[0], rows):
                return f"passage {source} has it in another row"
            if not own and self._is_in_none(whole, rows):
                return f"passage {source} has it in no row"
            if len(own) == 1 and (note := _of_another_column(whole, own[0])):
                return f"passage {source} says it of another column: {note}"
        return ""

    def _is_in_another(self, whole: Said, own: _Row, rows: Sequence[_Row]) -> bool:
        others = [row for row in rows if row is not own]
        values = frozenset().union(*(row.values - (row.keys[0] if row.keys else frozenset()) for row in others))
        prose = frozenset().union(*(row.words for row in others)) & (whole.names | whole.numbers)
        return bool(whole.words & (values | prose) - own.words - own.names)

    def _is_in_none(self, whole: Said, rows: Sequence[_Row]) -> bool:
        """Whether what it says is in the rows, and in no one of them, nor in a sentence."""
        if _JOINS.search(whole.text):
            return False
        sure = whole.names | whole.numbers
        held = frozenset().union(*(row.values | row.words & sure for row in rows))
        wanted = whole.words & held - frozenset().union(*(row.names for row in rows))
        if len(wanted) < _LEAST_HELD or any(wanted <= row.words for row in self._all):
            return False
        best = max(len(wanted & row.words) for row in rows)
        return not any(len(wanted & one.words) > best for one in self._said if not one.cells)

    @functools.cached_property
    def _all(self) -> list[_Row]:
        return [row for rows in self._by_source.values() for row in rows]

    @functools.cached_property
    def _by_source(self) -> dict[int, list[_Row]]:
        found: dict[int, list[_Row]] = defaultdict(list)
        for one in self._said:
            if one.cells and len(found[one.source]) < _MOST_ROWS:
                found[one.source].append(_row(one))
        return {source: rows for source, rows in found.items() if rows}


def _named(rows: Sequence[_Row], whole: Said) -> list[_Row]:
    """The rows that a sentence is about: by their codes, or where it has none of those, by what these stand for."""
    for at in range(2):
        own = [row for row in rows if row.named(whole, at)]
        if own:
            # What is longer names it more exactly.
            return [row for row in own if not any(row.named(whole, at) < other.named(whole, at) for other in own)]
    return []


def _row(one: Said) -> _Row:
    columns = tuple(
        _Column(
            (name := said(cell.column)).words,
            frozenset(unit for token in name.tokens if (unit := unit_of(token.stem))),
            said(cell.value),
            cell.is_prose,
        )
        for cell in one.cells
    )
    names = frozenset[str]().union(*(column.name for column in columns))
    values = frozenset[str]().union(*(column.said.words for column in columns if not column.is_prose))
    return _Row(one.source, one.words | names, tuple(_keys(one, columns)), columns, names, values)


def _keys(one: Said, columns: Sequence[_Column]) -> Iterator[frozenset[str]]:
    """The first value, but for one that only counts the rows; if it is a code, the next one that is none, too."""
    for cell, column in zip(one.cells, columns, strict=True):
        if column.is_prose:
            return
        is_count = cell.value.isdigit() and len(cell.value) < _YEAR_DIGITS
        if column.said.words and not is_count:
            yield column.said.words
            if not any(map(str.isdigit, cell.value)):
                return


def _of_another_column(whole: Said, own: _Row) -> str:
    """The value of the column that a sentence names, where it says another column's of it; or the unit."""
    if (word := _word_of_another(whole, own)) is not None:
        return word
    counted = [column for column in own.columns if column.said.numbers and not column.is_prose]
    named = [column for column in counted if column.name & whole.words]
    for number in sorted(whole.numbers):
        holding = [column for column in counted if number in column.said.numbers]
        if not holding:
            continue
        missed = [column for column in named if not column.said.numbers & whole.numbers]
        if missed and not any(column in named for column in holding):
            return f"there is {told(min(missed[0].said.numbers), missed[0].said.text)}"
        units = {unit for n, unit in measures(whole.text) if n == number}
        theirs = frozenset().union(*(column.units for column in holding))
        if units and theirs and not units & theirs:
            return "with another unit"
    return ""


def _word_of_another(whole: Said, own: _Row) -> str | None:
    """The same of a value in words, as "closed" of a day: it stands in other columns than the one that is named."""
    plain = [column for column in own.columns if not column.is_prose and column.said.words not in own.keys]
    named = [column for column in plain if column.name & whole.words]
    held = [column for column in plain if column.said.words and column.said.words <= whole.words.difference(*own.keys)]
    if len(named) == 1 and held and named[0] not in held and not _JOINS.search(whole.text):
        there = named[0].said
        return f"there is {told(min(there.numbers), there.text)}" if there.numbers else "there is another"
    return None
