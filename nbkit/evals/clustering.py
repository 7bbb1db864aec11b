"""The mean of values that may share clusters, with its variance and the degrees of freedom of that variance.

Cases about one document rise and fall together: counted one by one they claim a certainty that is not there. The
variance is CR2 (Bell & McCaffrey 2002), the sum over clusters of squared sums of residuals, each divided by 1 less the
cluster's share of the values; its degrees of freedom are those of Satterthwaite with independent values as the model.
Where all clusters have one size, that is the usual CR1 with G - 1, and where every cluster is one value, s²/n with
n - 1. Rejected: G - 1 throughout, which with one cluster of 100 and 20 of 5 covers 75 % instead of 95 %; degrees of
freedom by the correlation that is seen (Imbens & Kolesár 2016), which there covers 100 %. Where sizes are very uneven
and cases of a cluster nearly alike, intervals cover 92 to 97 % (tests/bench/bench_statistics.py).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROUNDING = 1e-12
"""Residuals below this share of the largest value are rounding, not spread."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean, and what is known of how far it would move."""

    mean: float
    n: int
    groups: int
    """Clusters; n where every value is its own."""
    variance: float | None
    """Of the mean; None with one cluster, 0.0 where all clusters agree."""
    df: float | None
    """Degrees of freedom of the variance; None with one cluster."""
    sd: float | None
    """Standard deviation of the values themselves, as if independent; None for one value."""
    kurtosis: float
    """Excess kurtosis of the clusters' sums, 0 where it is below: what few clusters make is known less well."""
    lean: float
    """Skewness of the mean, as far as the clusters' sums show it; of independent values theirs, over the root of n."""
    alone: float
    """How many independent values these would be if each cluster said one thing: n²/Σ size²."""
    is_binary: bool
    is_within_unit: bool
    """Whether every value is from 0 to 1."""

    @property
    def is_clustered(self) -> bool:
        """Whether any two values share a cluster."""
        return self.groups < self.n

    @property
    def std_error(self) -> float | None:
        """Root of the variance."""
        return None if self.variance is None else math.sqrt(self.variance)

    @property
    def design_effect(self) -> float:
        """How many times as large the variance is as it would be with independent values; 1.0 where it is unknown."""
        if not self.variance or not self.sd:
            return 1.0
        return self.variance / (self.sd**2 / self.n)


def spread(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Spread:
    """The mean of `values`, all alike in weight, and its variance.

    `clusters`: one for each value, None where a value shares nothing. Raises `ValueError` for no values, for one that
    is not finite, and for clusters of another number.

    >>> one = spread([0, 0, 1, 1], ["a", "a", "b", "b"])
    >>> one.mean, one.std_error, one.df, one.groups
    (0.5, 0.5, 1.0, 2)
    """
    import numpy as np

    array = np.asarray(values, dtype=float)
    n, place = len(array), places(array.tolist(), clusters)
    sizes = np.bincount(place).astype(float)
    floor = _ROUNDING * float(np.abs(array).max())
    mean = math.fsum(array) / n
    mean = 0.0 if abs(mean) <= floor else mean
    residuals = array - mean
    residuals[np.abs(residuals) <= floor] = 0.0
    sums = np.bincount(place, weights=residuals)
    sums[np.abs(sums) <= floor * sizes] = 0.0
    shares, groups = sizes / n, len(sizes)
    has_many, weights = groups > 1, sizes * np.maximum(1 - shares, 1 / (2 * n))
    return Spread(
        mean,
        n,
        groups,
        variance=float((sums**2 / (1 - shares)).sum()) / n**2 if has_many else None,
        df=_freedom(shares) if has_many else None,
        sd=math.sqrt(float((residuals**2).sum()) / (n - 1)) if n > 1 else None,
        kurtosis=_kurtosis(sums / np.sqrt(weights)),
        lean=_lean(sums / np.sqrt(weights), weights),
        alone=1 / float((shares**2).sum()),
        is_binary=bool(np.isin(array, (0.0, 1.0)).all()),
        is_within_unit=bool(((array >= 0) & (array <= 1)).all()),
    )


def places(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> list[int]:
    """The number of the cluster of each value, from 0 in the order they are met.

    Raises `ValueError` as `spread` does.

    >>> places([0.1, 0.2, 0.3, 0.4], ["a", None, "a", None])
    [0, 1, 0, 2]
    """
    n = _checked(values, clusters)
    if clusters is None:
        return list(range(n))
    numbers: dict[Hashable, int] = {}
    # The mark keeps a case without a cluster apart from every cluster's name.
    marked = (("alone", place) if name is None else ("shared", name) for place, name in enumerate(clusters))
    return [numbers.setdefault(name, len(numbers)) for name in marked]


def _freedom(shares: NDArray[np.float64]) -> float:
    leverage = shares**2 / (1 - shares)
    return float(1 / ((shares**2).sum() + leverage.sum() ** 2 - (leverage**2).sum()))


def _kurtosis(sums: NDArray[np.float64]) -> float:
    squares = sums**2
    total = float(squares.sum())
    return max(0.0, len(sums) * float((squares**2).sum()) / total**2 - 3) if total else 0.0


def _lean(each: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    total = float((each**2).mean())
    skewness = float((each**3).mean()) / total**1.5 if total else 0.0
    # One large cluster shows no skewness, however far from the mean it is: it is one draw.
    return skewness * float((weights**1.5).sum()) / math.pow(float(weights.sum()), 1.5)


def _checked(values: Sequence[float], clusters: Sequence[Hashable] | None) -> int:
    if not values:
        msg = "there are no values"
        raise ValueError(msg)
    if not all(math.isfinite(value) for value in values):
        msg = "a value is not a finite number: leave failed cases out, and say how many there were"
        raise ValueError(msg)
    if clusters is not None and len(clusters) != len(values):
        msg = f"{len(values)} values and {len(clusters)} clusters: one for each value is needed"
        raise ValueError(msg)
    return len(values)
