"""What a comparison says, in one sentence that claims no more than the sample carries."""

from __future__ import annotations

import math

from nbkit.evals.differences import Difference

_MANY = 100_000
"""More cases than this are no plan."""
_PAIR = 2
_PLACES = 2
_MOST_PLACES = 10


def sentence(
    found: Difference,
    metric: str,
    *,
    names: tuple[str, str] = ("A", "B"),
    is_better_high: bool = True,
    unit: str = "",
) -> str:
    """Which of two runs is better on a metric and by how much, or that it is not decided and what would decide it.

    `names`: of run A and run B. `is_better_high`: False for cost and latency; a decisive difference is then said as how
    much less the better run takes. `unit`: `s` or `USD`. One that is not decided is B less A, signed.

    >>> sentence(Difference(0.06, 0.01, 0.11, p=0.02, p_adjusted=0.02, n=200, sd=0.36), "F1")
    'B is better on F1 by 0.06 [0.01, 0.11]'
    >>> sentence(Difference(0.02, -0.03, 0.07, p=0.43, p_adjusted=0.43, n=60, sd=0.2), "F1")
    'not decisive on F1 (+0.02 [-0.03, 0.07]): about 730 more cases would be'
    >>> seconds = Difference(-0.4, -0.7, -0.1, p=0.01, p_adjusted=0.01, n=40, sd=0.9)
    >>> sentence(seconds, "latency", is_better_high=False, unit="s")
    'B is better on latency by 0.40 s [0.10, 0.70]'
    """
    value, low, high = found.difference, found.low, found.high
    if value is None:
        return f"nothing to compare on {metric}: no case has a value in both runs"
    if found.is_decisive:
        is_b = (value > 0) == is_better_high
        if value < 0:
            value, low, high = -value, _negative(high), _negative(low)
        return f"{names[is_b]} is better on {metric} by {_said(value, low, high, unit=unit)}"
    beside = f" beside {found.compared - 1} more metric{'s' * (found.compared > _PAIR)}" if found.compared > 1 else ""
    if value == 0 and low is None:
        return (
            f"not decisive on {metric}{beside}: the same mean over {found.n} cases, which do not say how sure that is"
        )
    return f"not decisive on {metric}{beside} ({_said(value, low, high, unit=unit, sign='+')}): {_plan(found)}"


def _plan(found: Difference) -> str:
    more = found.more_cases()
    if more is None:
        if not found.is_paired and found.p is None:
            return "a run of fewer than ten cases, or clusters, says nothing of other cases"
        # One cluster has a spread within, and says nothing of another cluster.
        is_known = not found.difference or (found.sd and found.std_error is not None)
        return "the means are the same here" if is_known else "the cases do not say how sure that is"
    if more > _MANY:
        return f"more than {_MANY:,} more cases would be needed"
    digits = max(0, len(str(more)) - 2)
    rounded = math.ceil(more / 10**digits) * 10**digits
    return f"about {rounded:,} more {'case' if rounded == 1 else 'cases'} would be"


def _said(value: float, low: float | None, high: float | None, *, unit: str, sign: str = "") -> str:
    places = _places([value] + [bound for bound in (low, high) if bound is not None])
    shown = f"{_fixed(value, places, sign)}{' ' * bool(unit)}{unit}"
    if low is None or high is None:
        return shown
    return f"{shown} [{_fixed(low, places)}, {_fixed(high, places)}]"


def _places(numbers: list[float]) -> int:
    """Decimal places that keep the interval's ends apart, and an end that is not 0 from looking like it."""
    width = max(numbers) - min(numbers) or max(map(abs, numbers))
    for places in range(_PLACES, _MOST_PLACES):
        step = 10.0**-places
        if width >= 4 * step and all(abs(one) >= step / 2 or one == 0 for one in numbers):
            return places
    return _MOST_PLACES if width else _PLACES


def _fixed(number: float, places: int, sign: str = "") -> str:
    text = f"{number:{sign}.{places}f}"
    return text.lstrip("+-") if float(text) == 0 else text


def _negative(bound: float | None) -> float | None:
    return None if bound is None else -bound
