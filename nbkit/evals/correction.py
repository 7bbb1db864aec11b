"""The rate of passes that people would give, from the one a judge gave and how often it was right on their labels."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from nbkit.evals.clustering import spread
from nbkit.evals.distributions import critical

_USUAL = 0.95


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """A rate by a judge, corrected for the judge's errors."""

    rate: float | None
    """None where the labels cannot say: people passed all or none of them, or the judge is no better than chance."""
    low: float | None
    high: float | None
    observed: float
    """By the judge, as it is."""
    sensitivity: float | None
    """Share of the cases passed by people that the judge passes; None where there are none."""
    specificity: float | None
    """Share of the cases failed by people that the judge fails; None where there are none."""
    labels: int
    """Cases that people labelled and the judge judged."""
    confidence: float


def corrected_rate(
    observed: float,
    n: float,
    *,
    labelled: Sequence[tuple[bool, bool]],
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> CorrectedRate:
    """The rate that people would give, after Rogan & Gladen; the interval knows that the judge's errors are estimates.

    `observed`: the share that the judge passes of `n` cases, which may be an effective number where cases share
    clusters (`counted`). `labelled`: (judge passes, person passes) of each labelled case; they are like the cases
    judged, and share `clusters` as far as one is given for each. Raises `ValueError` for a rate outside 0 to 1.
    Sources: Rogan & Gladen 1978; the interval is that of Lang & Reiczigel 2014, "Confidence limits for prevalence of
    disease adjusted for estimated sensitivity and specificity".

    >>> labels = [(True, True)] * 45 + [(False, True)] * 5 + [(True, False)] * 10 + [(False, False)] * 40
    >>> one = corrected_rate(0.69, 200, labelled=labels)
    >>> round(one.rate, 3), round(one.low, 3), round(one.high, 3)
    (0.7, 0.569, 0.849)
    """
    if not (0 <= observed <= 1 and n > 0):
        msg = f"a rate from 0 to 1 of some cases is needed, not {observed} of {n}"
        raise ValueError(msg)
    sensitivity, of_passed = _right(labelled, clusters, of=True)
    specificity, of_failed = _right(labelled, clusters, of=False)
    rate = low = high = None
    if sensitivity is not None and specificity is not None and sensitivity + specificity > 1:
        rate = _within_unit((observed + specificity - 1) / (sensitivity + specificity - 1))
        low, high = _bounds(observed, n, (sensitivity, of_passed), (specificity, of_failed), confidence)
    return CorrectedRate(rate, low, high, observed, sensitivity, specificity, len(labelled), confidence)


def counted(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> float:
    """How many independent values these are worth where they share clusters, and as many as they are where not.

    Few clusters tell their spread roughly, and are worth less by the quantiles of Student and of the normal.

    >>> names = [at // 2 for at in range(60)]
    >>> [round(counted(values, names), 1) for values in ([1, 1, 0, 0] * 15, [1, 0] * 30, [1] * 60)]
    [27.1, 55.1, 27.6]
    """
    found = spread(values, clusters)
    if not found.is_clustered:
        return float(found.n)
    # Where all values are the same no spread tells how much clusters share: then each counts once.
    alone = found.n / max(1.0, found.design_effect) if found.sd else found.alone
    return alone * (critical(_USUAL) / critical(_USUAL, found.df or 1.0)) ** 2


def _right(
    labelled: Sequence[tuple[bool, bool]], clusters: Sequence[Hashable] | None, *, of: bool
) -> tuple[float | None, float]:
    """How often the judge is right on the cases that people passed, or failed, and how many those count as."""
    named = clusters or [None] * len(labelled)
    found = [(float(judge == of), name) for (judge, person), name in zip(labelled, named, strict=True) if person == of]
    if not found:
        return None, 0.0
    right = [value for value, _ in found]
    return sum(right) / len(right), counted(right, [name for _, name in found])


def _bounds(
    observed: float, n: float, on_passed: tuple[float, float], on_failed: tuple[float, float], confidence: float
) -> tuple[float, float]:
    z = critical(confidence)
    # Each share is drawn to the middle by the cases added, so that one that is 0 or 1 has a variance too.
    share, count = (observed * n + z**2 / 2) / (n + z**2), n + z**2
    (sensitive, of_passed), (specific, of_failed) = (
        ((right * of + 1) / (of + 2), of + 2) for right, of in (on_passed, on_failed)
    )
    right = sensitive + specific - 1
    if right <= 0:
        return 0.0, 1.0
    rate = (share + specific - 1) / right
    by_passed = sensitive * (1 - sensitive) / of_passed
    by_failed = specific * (1 - specific) / of_failed
    middle = rate + 2 * z**2 * (rate * by_passed - (1 - rate) * by_failed)
    variance = share * (1 - share) / count + rate**2 * by_passed + (1 - rate) ** 2 * by_failed
    half = z * math.sqrt(variance) / right
    return _within_unit(middle - half), _within_unit(middle + half)


def _within_unit(rate: float) -> float:
    return min(1.0, max(0.0, rate))
