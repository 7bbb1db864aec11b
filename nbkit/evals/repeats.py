"""Samples of the same cases taken apart: how much of the spread is the model's noise, and how much the cases differ."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_SLACK = 0.1
"""Share of the standard error that noise may add before one more repeat is worth its price."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """The variance of a metric over cases that were answered several times."""

    mean: float
    """Of the cases' means: each case counts once, however often it was answered."""
    n: int
    """Cases."""
    samples: int
    """Answers."""
    within: float | None
    """Variance between answers to one case, the model's noise; None where no case has two answers."""
    between: float | None
    """Variance between cases without that noise, 0.0 where the noise explains all; None where one of the two is."""
    std_error: float | None
    """Of the mean, by cases: that of independent answers would be too small. None for one case."""
    noise: float | None
    """Share of the squared standard error that is the model's noise, from 0 to 1: repeats take it away, the rest only
    more cases."""

    @property
    def icc(self) -> float | None:
        """Intraclass correlation: the share of one answer's variance that is the case's, from 0 to 1.

        >>> split_variance([[0.1, 0.2], [0.7, 0.8], [0.4, 0.5]]).icc
        0.9459459459459459
        """
        if self.within is None or self.between is None or not self.within + self.between:
            return None
        return self.between / (self.within + self.between)

    def std_error_with(self, repeats: int) -> float | None:
        """What the standard error of these cases would be with so many answers to each.

        >>> one = split_variance([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
        >>> [round(one.std_error_with(repeats), 3) for repeats in (1, 2, 10)]
        [0.27, 0.204, 0.129]
        """
        if self.within is None or self.between is None:
            return None
        return math.sqrt((self.between + self.within / repeats) / self.n)

    @property
    def worth(self) -> int | None:
        """How many answers to a case are worth it: with so many, noise adds less than a tenth to the standard error.

        None where it is unknown, or where cases do not differ, so that an answer more is worth as much as a case more.

        >>> split_variance([[0.1, 0.2], [0.7, 0.8], [0.4, 0.5]]).worth
        1
        """
        if self.within is None or not self.between:
            return None
        return max(1, math.ceil(self.within / (((1 + _SLACK) ** 2 - 1) * self.between) - 1e-9))


def case_means(samples: Sequence[Sequence[float]]) -> list[float]:
    """The mean of each case's values, which is what intervals and comparisons take.

    Raises `ValueError` for a case without values.

    >>> case_means([[0.0, 1.0], [1.0]])
    [0.5, 1.0]
    """
    if not all(samples):
        msg = "a case has no values: leave it out, and say so"
        raise ValueError(msg)
    return [math.fsum(values) / len(values) for values in samples]


def split_variance(samples: Sequence[Sequence[float]]) -> Repeats:
    """The variance within cases and between them, by the one-way analysis of variance with random cases.

    `samples`: the values of each case, of which there may be different numbers. Raises `ValueError` for no cases and
    for one without values. Source: Searle, Casella & McCulloch 1992, "Variance Components", 3.6.

    >>> one = split_variance([[0.1, 0.2], [0.7, 0.8], [0.4, 0.5]])
    >>> round(one.within, 4), round(one.between, 4), round(one.noise, 4)
    (0.005, 0.0875, 0.0278)
    """
    if not samples:
        msg = "there are no cases"
        raise ValueError(msg)
    means, counts = case_means(samples), [len(values) for values in samples]
    cases, total = len(samples), sum(counts)
    mean = math.fsum(means) / cases
    within = between = error = noise = None
    if total > cases:
        residues = ((value - middle) ** 2 for values, middle in zip(samples, means, strict=True) for value in values)
        within = math.fsum(residues) / (total - cases)
    if cases > 1:
        squared = math.fsum((middle - mean) ** 2 for middle in means) / (cases - 1) / cases
        error = math.sqrt(squared)
        if within is not None:
            between = _between(means, counts, within)
            by_noise = within * math.fsum(1 / count for count in counts) / cases**2
            noise = min(1.0, by_noise / squared) if squared else None
    return Repeats(mean, cases, total, within, between, error, noise)


def _between(means: Sequence[float], counts: Sequence[int], within: float) -> float:
    cases, total = len(means), sum(counts)
    middle = math.fsum(count * mean for count, mean in zip(counts, means, strict=True)) / total
    squares = (count * (mean - middle) ** 2 for count, mean in zip(counts, means, strict=True))
    usual = (total - math.fsum(count**2 for count in counts) / total) / (cases - 1)
    return max(0.0, (math.fsum(squares) / (cases - 1) - within) / usual)
