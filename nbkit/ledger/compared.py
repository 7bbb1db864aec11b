"""What differs between the calls of two times, beyond chance and beyond what matters.

Problem: a monitor that alarms at noise is switched off. Choice: a measure has changed when three things hold. Both
times have enough calls; the difference is beyond a threshold that the reader sets; and the same calls, dealt to the two
times at random, would differ as much less than once in 600 times: all measures together alarm without a cause about
once in a hundred runs. For shares that is Fisher's exact test, for means and percentiles a permutation test of the very
figure that is drawn. Rejected: tests that assume a bell curve, which cost and latency have not; thresholds alone, which
three slow calls of ten exceed. One limit: the tests take calls for independent, and a hundred calls of one broken cell
are not; that is why the cell is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from nbkit.ledger.rows import IS_TIMED, UNASKED
from nbkit.ledger.selection import Selection
from nbkit.store.database import Database

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    Values: TypeAlias = NDArray[float64]

Verdict: TypeAlias = Literal["changed", "steady", "too few calls"]
Kind: TypeAlias = Literal["model", "notebook", "cell"]
_KINDS: Final[tuple[Kind, ...]] = ("model", "notebook", "cell")
_ONE_IN: Final = 600
_DEALT: Final = 1_999
_MOST_DEALT: Final = 2_000
"""Calls of each time that a permutation test looks at: more would say the same, slower."""
_LEAST_S: Final = 0.1
"""Percentiles that differ by less than this are alike for whoever waits."""
_QUANTILE: Final = 0.95
_COLUMNS: Final = (
    f"status, cache_status, answer_chars IS NOT NULL AND status <> '{UNASKED}', is_refused IS NOT NULL, "
    "cost_pusd / 1e12, "
    f"IIF({IS_TIMED} AND cache_status <> 'hit', total_us / 1e6, NULL), provider || ':' || model, notebook, cell_id"
)


@dataclass(frozen=True, slots=True)
class Call:
    """What of a call is compared."""

    status: str
    cache_status: str
    is_answered: bool
    """By a provider, now or before."""
    is_refused: bool
    usd: float | None
    live_s: float | None
    """Latency of an answer that a provider gave; None for any other."""
    model: str | None
    notebook: str | None
    cell: str | None

    def of(self, kind: Kind) -> str | None:
        """The model, notebook or cell it belongs to; a cell is named with its notebook."""
        if kind != "cell":
            return self.model if kind == "model" else self.notebook
        return self.cell and f"{(self.notebook or '').replace(chr(92), '/').rpartition('/')[2]}#{self.cell}"


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a difference matters."""

    least_calls: int = 20
    """Of each time, of those that a measure is about."""
    cost: float = 0.25
    latency: float = 0.5
    """Parts of the figure before: 0.5 is half as much again, or what that would have been before."""
    rate: float = 0.05
    """Of a share, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What contributed most to a difference."""

    kind: Kind
    name: str
    share: float
    """Of the difference, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Change:
    """One measure, in both times."""

    measure: str
    before: float | None
    now: float | None
    n_before: int
    n_now: int
    verdict: Verdict
    is_worse: bool = False
    """Whether it went where nobody wants it, whatever the verdict."""
    p_value: float | None = None
    """How often chance alone would make such a difference; None where it is too small to ask."""
    causes: tuple[Cause, ...] = ()
    """Of a change: the model, the notebook and the cell that did most of it."""


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    value: Callable[[Call], float | None]
    """What a call adds to it; None where it is not about that call."""
    limit: Callable[[Limits], float]
    kind: Literal["share", "mean", "quantile"]
    is_good: bool = False
    """Whether more is better."""


MEASURES: Final = (
    _Measure("cost per live answer", lambda one: one.usd if _is_live(one) else None, lambda the: the.cost, "mean"),
    _Measure("latency p95, live", lambda one: one.live_s, lambda the: the.latency, "quantile"),
    _Measure("error rate", lambda one: _share(one.status == "error", _has_ended(one)), lambda the: the.rate, "share"),
    _Measure("refusal rate", lambda one: _share(one.is_refused, one.is_answered), lambda the: the.rate, "share"),
    _Measure(
        "cache hit rate", lambda one: _share(one.cache_status == "hit", one.cache_status in ("hit", "miss")),
        lambda the: the.rate, "share", is_good=True,
    ),
    _Measure(
        "blocked rate", lambda one: _share(one.status == "blocked", _has_ended(one)), lambda the: the.rate, "share",
    ),
)  # fmt: skip


def calls_of(database: Database, selection: Selection) -> list[Call]:
    """The selected calls. Raises `StoreError`."""
    where, values = selection.where()
    rows = database.execute(f"SELECT {_COLUMNS} FROM record {where} ORDER BY started_us, number", values)  # noqa: S608 - constants
    return [Call(row[0], row[1], bool(row[2]), bool(row[3]), *row[4:]) for row in rows]


def compare(before: Sequence[Call], now: Sequence[Call], limits: Limits = Limits()) -> list[Change]:
    """Each measure in both times, and whether it has changed.

    >>> [one.verdict for one in compare([], [])][:2]
    ['too few calls', 'too few calls']
    """
    return [_change(measure, before, now, limits) for measure in MEASURES]


def fisher(hits: int, n: int, other_hits: int, other_n: int) -> float:
    """How likely two shares are to differ as much or more by chance alone: Fisher's exact test, two-sided.

    >>> round(fisher(1, 10, 9, 10), 6)
    0.001093
    """
    total, drawn = n + other_n, hits + other_hits
    if not 0 < drawn < total or not n or not other_n:
        return 1.0
    first, last = max(0, drawn - other_n), min(n, drawn)

    def log(k: int) -> float:
        return _choose(n, k) + _choose(other_n, drawn - k) - _choose(total, drawn)

    own = log(hits)
    return min(1.0, math.fsum(math.exp(found) for k in range(first, last + 1) if (found := log(k)) <= own + 1e-7))


def dealt(before: Sequence[float], now: Sequence[float], figure: Callable[[Values], float]) -> float:
    """How often a figure of the same values differs as much when they are dealt to the two times at random.

    Deals 1,999 times, always the same way; of more than 2,000 values of a time, so many are drawn.

    >>> dealt([1.0] * 30, [1.0] * 30, quantile)
    1.0
    """
    import numpy as np

    chance = np.random.default_rng(0)
    pair = [
        chance.choice(values, _MOST_DEALT, replace=False) if len(values) > _MOST_DEALT else np.asarray(values)
        for values in (before, now)
    ]
    cut, both = len(pair[0]), np.concatenate(pair)
    # A sum of the same numbers in another order may differ in its last bits.
    seen = abs(figure(pair[1]) - figure(pair[0])) * (1 - 1e-12)
    as_much = 0
    for _ in range(_DEALT):
        mixed = chance.permutation(both)
        as_much += abs(figure(mixed[cut:]) - figure(mixed[:cut])) >= seen
    return (as_much + 1) / (_DEALT + 1)


def mean(values: Values) -> float:
    """The mean."""
    return float(values.mean())


def quantile(values: Values) -> float:
    """The smallest value that at least 95 % of all do not exceed."""
    import numpy as np

    at = math.ceil(_QUANTILE * len(values)) - 1
    return float(np.partition(values, at)[at])


def _change(measure: _Measure, before: Sequence[Call], now: Sequence[Call], limits: Limits) -> Change:
    old, new = _valued(measure, before), _valued(measure, now)
    found = [_figure(measure, [value for _, value in one]) for one in (old, new)]
    was, is_now = found
    if was is None or is_now is None or min(len(old), len(new)) < limits.least_calls:
        return Change(measure.name, was, is_now, len(old), len(new), "too few calls")
    is_worse = (is_now < was) if measure.is_good else (is_now > was)
    if not _matters(measure, was, is_now, limits):
        return Change(measure.name, was, is_now, len(old), len(new), "steady", is_worse)
    p_value = _p_value(measure, [value for _, value in old], [value for _, value in new])
    if p_value > 1 / _ONE_IN:
        return Change(measure.name, was, is_now, len(old), len(new), "steady", is_worse, p_value)
    causes = tuple(_causes(measure, old, new, line=min(was, is_now)))
    return Change(measure.name, was, is_now, len(old), len(new), "changed", is_worse, p_value, causes)


def _valued(measure: _Measure, calls: Sequence[Call]) -> list[tuple[Call, float]]:
    found = [(one, value) for one in calls if (value := measure.value(one)) is not None]
    if measure.kind == "mean" and not any(value for _, value in found):
        # What cost nothing says nothing of answers that nobody knows the price of.
        return [] if any(_is_live(one) and one.usd is None for one in calls) else found
    return found


def _figure(measure: _Measure, values: Sequence[float]) -> float | None:
    if not values:
        return None
    import numpy as np

    return quantile(np.asarray(values)) if measure.kind == "quantile" else math.fsum(values) / len(values)


def _matters(measure: _Measure, was: float, is_now: float, limits: Limits) -> bool:
    limit = measure.limit(limits)
    if measure.kind == "share":
        return abs(is_now - was) >= limit
    if measure.kind == "quantile" and abs(is_now - was) < _LEAST_S:
        return False
    return max(is_now, was) > min(is_now, was) * (1 + limit)


def _p_value(measure: _Measure, old: list[float], new: list[float]) -> float:
    if measure.kind == "share":
        return fisher(round(sum(old)), len(old), round(sum(new)), len(new))
    return dealt(old, new, quantile if measure.kind == "quantile" else mean)


def _causes(
    measure: _Measure, old: list[tuple[Call, float]], new: list[tuple[Call, float]], *, line: float
) -> Iterable[Cause]:
    """Of each kind, what made most of the difference; of a percentile, of the share of calls beyond the smaller one."""

    def added(value: float) -> float:
        return float(value > line) if measure.kind == "quantile" else value

    for kind in _KINDS:
        parts: dict[str | None, float] = {}
        for sign, calls in ((-1, old), (1, new)):
            for one, value in calls:
                own = one.of(kind)
                parts[own] = parts.get(own, 0.0) + sign * added(value) / len(calls)
        whole = math.fsum(parts.values())
        if not whole:
            continue
        # Parts of all groups add up to the difference; one whose others went the other way made more than all of it.
        name, part = max(parts.items(), key=lambda item: (item[1] / whole, item[0] or ""))
        if name is not None and part / whole > 0:
            yield Cause(kind, name, min(1.0, part / whole))


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _is_live(one: Call) -> bool:
    return one.is_answered and one.cache_status != "hit"


def _has_ended(one: Call) -> bool:
    return one.status != "interrupted"


def _share(is_so: Any, is_about: bool) -> float | None:  # noqa: ANN401, FBT001 - a private pair of conditions
    return float(bool(is_so)) if is_about else None
