"""How many cases a difference needs, how small a difference so many cases can show, and how often they would.

Two-sided, for differences by case whose standard deviation is known: the power is that of the paired t test, by the
noncentral t distribution, and equal to statsmodels' `TTestPower` to 1e-6.
"""

from __future__ import annotations

import math

from nbkit.evals.clustering import Spread
from nbkit.evals.distributions import beta_cdf, beta_kernel, critical, normal_tail

_SPREADS = 12
"""Standard deviations of the Poisson weights that are added up; what lies beyond is below 1e-15."""
_FARTHEST = 1_500
"""Standard errors beyond which nothing more is missed."""
_NORMAL_FROM = 1e7
"""Degrees of freedom from which the normal distribution gives the same to 1e-7."""
_NOTHING = 1e-9
"""A difference below this share of the deviation is none."""
_LEAST = 2
_LEAST_DF = 4.0
"""Degrees of freedom below which a deviation may be anything."""


def power_of(sd: float, delta: float, n: float, *, confidence: float = 0.95, design_effect: float = 1) -> float:
    """The chance that `n` cases show a true difference of `delta`, where differences by case deviate by `sd`.

    `design_effect`: how many times as large clusters make the variance of the mean (`Spread.design_effect`), so that
    `n` cases count as n / `design_effect`. Raises `ValueError` unless `sd` is above 0 and that count is above 1.

    >>> round(power_of(0.3, 0.1, 73), 4)
    0.8023
    """
    count = n / _above_zero("design_effect", design_effect)
    if not count > 1:
        msg = f"{n} cases count as {count:.2f} independent ones, and a spread takes more than one"
        raise ValueError(msg)
    df = count - 1
    reach, moved = critical(confidence, df), math.sqrt(count) * abs(delta) / _above_zero("sd", sd)
    if df > _NORMAL_FROM:
        return normal_tail(reach - moved) + normal_tail(reach + moved)
    return _beyond(reach, df, min(moved, _FARTHEST))


def cases_needed(
    sd: float, delta: float, *, power: float = 0.8, confidence: float = 0.95, design_effect: float = 1
) -> int:
    """The fewest cases that show a true difference of `delta` with chance `power`; arguments as for `power_of`.

    Raises `ValueError` where `delta` is nothing beside `sd`, which no number of cases shows.

    >>> cases_needed(0.3, 0.1), cases_needed(0.3, 0.1, design_effect=2.5)
    (73, 182)
    """
    _check(power)
    if abs(delta) < _NOTHING * _above_zero("sd", sd):
        msg = f"no number of cases shows a difference of {delta} where they deviate by {sd}"
        raise ValueError(msg)

    def suffices(count: int) -> bool:
        # Below two independent cases there is no spread to test with.
        enough = count / design_effect >= _LEAST
        return enough and power_of(sd, delta, count, confidence=confidence, design_effect=design_effect) >= power

    _above_zero("design_effect", design_effect)
    most = _LEAST
    while not suffices(most):
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if suffices(middle) else (middle, most)
    return most


def detectable(sd: float, n: float, *, power: float = 0.8, confidence: float = 0.95, design_effect: float = 1) -> float:
    """The smallest true difference that `n` cases show with chance `power`; arguments as for `power_of`.

    >>> round(detectable(0.3, 73), 4)
    0.0997
    """
    _check(power)
    low, high = 0.0, sd
    while power_of(sd, high, n, confidence=confidence, design_effect=design_effect) < power:
        low, high = high, 2 * high
    for _ in range(60):
        middle = (low + high) / 2
        shown = power_of(sd, middle, n, confidence=confidence, design_effect=design_effect)
        low, high = (low, middle) if shown >= power else (middle, high)
    return high


def known_with(seen: Spread) -> float:
    """The degrees of freedom with which values tell how far they deviate: fewer where few of them make the deviation.

    >>> from nbkit.evals.clustering import spread
    >>> round(known_with(spread([0.1, 0.2, 0.4, 0.5, 0.9])), 2), round(known_with(spread([0.0] * 9 + [1.0])), 2)
    (4.0, 2.73)
    """
    return 2 / (2 / seen.df + seen.kurtosis / seen.groups) if seen.df else 0.0


def deviation_bounds(sd: float, df: float, *, confidence: float = 0.95) -> tuple[float, float] | None:
    """Between what a true deviation lies of which `sd` was seen with `df` degrees of freedom; None below 4 of them.

    By the chi-squared distribution, its quantile after Wilson & Hilferty 1931: within 4 %, and within 1 % from 9 on.

    >>> [round(end, 3) for end in deviation_bounds(0.3, 9)], deviation_bounds(0.3, 2)
    ([0.206, 0.55], None)
    """
    if df < _LEAST_DF:
        return None
    reach, part = critical(confidence) * math.sqrt(2 / (9 * df)), 1 - 2 / (9 * df)
    return sd / (part + reach) ** 1.5, sd / (part - reach) ** 1.5


def _beyond(reach: float, df: float, moved: float) -> float:
    """The chance that a noncentral t is beyond `reach` to either side: a Poisson mixture of incomplete betas."""
    mean = moved**2 / 2
    x, rest = 1 / (1 + reach**2 / df), 1 / (1 + df / reach**2)
    spread = _SPREADS * math.sqrt(mean) + 30
    first, last = max(0, math.floor(mean - spread)), math.ceil(mean + spread)
    a, b = df / 2, first + 0.5
    below, step = beta_cdf(x, a, b=b, rest=rest), beta_kernel(x, a, b=b, rest=rest) / b
    total = 0.0
    for j in range(first, last):
        weight = math.exp(-mean + (j * math.log(mean) if j else 0.0) - math.lgamma(j + 1)) if mean else float(j == 0)
        total += weight * below
        below, step, b = below + step, step * rest * (a + b) / (b + 1), b + 1
    return min(1.0, total)


def _check(power: float) -> None:
    if not 0 < power < 1:
        msg = f"power is a chance between 0 and 1, not {power}"
        raise ValueError(msg)


def _above_zero(name: str, value: float) -> float:
    if not 0 < value < math.inf:
        msg = f"{name} is above 0, not {value}"
        raise ValueError(msg)
    return value
