"""The sentences and rows of a source with their words, numbers and names."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nbkit.guards.rows import Cell, rows
from nbkit.guards.wording import Token, is_function_word, tokens

_END: Final = re.compile(r"[.!?][\"'\u2019)\]*_]*\s+|\n+|;\s|(?<=[\u3002\uff01\uff1f])(?=.)")
_NEXT: Final = re.compile(r"[\W_]{0,8}(?=[^a-z])\w{1,30}")
_SHORT: Final = re.compile(
    r"(?:\b(?:[^\W\d_]|\d{1,2}|no|nr|nos|fig|abb|pp|cf|vs|bzw|ca|inc|ltd|corp|dr|mrs?|ms|st|prof|sec|ch|art|vol|abs)"
    r"|\.[^\W\d_])$",
    re.IGNORECASE,
)
_BEGINS: Final = re.compile(r"[ \t]{0,8}([^\W_])")
_LONG_LINE: Final = 60
"""Characters of a line that is full: one of a table or a list is shorter."""
COUNTING: Final = frozenset(("number", "count"))
"""Kinds of tokens that are numbers."""


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of a source or an answer."""

    text: str
    source: int
    """Number of the source, from 1."""
    tokens: tuple[Token, ...]
    words: frozenset[str]
    """The stems of all that it says, negations left out."""
    numbers: frozenset[str]
    """Its numbers, in digits."""
    names: frozenset[str]
    """The stems of what is written like a name."""
    cells: tuple[Cell, ...] = ()
    """Of a row, which says its values of one another in any order; a sentence has none."""

    @property
    def has_prose(self) -> bool:
        """Whether it is a row with sentences of its own."""
        return any(one.is_prose for one in self.cells)


def read(text: str, source: int = 0) -> list[Said]:
    """The sentences and rows of a text; a row with sentences in it is followed by those.

    >>> [sorted(one.numbers) for one in read("It has twelve fans. They need 30 W.")]
    [['12'], ['30']]
    """
    found, at = [], 0
    for row in rows(text):
        found += _sentences(text[at : row.start], source)
        one = said(
            "; ".join([f"{cell.column}: {cell.value}" if cell.column else cell.value for cell in row.cells]), source
        )
        found.append(dataclasses.replace(one, cells=row.cells))
        found += [each for cell in row.cells if cell.is_prose for each in _sentences(cell.value, source)]
        at = row.end
    return found + _sentences(text[at:], source)


def _sentences(text: str, source: int) -> list[Said]:
    found, at = [], 0
    for match in _END.finditer(text):
        mark = match.group()
        # A blank line ends what stands before it, whatever that is.
        is_inside = mark[0] not in "\n;" and mark.count("\n") <= 1 and _is_short(text, match)
        if _is_wrapped(text, match) if mark == "\n" else is_inside:
            continue
        found.append(text[at : match.end()])
        at = match.end()
    return [said(one, source) for one in (*found, text[at:]) if one.strip()]


def _is_wrapped(text: str, match: re.Match[str]) -> bool:
    """Whether a line ends only because the page does, as lines of PDFs: the sentence goes on in the next."""
    before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].rstrip()
    after = _BEGINS.match(text, match.end())
    if not before or "|" in before or before[-1] in ".!?:;" or after is None:
        return False
    return after.group(1).islower() or len(before) >= _LONG_LINE


def _is_short(text: str, match: re.Match[str]) -> bool:
    """Whether the stop may belong to an abbreviation, an initial or a day."""
    after = _NEXT.match(text, match.end())
    if after is None:
        return True
    return _SHORT.search(text, max(0, match.start() - 12), match.start()) is not None and not is_function_word(
        after.group()
    )


def said(text: str, source: int = 0, more: Sequence[Token] = ()) -> Said:
    """What a sentence says; `more` is counted as said in it.

    >>> sorted(said("It needs 30 W.").words)
    ['30', 'need']
    """
    found = (*tokens(text), *more)
    return Said(
        text,
        source,
        found,
        frozenset([one.stem for one in found if one.kind != "negation"]),
        frozenset([one.stem for one in found if one.kind in COUNTING]),
        frozenset([one.stem for one in found if one.kind == "name"]),
    )
