"""What a judge's verdicts follow besides quality: the order in which two answers are shown, and their lengths."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from nbkit.evals.distributions import binomial_cdf, critical, student_tail
from nbkit.evals.intervals import Estimate, estimate

Winner: TypeAlias = Literal["a", "b", "tie"]

_LEAST = 4
"""Pairs from which a correlation has an interval."""


@dataclass(frozen=True, slots=True)
class PositionBias:
    """How far the order of two answers decides."""

    flipped: Estimate
    """Share of pairs whose verdict is another when the order is turned round."""
    towards_first: Estimate
    """Share of the pairs that move whose verdict moves towards the answer shown first; 0.5 where no place is liked."""
    first: int
    """Pairs whose verdict moves towards the answer shown first."""
    second: int
    """Pairs whose verdict moves towards the answer shown second."""
    p: float
    """Of "neither place is preferred": two-sided, exact binomial over the pairs that move, taken as independent."""


@dataclass(frozen=True, slots=True)
class LengthBias:
    """How far verdicts go with the lengths of answers."""

    correlation: float | None
    """Spearman's, -1 to 1, above 0 where the longer answer is preferred; None where either is always the same."""
    low: float | None
    """None, as is `high`, below 4 pairs and for a correlation of -1 or 1."""
    high: float | None
    p: float | None
    """Two-sided, of no correlation."""
    n: int
    """Pairs."""


def position_bias(
    verdicts: Sequence[tuple[Winner, Winner]],
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> PositionBias:
    """How often a judge changes its mind when two answers change places, and towards which place.

    `verdicts`: of each pair, the winner with `a` shown first and the winner with `b` shown first. `clusters`: one for
    each pair, None where it shares nothing; the two intervals count them.

    >>> one = position_bias([("a", "a"), ("a", "b"), ("a", "b"), ("tie", "b"), ("b", "b"), ("b", "a")])
    >>> round(one.flipped.mean, 3), one.first, one.second, round(one.p, 3)
    (0.667, 3, 1, 0.625)
    """
    score = {"a": 1, "tie": 0, "b": -1}
    moves = [score[before] - score[after] for before, after in verdicts]
    first, second = sum(move > 0 for move in moves), sum(move < 0 for move in moves)
    named = clusters or [None] * len(moves)
    flipped = estimate([float(move != 0) for move in moves], clusters=named, confidence=confidence)
    moved = [(float(move > 0), name) for move, name in zip(moves, named, strict=True) if move]
    towards = estimate([to for to, _ in moved], clusters=[name for _, name in moved], confidence=confidence)
    return PositionBias(flipped, towards, first, second, min(1.0, 2 * binomial_cdf(min(first, second), first + second)))


def length_bias(verdicts: Sequence[float], lengths: Sequence[float], *, confidence: float = 0.95) -> LengthBias:
    """The rank correlation of verdicts with how much longer the answer is.

    `verdicts`: 1 for `a`, -1 for `b`, 0 for a tie, or a score. `lengths`: the length of `a` less that of `b`, or of the
    answer. Longer answers may well be better: it is a bias as far as people do not agree, so compare it with theirs.
    p-value and interval take the pairs as independent.
    Sources: Spearman's coefficient with the p-value of scipy's `spearmanr`; interval of Bonett & Wright 2000.

    >>> one = length_bias([1, 1, -1, -1, 1, 0], [120, 40, -80, 10, 60, -5])
    >>> round(one.correlation, 3), round(one.p, 3), one.n
    (0.833, 0.039, 6)
    """
    if len(verdicts) != len(lengths):
        msg = f"{len(verdicts)} verdicts and {len(lengths)} lengths: one for each is needed"
        raise ValueError(msg)
    n, value = len(verdicts), _correlation(_ranks(verdicts), _ranks(lengths))
    if value is None:
        return LengthBias(None, None, None, None, n)
    low = high = p = None
    if abs(value) >= 1:
        p = 0.0 if n > _LEAST - 2 else None
    elif n > _LEAST - 2:
        p = min(1.0, 2 * student_tail(abs(value) * math.sqrt((n - 2) / (1 - value**2)), n - 2))
    if n >= _LEAST and abs(value) < 1:
        half = critical(confidence) * math.sqrt((1 + value**2 / 2) / (n - 3))
        low, high = math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half)
    return LengthBias(value, low, high, p, n)


def _ranks(numbers: Sequence[float]) -> list[float]:
    """From 1; equal numbers share the middle of their ranks."""
    places: dict[float, list[int]] = {}
    for rank, number in enumerate(sorted(numbers), 1):
        places.setdefault(number, []).append(rank)
    return [sum(places[number]) / len(places[number]) for number in numbers]


def _correlation(x: Sequence[float], y: Sequence[float]) -> float | None:
    if not x:
        return None
    middle_x, middle_y = math.fsum(x) / len(x), math.fsum(y) / len(y)
    of_x = math.fsum((one - middle_x) ** 2 for one in x)
    of_y = math.fsum((one - middle_y) ** 2 for one in y)
    if not of_x or not of_y:
        return None
    both = math.fsum((left - middle_x) * (right - middle_y) for left, right in zip(x, y, strict=True))
    value = both / math.sqrt(of_x * of_y)
    return math.copysign(1.0, value) if math.isclose(abs(value), 1.0) else value
