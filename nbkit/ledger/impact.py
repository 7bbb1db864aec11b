"""What the cache did to latency and cost: as it was, beside what the same calls would have been without it.

Without the cache a hit would have been the call that it stands for: its latency and its cost were recorded when that
call was made, and are kept with the hit. So nothing is modelled. A hit whose original is not known (answers kept by an
older version) is left out of both sides, and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from nbkit.ledger.rows import IS_TIMED, SUMS, from_us, to_usd
from nbkit.ledger.selection import Selection
from nbkit.ledger.summary import Latency, cache_hit_rate, exact_latency
from nbkit.store.database import Database

_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Side:
    """The answered calls of a time, with the cache or as they would have been without it."""

    latency: Latency
    cost_usd: Decimal
    """Of those whose price is known."""
    cost_usd_by_day: Decimal
    """On average over the days from the first call to the last, at least one."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What the cache did."""

    without: Side
    with_cache: Side
    hits: int
    asked: int
    """Hits and misses as `cache_hit_rate` counts them, of chats and all others: also those that are on neither side."""
    left_out: int
    """Hits whose original is not known, which are on neither side."""
    unpriced: int
    """Calls on both sides whose price is not known."""
    first_at: datetime | None
    last_at: datetime | None
    seconds: tuple[tuple[float, float], ...] = ()
    """Of each call, in order of time, how long it would have taken without the cache, and how long it took."""

    @property
    def cache_hit_rate(self) -> float | None:
        """The hit rate that `%cost` shows of the same calls."""
        return cache_hit_rate(self.hits, self.asked - self.hits)


def impact(database: Database, selection: Selection) -> Impact:
    """The two sides for the selected calls that were answered. Raises `StoreError`."""
    where, values = selection.where()
    sql = (
        "SELECT cache_status, started_us, total_us, saved_us, cost_pusd, saved_pusd, is_unpriced OR is_unsaved "  # noqa: S608 - constants
        f"FROM record {where} AND {IS_TIMED} AND operation = 'chat' ORDER BY started_us, number"
    )
    rows = database.execute(sql, values)
    kept = [row for row in rows if row[0] != "hit" or row[3] is not None]
    counts = f"SELECT TOTAL({SUMS['hits']}), TOTAL({SUMS['misses']}) FROM record {where}"  # noqa: S608 - constants
    ((hits, misses),) = database.execute(counts, values)
    seconds = tuple(((total + (saved or 0)) / 1e6, total / 1e6) for _, _, total, saved, *_ in kept)
    paid = sum(cost or 0 for *_, cost, _, _ in kept)
    spared = sum(saved or 0 for *_, saved, _ in kept)
    days = max(1.0, (kept[-1][1] - kept[0][1]) / _DAY_US) if kept else 1.0
    return Impact(
        _side([one for one, _ in seconds], paid + spared, days),
        _side([one for _, one in seconds], paid, days),
        int(hits),
        int(hits + misses),
        len(rows) - len(kept),
        sum(bool(row[-1]) for row in kept),
        from_us(kept[0][1]) if kept else None,
        from_us(kept[-1][1]) if kept else None,
        seconds,
    )


def _side(seconds: Sequence[float], pusd: int, days: float) -> Side:
    cost = to_usd(pusd)
    return Side(exact_latency(seconds), cost, cost / Decimal(str(days)))
