"""How far a run is, counted as it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from nbkit.evals.runs import Graded, paid


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in answers."""

    done: int
    planned: int
    failed: int = 0
    cached: int = 0
    resumed: int = 0
    """Of those done, how many an earlier try had."""
    usd: Decimal | None = Decimal(0)
    """What was spent so far; None once the price of an answer is not known."""


class Tally:
    """The answers of a run so far: those of a long one are not gone through ten times a second.

    `resumed`: what an earlier try had.

    >>> Tally(12, resumed=()).progress().done
    0
    """

    def __init__(self, planned: int, *, resumed: Sequence[Graded]) -> None:
        self._planned, self._resumed = planned, len(resumed)
        self._done = self._failed = self._cached = 0
        self._usd: Decimal | None = Decimal(0)
        self.add(resumed)

    def add(self, graded: Sequence[Graded]) -> None:
        """Counts what came of one case."""
        answers = [one.answer for one in graded if one.answer is not None]
        self._done += len(graded)
        self._failed += len(graded) - len(answers)
        self._cached += sum(one.is_cached for one in answers)
        spent = paid(graded)
        self._usd = None if self._usd is None or spent is None else self._usd + spent

    def progress(self) -> Progress:
        """The figures so far."""
        return Progress(self._done, self._planned, self._failed, self._cached, self._resumed, self._usd)
