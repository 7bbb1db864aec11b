"""Where in a text as it was given stands what a guard found in it after other guards had changed it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nbkit.types import Span

_PUT_IN: Final = re.compile(r"⟦[^⟦⟧\n]{1,40}⟧|\[secret(?::[^\[\]\n]{1,80})?\]|\[…\]")
"""What guards put in the place of what they take out: nothing in it is text that stayed."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A stretch that one guard left as it was."""

    start: int
    """In the text that it gave."""
    before: int
    """In the text that it was given."""
    chars: int


class Places:
    r"""The changes of one guard after another, undone for a place.

    >>> places = Places()
    >>> places.change("a\u202eb mail", "ab mail", [Span(1, 2, "bidi")])
    >>> places.all_as_given([Span(3, 7, "x")])
    (Span(start=4, end=8, kind='x'),)
    """

    def __init__(self) -> None:
        self._steps: list[list[_Kept]] = []
        self._is_lost = False

    def change(self, before: str, after: str, spans: Sequence[Span]) -> None:
        """A guard gave `after` for `before`, and says that it touched nothing but `spans`."""
        if before == after or self._is_lost:
            return
        kept = _kept(before, after, spans)
        self._is_lost = kept is None
        if kept is not None:
            self._steps.append(kept)

    def all_as_given(self, spans: Sequence[Span]) -> tuple[Span, ...]:
        """The places in the text as it was given; none where nobody can tell, as when a guard did not say its own."""
        return () if self._is_lost else tuple(map(self._as_given, spans))

    def _as_given(self, span: Span) -> Span:
        start, last = span.start, max(span.start, span.end - 1)
        for kept in reversed(self._steps):
            start, last = _before(kept, start)[0], _before(kept, last)[1]
        return Span(start, last + 1 if span.end > span.start else start, span.kind)


def _kept(before: str, after: str, spans: Sequence[Span]) -> list[_Kept] | None:
    kept: list[_Kept] = []
    here = at = 0
    for start, end in [*_apart(spans), (len(before), len(before))]:
        gap = before[here:start]
        put = _PUT_IN.match(after, at) if kept else None
        if put and after.startswith(gap, at) and len(gap) >= len(put.group()):
            put = None  # The text itself said so, behind something that was taken out.
        found = len(after) - len(gap) if start == len(before) else after.find(gap, put.end() if put else at)
        if found < at or (not kept and found) or not after.startswith(gap, found):
            return None
        kept.append(_Kept(found, here, len(gap)))
        here, at = end, found + len(gap)
    return kept


def _apart(spans: Sequence[Span]) -> list[tuple[int, int]]:
    """The places in order, those that touch made one."""
    found: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda one: (one.start, one.end)):
        if found and span.start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], span.end))
        else:
            found.append((span.start, span.end))
    return found


def _before(kept: Sequence[_Kept], place: int) -> tuple[int, int]:
    """The character before the change; of one that was put in, the first and the last of those that it stands for."""
    at = max(0, bisect_right(kept, place, key=lambda one: one.start) - 1)
    one = kept[at]
    if place < one.start + one.chars or at + 1 == len(kept):
        return (one.before + place - one.start,) * 2
    return one.before + one.chars, kept[at + 1].before - 1
