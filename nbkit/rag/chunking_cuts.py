"""Where to end chunks: the best of all ways for a whole document, found by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nbkit.rag.chunking_units import HEADING, SPARSE, Section, Unit

_FULL = 0.8
"""Of the size: what a chunk should have."""
_CROSSING = 0.6
"""The cost of a heading inside a chunk: short sections are put together, others are not."""


def runs(units: Sequence[Unit], parts: Sequence[Section], *, overlap_tokens: int = 0) -> list[tuple[int, int]]:
    """The chunks, each as its first unit and the one behind its last: cheapest in sum, together all units.

    The cost of a chunk is the square of how far it is from four fifths of the size, the place where it ends, and the
    headings that it crosses; none goes over the end of a page. `parts`: the sections that the units stand in, with the
    size in each. A unit that is longer than the size is a chunk of its own.

    >>> whole = [Section(0, 99, (), most_tokens=10, room_tokens=20)]
    >>> runs([Unit(0, 9, 4, 0, 1.0), Unit(10, 19, 4, 0, 0.2), Unit(20, 29, 8, 0, 0.2)], whole)
    [(0, 2), (2, 3)]
    """
    best, starts = [0.0], [0]
    opens = [False, *(before.section != unit.section for before, unit in pairwise(units))]
    limits = [part.most_tokens - min(overlap_tokens, part.most_tokens // 2) for part in parts]
    for end, last in enumerate(units, 1):
        target, page = _FULL * limits[last.section], parts[last.section].page
        total, crossed, cheapest, start = 0, 0.0, float("inf"), end - 1
        for first in range(end - 1, -1, -1):
            unit = units[first]
            total += unit.tokens
            limit = limits[unit.section]
            if parts[unit.section].page != page:
                break
            if first < end - 1 and (total > limit or last.end - unit.start > SPARSE * limit):
                # A heading stays with the table below it, which may be longer than the size.
                is_above = last.is_block and unit.after == HEADING and first == end - 2
                if not is_above or total > parts[unit.section].room_tokens:
                    break
            cost = best[first] + (total / target - 1) ** 2 + crossed
            if cost < cheapest:
                cheapest, start = cost, first
            if opens[first]:
                crossed += _CROSSING
        best.append(cheapest + last.after)
        starts.append(start)
    found: list[tuple[int, int]] = []
    end = len(units)
    while end:
        found.append((starts[end], end))
        end = starts[end]
    return found[::-1]


def overlapping(
    units: Sequence[Unit], found: Sequence[tuple[int, int]], parts: Sequence[Section], *, overlap_tokens: int
) -> list[tuple[int, int]]:
    """The same chunks, each begun earlier by units of the one before it: as many as the overlap and the size allow.

    Nothing is repeated over a heading, nor where it would be the whole chunk before.
    """
    begun = list(found[:1])
    for (earliest, _), (first, end) in pairwise(found):
        part = parts[units[first].section]
        total = sum(unit.tokens for unit in units[first:end])
        repeated, start = 0, first
        while start - 1 > earliest and units[start - 1].section == units[first].section:
            repeated += units[start - 1].tokens
            if repeated > overlap_tokens or total + repeated > part.most_tokens:
                break
            start -= 1
        begun.append((start, end))
    return begun
