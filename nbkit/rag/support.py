"""Where a passage says what a sentence says: the neighbouring sentences that hold most of its words.

Whether it says it at all is `nbkit.guards.grounding`'s to judge, for citations as for the guard `grounded`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from nbkit.guards.rows import rows
from nbkit.guards.wording import sentences, tokens

WINDOW_SENTENCES = 3
"""A claim is often put together from neighbouring sentences, but not of two records, rows or cells."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text that say something, and its numbers."""

    content: frozenset[str]
    """Lower case, without endings."""
    numbers: frozenset[str]
    """Without thousands separators."""


@dataclass(frozen=True, slots=True)
class Support:
    """Where a passage says it."""

    score: float
    """Share of the sentence's content words, 0 to 1; 0 also when one of its numbers is missing."""
    start: int
    """The window, in characters of the passage."""
    end: int


def words(text: str) -> Words:
    """The content words and numbers of a text.

    >>> words("The 1,200 fans are cleaned.").numbers, sorted(words("The 1,200 fans are cleaned.").content)
    (frozenset({'1200'}), ['clean', 'fan'])
    """
    said = [token for token in tokens(text) if token.kind != "negation"]
    numbers = frozenset(token.stem for token in said if token.kind == "number")
    return Words(frozenset(token.stem for token in said) - numbers, numbers)


def support(claim: Words, passage: str, *, context: str = "") -> Support:
    """How far a passage says what a sentence of these words says, and the window where it does.

    `context`: title and headings, whose words count as said.

    >>> found = support(words("The fan needs 30 W."), "It is quiet. The fan needs 30 W. It is black.")
    >>> found.score, found.end > found.start
    (1.0, True)
    """
    best = Support(0.0, 0, 0)
    said_above = words(context)
    for start, end, said in _windows(passage):
        known = said.content | said.numbers | said_above.content | said_above.numbers
        if not claim.numbers <= known:
            continue
        wanted = len(claim.content) + len(claim.numbers)
        held = len(claim.content & known) + len(claim.numbers)
        score = held / wanted if wanted else 0.0
        # Of windows that hold as much, the shorter one is the quote.
        if score > best.score or (score == best.score and score and end - start < best.end - best.start):
            best = Support(score, start, end)
    return best


@functools.lru_cache(maxsize=512)
def _windows(passage: str) -> tuple[tuple[int, int, Words], ...]:
    found = []
    for places in _stretches(passage):
        for first in range(len(places)):
            for last in range(first, min(first + WINDOW_SENTENCES, len(places))):
                start, end = places[first][0], places[last][1]
                found.append((start, end, words(passage[start:end])))
    return tuple(found)


def _stretches(passage: str) -> Iterator[list[tuple[int, int]]]:
    """Where sentences stand that may be quoted as one: a row is one place; those in a cell stay among themselves."""
    at = 0
    for row in rows(passage):
        yield _places(passage, at, row.start)
        yield [(row.start, row.end)]
        for cell in row.cells:
            if cell.is_prose:
                yield _places(passage, cell.start, cell.end)
        at = row.end
    yield _places(passage, at, len(passage))


def _places(passage: str, start: int, end: int) -> list[tuple[int, int]]:
    return [(start + first, start + last) for first, last in sentences(passage[start:end])]
