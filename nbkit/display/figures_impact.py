"""How the cache changed latency: the share of calls that were answered within a time, with it and without."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from nbkit.display import charts
from nbkit.display.charts import Plot
from nbkit.display.pictures import Key, Picture
from nbkit.display.view import BLUE, GREY
from nbkit.figures import duration
from nbkit.ledger.impact import Impact
from nbkit.tables import Table

_ROUND_S: Final = tuple(digit * 10.0**power for power in range(-5, 5) for digit in (1, 2, 5))
_MOST_TICKS: Final = 7
_LEAST_S: Final = 1e-5
_SHARES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
_TITLE: Final = "Calls answered within a time"


def impact_picture(found: Impact) -> Picture:
    """Two lines, and the same as a table of quantiles.

    >>> from decimal import Decimal
    >>> from nbkit.ledger.impact import Side
    >>> from nbkit.ledger.summary import Latency
    >>> nothing = Side(Latency(), Decimal(0), Decimal(0))
    >>> impact_picture(Impact(nothing, nothing, 0, 0, 0, 0, None, None)).says
    'No answered calls in the time shown.'
    """
    without, with_cache = (sorted(side) for side in zip(*found.seconds, strict=True)) if found.seconds else ([], [])
    if not without:
        return Picture(_TITLE, "No answered calls in the time shown.", Table(_TITLE, ("share of calls", "within"), ()))
    rows = [(f"{share:.0%}", duration(_at(without, share)), duration(_at(with_cache, share))) for share in _SHARES]
    table = Table(_TITLE, ("share of calls", "without the cache", "with it"), rows)
    low, high = _log(with_cache[0]) - 0.1, _log(without[-1]) + 0.1
    with charts.plot(low=low, high=high, top=100) as plot:
        plot.heights(lambda percent: f"{percent:.0f} %", is_whole=True)
        for seconds, colour, dashes in ((without, GREY, "--"), (with_cache, BLUE, "-")):
            _steps(plot, seconds, low=low, high=high, colour=colour, dashes=dashes)
        plot.named(_ticks(low, high))
        plot.units(x="latency, logarithmic", y=f"answered calls, n = {len(without):,}")
        address = plot.address()
    says = (
        f"Half of the {len(without):,} answered calls took at most {duration(_at(with_cache, 0.5))} "
        f"({duration(_at(without, 0.5))} without the cache), 95 % at most {duration(_at(with_cache, 0.95))} "
        f"({duration(_at(without, 0.95))})."
    )
    keys = (Key(BLUE, "with the cache"), Key(GREY, "without it, dashed"))
    return Picture(_TITLE, says, table, address, f"Two rising lines: {_TITLE}. {says}", keys)


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _log(seconds: float) -> float:
    return math.log10(max(seconds, _LEAST_S))


def _steps(plot: Plot, ordered: Sequence[float], *, low: float, high: float, colour: str, dashes: str) -> None:
    points = [plot.at(low, 0)]
    for number, seconds in enumerate(ordered):
        before, after = (100 * (number + add) / len(ordered) for add in (0, 1))
        points += [plot.at(_log(seconds), before), plot.at(_log(seconds), after)]
    plot.line([*points, plot.at(high, 100)], colour=colour, width=2.0, dashes=dashes)


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    inside = [one for one in _ROUND_S if low <= _log(one) <= high]
    thinned = inside[:: max(1, math.ceil(len(inside) / _MOST_TICKS))]
    return [(_log(one), f"{one:g} s" if one >= 1 else f"{1000 * one:g} ms") for one in thinned]
