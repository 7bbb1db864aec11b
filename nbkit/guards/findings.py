"""What was made inert in one answer: how often each kind of thing, and where the first of them are."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import Final

from nbkit.guards.controls import control_spans
from nbkit.types import Span

MOST_SPANS: Final = 1_000
"""Places that are told of control characters, and of all the rest; there may be a hundred thousand of each."""
_CONTROL: Final = "control character"


class Findings:
    """Counts and places, the same however the text came: each of the two sorts is added in the order of the text.

    >>> findings = Findings()
    >>> findings.add("link", 3, 4)
    >>> findings.add_controls([0, 1], 0)
    >>> [span.start for span in findings.spans()], findings.counts["control character"]
    ([0, 1, 3], 2)
    """

    def __init__(self) -> None:
        self.counts = Counter[str]()
        self._controls: list[Span] = []
        self._others: list[Span] = []

    def add(self, kind: str, start: int, end: int) -> None:
        """One thing that was made inert."""
        self.counts[kind] += 1
        if len(self._others) < MOST_SPANS:
            self._others.append(Span(start, end, kind))

    def add_controls(self, places: list[int], base: int) -> None:
        """Control characters that were taken out of a text that begins at `base`."""
        if places:
            self.counts[_CONTROL] += len(places)
            self._controls += control_spans(places[: MOST_SPANS - len(self._controls)], base)

    def spans(self) -> tuple[Span, ...]:
        """The places, in order; no two begin in the same one."""
        if not self._controls:
            return tuple(self._others)
        return tuple(sorted([*self._controls, *self._others], key=attrgetter("start")))
