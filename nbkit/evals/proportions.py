"""Intervals and tests of pass and fail: one rate, two rates, and two rates of the same cases."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from nbkit.evals.distributions import binomial_cdf, critical, normal_tail

Bounds: TypeAlias = tuple[float, float]

_LEAST_OF_SCORE = 8
"""Cases below which the score test rejects a true null too often: of 4 that all flip in 12.5 % of samples."""
_HALVINGS = 60
"""Bring a bracket of width 2 to 1e-18."""


def wilson(rate: float, n: float, *, confidence: float = 0.95) -> Bounds:
    """The score interval of a rate seen in `n` independent cases, within 0 to 1 by itself.

    A rate of n cases takes n + 1 values, so that no interval covers every rate in 95 % of samples: at a rate of .05 and
    20 cases it covers 92.5 %, and the next that any could is 98.4 %. Over rates within .04 of it this one covers 95.6 %
    (tests/bench/bench_statistics.py). Source: Wilson 1927, "Probable inference"; equal to statsmodels
    `proportion_confint(method="wilson")`.

    >>> [round(bound, 4) for bound in wilson(8 / 10, 10)], [round(bound, 4) for bound in wilson(0.0, 20)]
    ([0.4902, 0.9433], [0.0, 0.1611])
    """
    return score_bounds(rate, critical(confidence) ** 2 / n)


def score_bounds(rate: float, weight: float) -> Bounds:
    """The score interval of a rate whose variance is that of a share, p(1 - p), divided by n: `weight` is q²/n.

    `q`: how many standard errors wide; n may be an effective number of cases.

    >>> score_bounds(0.0, 0.25)
    (0.0, 0.2)
    """
    middle = (rate + weight / 2) / (1 + weight)
    half = math.sqrt(rate * (1 - rate) * weight + weight**2 / 4) / (1 + weight)
    # At 0 and at 1 the bound is exact; the subtraction leaves 1e-17 of it.
    return 0.0 if rate == 0 else max(0.0, middle - half), 1.0 if rate == 1 else min(1.0, middle + half)


def mcnemar(gained: int, lost: int, n: int) -> float:
    """The two-sided p-value of McNemar's test over `n` cases: `gained` only B passed, `lost` only A did.

    The score test without a correction, which rejects exactly where `paired_bounds` leaves 0 out; below 8 cases, where
    it is too lax, the exact test by mid-p. It rejects a true null in at most 5.4 % of samples where up to half of the
    cases flip, and in at most 7.8 % (21 cases, all of which flip) anywhere, where mid-p does in 7.7 %. Of 50 cases of
    which 10 % flip it does in 4.7 %, mid-p in 2.5 % and the plain exact test in 0.9 %. Of 20 such cases 2 flip: that is
    too few ways to come out for any test to be near 5 % and not above (1.4 %). Source: Fagerland, Lydersen & Laake
    2013, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better than exact conditional";
    figures: tests/evals/test_proportions.py.

    >>> round(mcnemar(12, 2, 50), 6), mcnemar(3, 3, 50), round(mcnemar(5, 0, 6), 6)
    (0.007526, 1.0, 0.03125)
    """
    if gained == lost:
        return 1.0
    flips = gained + lost
    if n < _LEAST_OF_SCORE:
        least = min(gained, lost)
        return min(1.0, binomial_cdf(least, flips) + binomial_cdf(least - 1, flips))
    return min(1.0, 2 * normal_tail(abs(gained - lost) / math.sqrt(flips)))


def paired_bounds(gained: int, lost: int, n: float, *, confidence: float = 0.95) -> Bounds:
    """The score interval of the difference of two pass rates over the same `n` cases, B less A.

    It leaves 0 out exactly where `mcnemar` rejects, but for 4 gained and 0 lost below 8 cases. Source: Tango 1998,
    "Equivalence test and confidence interval for the difference in proportions for the paired-sample design".

    >>> [round(bound, 4) for bound in paired_bounds(12, 2, 50)]
    [0.0611, 0.3447]
    """

    def distance(shift: float) -> float:
        b = -gained - lost + (2 * n - gained + lost) * shift
        c = -lost * shift * (1 - shift)
        rate = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
        return _over(gained - lost - n * shift, n * (2 * rate + shift * (1 - shift)))

    return _inverted(distance, (gained - lost) / n, critical(confidence))


def unpaired_bounds(passed_a: int, n_a: int, *, passed_b: int, n_b: int, confidence: float = 0.95) -> Bounds:
    """The score interval of the difference of two pass rates over different cases, B less A.

    It includes 0 exactly where `unpaired_test` is above 1 - `confidence`. Source: Miettinen & Nurminen 1985,
    "Comparative analysis of two rates".

    >>> [round(bound, 4) for bound in unpaired_bounds(48, 80, passed_b=56, n_b=70)]
    [0.0528, 0.3382]
    """

    def distance(shift: float) -> float:
        return _apart(passed_a, n_a, passed_b=passed_b, n_b=n_b, shift=shift)

    return _inverted(distance, passed_b / n_b - passed_a / n_a, critical(confidence))


def unpaired_test(passed_a: int, n_a: int, *, passed_b: int, n_b: int) -> float:
    """The two-sided p-value of "both pass alike", by the score test over different cases (chi-squared with N - 1).

    Source: Campbell 2007, "Chi-squared and Fisher-Irwin tests of two-by-two tables with small sample recommendations".

    >>> round(unpaired_test(48, 80, passed_b=56, n_b=70), 4)
    0.0083
    """
    return min(1.0, 2 * normal_tail(abs(_apart(passed_a, n_a, passed_b=passed_b, n_b=n_b, shift=0.0))))


def _apart(passed_a: int, n_a: int, *, passed_b: int, n_b: int, shift: float) -> float:
    """Standard errors between the rates seen and the most likely pair of rates that differ by `shift`."""
    seen_a, seen_b, n = passed_a / n_a, passed_b / n_b, n_a + n_b
    if shift == 0:
        rate_b = rate_a = (passed_a + passed_b) / n
    else:
        rate_b = _most_likely(seen_b, seen_a, ratio=n_a / n_b, shift=shift)
        rate_a = min(1.0, max(0.0, rate_b - shift))
    variance = (rate_b * (1 - rate_b) / n_b + rate_a * (1 - rate_a) / n_a) * n / (n - 1)
    return _over(seen_b - seen_a - shift, variance)


def _most_likely(first: float, second: float, *, ratio: float, shift: float) -> float:
    """The first of two rates that differ by `shift`, where they make what was seen most likely: the root of a cubic.

    Source: Farrington & Manning 1990, "Test statistics and sample size formulae for comparative binomial trials".
    """
    a = 1 + ratio
    b = -(1 + ratio + first + ratio * second + shift * (ratio + 2))
    c = shift**2 + shift * (2 * first + ratio + 1) + first + ratio * second
    d = -first * shift * (1 + shift)
    v = b**3 / (27 * a**3) - b * c / (6 * a**2) + d / (2 * a)
    u = math.copysign(math.sqrt(max(0.0, b**2 / (9 * a**2) - c / (3 * a))), v)
    turn = min(1.0, max(-1.0, v / u**3)) if u else 1.0
    root = 2 * u * math.cos((math.pi + math.acos(turn)) / 3) - b / (3 * a)
    return min(1.0, max(0.0, shift, root)) if shift > 0 else min(1.0 + shift, max(0.0, root))


def _inverted(distance: Callable[[float], float], seen: float, limit: float) -> Bounds:
    """The differences that are within `limit` standard errors of what was seen, by halving to either side."""

    def bound(end: float) -> float:
        inside, outside = seen, end
        for _ in range(_HALVINGS):
            middle = (inside + outside) / 2
            if abs(distance(middle)) <= limit:
                inside = middle
            else:
                outside = middle
        return inside if abs(inside - end) > 1e-12 else end  # noqa: PLR2004 - rounding

    return bound(-1.0), bound(1.0)


def _over(away: float, variance: float) -> float:
    if away == 0:
        return 0.0
    return away / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, away)
