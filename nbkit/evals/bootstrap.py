"""An interval of a mean by drawing the cases again: the bias-corrected and accelerated bootstrap over clusters."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from nbkit.evals.distributions import normal_quantile, normal_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 2_000_000
"""Places drawn before they are added up; bounds the memory, not the result."""


def bca_bounds(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    confidence: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> tuple[float, float] | None:
    """The interval of the mean of `values` by drawing whole clusters with replacement; None where all draws agree.

    The same seed gives the same interval. Equal to `scipy.stats.bootstrap(method="BCa", rng=seed)`, which draws single
    values. Raises `ValueError` as `spread` does. Source: Efron 1987, "Better bootstrap confidence intervals".

    >>> [round(bound, 4) for bound in bca_bounds([0.1, 0.5, 0.6, 0.9, 1.0], draws=1000)]
    [0.3144, 0.88]
    """
    import numpy as np

    from nbkit.evals.clustering import places

    place = places(values, clusters)
    sizes = np.bincount(place)
    sums: NDArray[np.float64] = np.bincount(place, weights=np.asarray(values, dtype=np.float64)).astype(np.float64)
    seen = float(sums.sum() / sizes.sum())
    drawn = _drawn(sums, sizes, draws, seed)
    least, most = float(drawn.min()), float(drawn.max())
    if len(sums) == 1 or least == most:
        return None
    # Draws that agree with what was seen count half, as in scipy: with few values they are many.
    below = (float((drawn < seen).mean()) + float((drawn <= seen).mean())) / 2
    if not 0 < below < 1:
        return least, most
    shift = normal_quantile(below)
    bend = _acceleration(sums, sizes)
    levels = [_level(shift, bend, normal_quantile(p)) for p in ((1 - confidence) / 2, (1 + confidence) / 2)]
    low, high = np.quantile(drawn, levels)
    return float(low), float(high)


def _drawn(sums: NDArray[np.float64], sizes: NDArray[np.int64], draws: int, seed: int) -> NDArray[np.float64]:
    import numpy as np

    generator = np.random.default_rng(seed)
    groups = len(sums)
    step = max(1, _AT_ONCE // groups)
    parts = []
    for start in range(0, draws, step):
        chosen = generator.integers(0, groups, (min(step, draws - start), groups))
        parts.append(sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1))
    return np.concatenate(parts)


def _acceleration(sums: NDArray[np.float64], sizes: NDArray[np.int64]) -> float:
    """Skewness of the means that leave one cluster out, divided by 6."""
    without = (sums.sum() - sums) / (sizes.sum() - sizes)
    away = without.mean() - without
    squares = float((away**2).sum())
    return float((away**3).sum()) / (6 * squares**1.5) if squares else 0.0


def _level(shift: float, bend: float, z: float) -> float:
    return normal_tail(-(shift + (shift + z) / (1 - bend * (shift + z))))
