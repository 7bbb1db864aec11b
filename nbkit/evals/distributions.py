"""Tails and quantiles of the distributions that intervals and tests need, each equal to scipy's to 1e-9.

scipy would be 100 MB for five functions. What is asked for is the upper tail, not the area below: a p-value of 1e-12
is one, while 1 minus the rest is rounding.
"""

from __future__ import annotations

import math

_STEPS = 20_000
"""Of the continued fraction; it needs about the root of the larger parameter, so that 1e8 is within reach."""
_EPSILON = 1e-16
_TINY = 1e-300
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
_SERIES_FROM = 16.0
"""From here Stirling's series is exact to rounding; below it the logarithms of gamma are small enough to subtract."""


def normal_tail(x: float) -> float:
    """The chance that a standard normal value is above `x`.

    >>> round(normal_tail(1.959964), 6), round(normal_tail(-1.0), 6)
    (0.025, 0.841345)
    """
    return 0.5 * math.erfc(x / math.sqrt(2))


def normal_quantile(p: float) -> float:
    """What a standard normal value is below with chance `p`, 0 < `p` < 1.

    Raises `ValueError` for any other `p`.

    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    from statistics import NormalDist

    return NormalDist().inv_cdf(_inside(p))


def student_tail(t: float, df: float) -> float:
    """The chance that a value of Student's distribution with `df` degrees of freedom is above `t`.

    `df` may be a fraction, and infinite, which is the normal distribution. Raises `ValueError` unless it is above 0.

    >>> round(student_tail(2.0, 10), 6), student_tail(0.0, 3)
    (0.036694, 0.5)
    """
    if math.isinf(_positive(df)):
        return normal_tail(t)
    if t < 0:
        return 1.0 - student_tail(-t, df)
    if t == 0:
        return 0.5
    squared = t * t
    return 0.5 * beta_cdf(1 / (1 + squared / df), df / 2, b=0.5, rest=1 / (1 + df / squared))


def student_quantile(p: float, df: float) -> float:
    """What a value of Student's distribution with `df` degrees of freedom is below with chance `p`.

    Raises `ValueError` unless 0 < `p` < 1 and `df` is above 0, which may be infinite.

    >>> round(student_quantile(0.975, 10), 6)
    2.228139
    """
    if math.isinf(_positive(df)) or _inside(p) == 0.5:  # noqa: PLR2004 - the middle
        return normal_quantile(p)
    if p > 0.5:  # noqa: PLR2004 - the middle
        return _student_above(1 - p, df)
    return -_student_above(p, df)


def critical(confidence: float, df: float = math.inf) -> float:
    """How many standard errors an interval of this confidence reaches to either side.

    Raises `ValueError` unless 0 < `confidence` < 1.

    >>> round(critical(0.95), 3), round(critical(0.95, 9), 3)
    (1.96, 2.262)
    """
    return -student_quantile((1 - _inside(confidence)) / 2, df)


def binomial_cdf(k: int, n: int, *, p: float = 0.5) -> float:
    """The chance of at most `k` successes in `n` trials, each with chance `p`.

    >>> round(binomial_cdf(1, 4), 6), binomial_cdf(-1, 4), binomial_cdf(4, 4)
    (0.3125, 0.0, 1.0)
    """
    if k < 0:
        return 0.0
    return 1.0 if k >= n else beta_cdf(1 - p, n - k, b=k + 1, rest=p)


def beta_cdf(x: float, a: float, *, b: float, rest: float | None = None) -> float:
    """The regularised incomplete beta function: the chance that a value of Beta(`a`, `b`) is below `x`.

    `rest`: 1 - `x`, where the caller knows it to more digits than the subtraction gives. Raises `ValueError` unless
    `a` and `b` are above 0. Source: the continued fraction of DLMF 8.17.22, by the method of Lentz.

    >>> round(beta_cdf(0.5, 2, b=3), 6)
    0.6875
    """
    y = 1 - x if rest is None else rest
    _positive(a), _positive(b)
    if x <= 0:
        return 0.0
    if y <= 0:
        return 1.0
    # The fraction converges fast below the mean; above it the other tail is the small one.
    if x * (a + b + 2) > a + 1:
        return 1.0 - beta_kernel(y, b, b=a, rest=x) * _fraction(y, b, a) / b
    return beta_kernel(x, a, b=b, rest=y) * _fraction(x, a, b) / a


def beta_kernel(x: float, a: float, *, b: float, rest: float) -> float:
    """x^a (1 - x)^b / B(a, b), without subtracting the large logarithms of gamma; arguments as for `beta_cdf`.

    By the saddle point of Loader 2000, "Fast and accurate computation of binomial probabilities".

    >>> round(beta_kernel(0.5, 2, b=3, rest=0.5), 6)
    0.375
    """
    n = a + b
    power = _surplus(n) - _surplus(a) - _surplus(b) - _deviance(a, n * x) - _deviance(b, n * rest)
    return math.exp(power) * math.sqrt(a * b / (2 * math.pi * n))


def _fraction(x: float, a: float, b: float) -> float:
    value, c, d = 1.0, 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = 1 / (1 + step * d or _TINY)
            c = 1 + step / c or _TINY
            value *= c * d
        if abs(c * d - 1) < _EPSILON:
            break
    return value


def _surplus(z: float) -> float:
    """What Stirling's formula leaves out of the logarithm of gamma(z + 1)."""
    if z < _SERIES_FROM:
        return math.lgamma(z + 1) - (z + 0.5) * math.log(z) + z - 0.5 * math.log(2 * math.pi)
    return math.fsum(term / z ** (2 * place + 1) for place, term in enumerate(_STIRLING))


def _deviance(x: float, mean: float) -> float:
    """Loader's deviance: x log(x / mean) + mean - x."""
    if mean <= 0:
        return math.inf
    away = (x - mean) / mean
    return x * math.log1p(away) - (x - mean)


def _student_above(tail: float, df: float) -> float:
    """What is exceeded with chance `tail`, which is below a half: Newton on logarithms, between bounds."""
    if df == 1:
        return 1 / math.tan(math.pi * tail)
    low = max(-normal_quantile(tail), _TINY)
    high = 2 * low + 1
    while student_tail(high, df) > tail and high < 1 / _TINY:
        low, high = high, high * high + high
    t = low
    for _ in range(200):
        here = student_tail(t, df)
        low, high = (t, high) if here > tail else (low, t)
        kernel = beta_kernel(1 / (1 + t * t / df), df / 2, b=0.5, rest=1 / (1 + df / (t * t)))
        step = (math.log(here) - math.log(tail)) * here / kernel if here and kernel else math.inf
        following = t * math.exp(step) if abs(step) < 1 else math.inf
        following = following if low < following < high else math.sqrt(low * high)
        if abs(following - t) <= 4e-16 * t:
            break
        t = following
    return t


def _inside(p: float) -> float:
    if not 0 < p < 1:
        msg = f"a chance between 0 and 1 is needed, not {p}"
        raise ValueError(msg)
    return p


def _positive(number: float) -> float:
    if not number > 0:
        msg = f"a number above 0 is needed, not {number}"
        raise ValueError(msg)
    return number
