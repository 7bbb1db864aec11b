"""A score with what it can carry: the mean of its values, or a quantile, with an interval that fits their kind.

- Independent values of 0 and 1: Wilson.
- What runs from 0 to 1, clustered or not all 0 and 1: the score interval of Wilson over an effective number of cases,
  mean(1 - mean) / variance, with Student's quantile in place of the normal (as Dean & Pagano 2015 advise for shares
  in cluster samples). It lies within 0 to 1 without a cut, and covers where the values are skewed: Student's interval
  over 20 F1 scores of mean 0.9 covers 86 %, this one 97 %. The degrees of freedom are fewer where few clusters make the
  variance, whose own relative variance is 2/df + kurtosis/G (Cramér 1946): over 50 clusters of 10 with 5 % passes that
  raises the coverage from 91 to 95 %. The interval is never wider than with one independent case for each cluster, and
  over 0 and 1 never narrower than without clusters.
- What has no bounds, such as seconds: Student's t, bent by the skewness that is seen (Hall 1992, "On the removal of
  skewness by transformation"), over clusters with the variance of `clustering`, and with fewer degrees of freedom as
  above. Unbent it covers 90 % over 20 lognormal seconds, nearly all its misses on the side of the slow; bent 94 %.

The figures are printed by tests/bench/bench_statistics.py.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from nbkit.evals.bootstrap import bca_bounds
from nbkit.evals.clustering import Spread, spread
from nbkit.evals.distributions import binomial_cdf, critical
from nbkit.evals.power import known_with
from nbkit.evals.proportions import Bounds, score_bounds, wilson

_SYMMETRIC = 1e-6
"""A skewness below this bends nothing."""

Method: TypeAlias = Literal["wilson", "effective wilson", "student", "clustered student", "bootstrap", "none"]
"""Who drew the interval; `none` where there is none to draw."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of a metric, and its interval."""

    mean: float | None
    """None where there are no values."""
    low: float | None
    """None, as is `high`, where the values cannot say: fewer than two, one cluster, or all alike but not 0 or 1."""
    high: float | None
    n: int
    clusters: int | None
    """How many clusters the values fall into; None where none is shared."""
    method: Method
    std_error: float | None
    """Of the mean, robust to clusters; None where it is unknown."""
    confidence: float


@dataclass(frozen=True, slots=True)
class QuantileEstimate:
    """A quantile of a metric, such as its p95, and its interval."""

    quantile: float
    value: float | None
    """None where there are no values."""
    low: float | None
    """None where there are too few values to say, which is no fault: the p95 has no upper bound below 72 cases."""
    high: float | None
    n: int
    clusters: int | None
    confidence: float


def estimate(
    values: Sequence[float],
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    is_bounded: bool = True,
    method: Literal["formula", "bootstrap"] = "formula",
    seed: int = 0,
) -> Estimate:
    """The mean of one value per case, with the interval that fits (see the module).

    `clusters`: one for each value, None where a value shares nothing with others. `is_bounded`: False for what does not
    run from 0 to 1, as seconds and dollars do not; values outside 0 to 1 say so themselves. `bootstrap`: BCa over
    clusters, the same for the same `seed`. Failed cases are left out by the caller; repeats are averaged within their
    case first. Raises `ValueError` for a value that is not finite and for clusters of another number.

    >>> one = estimate([1, 1, 1, 1, 0, 1, 1, 1, 0, 1])
    >>> one.mean, round(one.low, 3), round(one.high, 3), one.n, one.method
    (0.8, 0.49, 0.943, 10, 'wilson')
    """
    if not len(values):
        return Estimate(None, None, None, 0, None, "none", None, confidence)
    seen = spread(values, clusters)
    how, bounds = _bounds(seen, confidence, is_bounded=is_bounded and seen.is_within_unit)
    if method == "bootstrap" and bounds:
        drawn = bca_bounds(values, clusters, confidence=confidence, seed=seed)
        how, bounds = ("bootstrap", drawn) if drawn else (how, bounds)
    low, high = bounds or (None, None)
    deviation = seen.std_error
    if how == "wilson":
        deviation = math.sqrt(seen.mean * (1 - seen.mean) / seen.n)
    shared = seen.groups if seen.is_clustered else None
    return Estimate(seen.mean, low, high, seen.n, shared, how, deviation, confidence)


def quantile(
    values: Sequence[float],
    at: float,
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> QuantileEstimate:
    """A quantile of one value per case, `at` from 0 to 1, with an interval of values that were seen.

    Independent values: the order statistics that bound it with at least this confidence, whatever the distribution.
    Clusters: Woodruff's interval (1952), by the clustered variance of the share below. Rejected: the bootstrap, whose
    upper bound never passes the largest value (its p95 of 20 values covers 66 %; tests/bench/bench_statistics.py).

    >>> one = quantile([i / 10 for i in range(1, 101)], 0.95)
    >>> round(one.value, 3), one.low, one.high
    (9.505, 9.0, 10.0)
    """
    if not 0 < at < 1:
        msg = f"a quantile lies between 0 and 1, not at {at}"
        raise ValueError(msg)
    if not len(values):
        return QuantileEstimate(at, None, None, None, 0, None, confidence)
    ordered = sorted(values)
    place = at * (len(ordered) - 1)
    below = math.floor(place)
    after = ordered[min(below + 1, len(ordered) - 1)]
    value = ordered[below] + (place - below) * (after - ordered[below])
    seen = spread([float(one <= value) for one in values], clusters)
    if seen.is_clustered:
        first, last = _clustered_ranks(seen, at, confidence)
    else:
        first, last = _ranks(seen.n, at, confidence)
    return QuantileEstimate(
        at,
        value,
        ordered[first - 1] if first >= 1 else None,
        ordered[last - 1] if last <= seen.n else None,
        seen.n,
        seen.groups if seen.is_clustered else None,
        confidence,
    )


def _bounds(seen: Spread, confidence: float, *, is_bounded: bool) -> tuple[Method, Bounds | None]:
    if is_bounded and seen.is_binary and not seen.is_clustered:
        return "wilson", wilson(seen.mean, seen.n, confidence=confidence)
    if seen.variance is None or seen.df is None:
        return "none", None
    if is_bounded and (seen.variance or seen.is_binary):
        return "effective wilson", score_bounds(seen.mean, _weight(seen, seen.variance, seen.df, confidence))
    if not seen.variance:
        return "none", None
    reach, error = critical(confidence, known_with(seen)), math.sqrt(seen.variance)
    low, high = seen.mean - error * _bent(reach, seen.lean), seen.mean - error * _bent(-reach, seen.lean)
    bounds = min(low, seen.mean), max(high, seen.mean)
    return "clustered student" if seen.is_clustered else "student", bounds


def _bent(reach: float, lean: float) -> float:
    """How many standard errors the mean of skewed values is from the truth, where that of symmetric ones is `reach`."""
    if abs(lean) < _SYMMETRIC:
        return reach
    return 3 * (math.cbrt(1 + lean * (reach - lean / 6)) - 1) / lean


def _weight(seen: Spread, variance: float, df: float, confidence: float) -> float:
    """Squared quantile over the effective number of cases, between one case per cluster and one case per value."""
    known = critical(confidence, df) ** 2
    most = known / seen.alone
    least = known / seen.n if seen.is_binary else 0.0
    share = seen.mean * (1 - seen.mean)
    if not share:
        return most
    return max(least, min(most, critical(confidence, known_with(seen)) ** 2 * variance / share))


def _ranks(n: int, at: float, confidence: float) -> tuple[int, int]:
    """Which of the ordered values bound the quantile, from 1; 0 and n + 1 where none does."""
    out = (1 - confidence) / 2

    def below(rank: int) -> float:
        return binomial_cdf(rank, n, p=at)

    return bisect_right(range(n), out, key=below), bisect_left(range(n), 1 - out, key=below) + 1


def _clustered_ranks(seen: Spread, at: float, confidence: float) -> tuple[int, int]:
    if seen.variance is None or seen.df is None:
        return 0, seen.n + 1
    # By luck clusters may look better than independent values, and where the share is 1 they show nothing.
    variance = max(seen.variance, at * (1 - at) / seen.n)
    half = critical(confidence, seen.df) * math.sqrt(variance)
    first, last = math.floor(seen.n * (at - half)), math.ceil(seen.n * (at + half)) + 1
    return max(0, first), min(seen.n + 1, last)
