"""How long live answers took: their distribution, with p50 and p95 in it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from nbkit.display import charts
from nbkit.display.board import Board
from nbkit.display.charts import Series
from nbkit.display.pictures import Picture
from nbkit.display.totals import latency
from nbkit.display.view import AMBER, BLUE, RED
from nbkit.figures import duration
from nbkit.tables import Table

_FINE: Final = 16
"""Bins of the ledger, 64 for each doubling, that become one bar: four bars for each doubling."""
_BARS_A_DOUBLING: Final = 64 // _FINE
_ROUND_S: Final = tuple(digit * 10.0**power for power in range(-6, 5) for digit in (1, 2, 5))
_MOST_TICKS: Final = 7


def latency_distribution(board: Board) -> Picture:
    """Live answers by how long they took, from request to record; hits are not among them.

    >>> from datetime import UTC, datetime
    >>> moment = datetime(2026, 1, 2, tzinfo=UTC)
    >>> latency_distribution(Board("all calls", moment, moment)).says
    'No live answers in the time shown.'
    """
    title = "Latency of live answers"
    figures = latency(board.live)
    says = f"{figures.replace('about', 'About')} (live answers; cache hits are not among them)."
    if not board.live.is_exact:
        says += " Quantiles within 0.6 %."
    bars: dict[int, int] = {}
    for number, n in board.bins.items():
        bars[number // _FINE] = bars.get(number // _FINE, 0) + n
    table = _table(title, bars)
    if not bars or board.live.p50_s is None or board.live.p95_s is None:
        return Picture(title, "No live answers in the time shown.", Table(title, ("took", "answers"), ()))
    low, high = min(bars) - 1, max(bars) + 1
    p50, p95 = board.live.p50_s, board.live.p95_s
    # Room above the bars for what is written beside the two marks.
    with charts.plot(low=-0.6, high=high - low + 0.6, top=1.45 * max(bars.values())) as plot:
        plot.heights(charts.number, is_whole=True)
        plot.bars([Series([bars.get(at, 0) for at in range(low, high + 1)], BLUE)])
        plot.mark(_place(p50, low), f"p50 {duration(p50)}", colour=AMBER)
        plot.mark(_place(p95, low), f"p95 {duration(p95)}", colour=RED, dashes=":", down=12)
        plot.named(_ticks(low, high))
        plot.units(x="latency, logarithmic", y=f"live answers, n = {board.live.n:,}")
        address = plot.address()
    return Picture(title, says, table, address, f"Histogram: {title}, {board.title}. {says}")


def _table(title: str, bars: Mapping[int, int]) -> Table:
    whole = max(1, sum(bars.values()))
    rows = [
        (f"{duration(_edge(at))} to {duration(_edge(at + 1))}", f"{n:,}", f"{n / whole:.1%}")
        for at, n in sorted(bars.items())
    ]
    return Table(title, ("took", "answers", "of all"), rows)


def _edge(bar: int) -> float:
    seconds: float = 1e-6 * 2 ** (bar / _BARS_A_DOUBLING)
    return seconds


def _place(seconds: float, low: int) -> float:
    """Where a latency is on the axis, on which each bar is one wide and the first is at 0."""
    return math.log2(max(seconds, 1e-6) / 1e-6) * _BARS_A_DOUBLING - low - 0.5


def _ticks(low: int, high: int) -> list[tuple[float, str]]:
    """Round latencies inside the picture, and where they are."""
    inside = [one for one in _ROUND_S if _edge(low) <= one <= _edge(high + 1)]
    if len(inside) > _MOST_TICKS:
        inside = [one for one in inside if f"{one:e}".startswith("1")]
    return [(_place(one, low), _words(one)) for one in inside]


def _words(seconds: float) -> str:
    """A round latency without the zeros of a measured one.

    >>> _words(0.2), _words(5.0)
    ('200 ms', '5 s')
    """
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"
