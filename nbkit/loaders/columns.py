"""Boxes of words on a page in the order in which they are read: rows from left to right, columns one after another."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PLACES = 61
"""Where a gap between columns is looked for, from a fifth to four fifths of the width."""
_LEAST_ROWS = 4
"""Of a column."""
_MOST_ACROSS = 0.3
"""Of the boxes that may go over the gap: titles, and tables across the page."""
_LEAST_CHARS = 15
"""Of the usual box of a column of text; the columns of a table have shorter ones, and are read by rows."""
_LEAST_SHARE = 0.5
"""Of a column's width that its usual box takes."""
_PARAGRAPH = 0.7
"""Of a row's height between it and the next: more is a new paragraph."""


@dataclass(frozen=True, slots=True)
class Box:
    """Words and where they stand; y goes down."""

    left: float
    top: float
    right: float
    bottom: float
    text: str

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Its height on the page."""
        return (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True)
class Row:
    """Boxes beside each other as one line."""

    text: str
    top: float
    bottom: float
    height: float
    """Of its usual box."""
    is_apart: bool = False
    """Whether there is a gap above it, so that a paragraph starts."""


def read(boxes: Sequence[Box]) -> list[Row]:
    """The rows of a page in order.

    >>> [row.text for row in read([Box(50, 0, 90, 10, "12.50"), Box(0, 1, 40, 11, "Lid"), Box(0, 30, 40, 40, "Base")])]
    ['Lid 12.50', 'Base']
    """
    return [row for group in _groups(boxes) for row in _rows(group)]


def _groups(boxes: Sequence[Box]) -> Iterator[Sequence[Box]]:
    """Stretches of the page that are read by rows: what goes over the gap parts the columns above from those below."""
    gap = _gap(boxes)
    if gap is None:
        yield boxes
        return
    across = sorted((one for one in boxes if one.left < gap < one.right), key=lambda one: one.top)
    rest = [one for one in boxes if not one.left < gap < one.right]
    above = float("-inf")
    for one in [*across, None]:
        below = one.middle if one else float("inf")
        band = [box for box in rest if above <= box.middle < below]
        for side in ([box for box in band if box.right <= gap], [box for box in band if box.left >= gap]):
            if side:
                yield from _groups(side)
        if one:
            yield [one]
        above = below


def _gap(boxes: Sequence[Box]) -> float | None:
    """Where columns of text are parted; None where there is one, or a table."""
    if len(boxes) < 2 * _LEAST_ROWS:
        return None
    left, right = min(one.left for one in boxes), max(one.right for one in boxes)
    places = [left + (right - left) * (0.2 + 0.6 * number / (_PLACES - 1)) for number in range(_PLACES)]
    across = [sum(one.left < place < one.right for one in boxes) for place in places]
    fewest = [place for place, count in zip(places, across, strict=True) if count == min(across)]
    gap = fewest[len(fewest) // 2]
    sides = [one for one in boxes if one.right <= gap], [one for one in boxes if one.left >= gap]
    is_parted = min(across) <= _MOST_ACROSS * len(boxes) and all(
        _is_text(one) or _gap(one) is not None for one in sides
    )
    return gap if is_parted else None


def _is_text(boxes: Sequence[Box]) -> bool:
    if len(boxes) < _LEAST_ROWS:
        return False
    width = max(one.right for one in boxes) - min(one.left for one in boxes)
    return (
        statistics.median(len(one.text) for one in boxes) >= _LEAST_CHARS
        and statistics.median(one.right - one.left for one in boxes) >= _LEAST_SHARE * width
    )


def _rows(boxes: Sequence[Box]) -> Iterator[Row]:
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda one: one.middle):
        if rows and abs(box.middle - statistics.fmean(one.middle for one in rows[-1])) < 0.5 * min(
            box.height, statistics.median(one.height for one in rows[-1])
        ):
            rows[-1].append(box)
        else:
            rows.append([box])
    before: Row | None = None
    for row in rows:
        row.sort(key=lambda one: one.left)
        top, bottom = min(one.top for one in row), max(one.bottom for one in row)
        height = statistics.median(one.height for one in row)
        is_apart = before is not None and top - before.bottom > _PARAGRAPH * min(height, before.height)
        before = Row(" ".join(one.text for one in row), top, bottom, height, is_apart)
        yield before
