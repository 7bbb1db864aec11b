"""Latencies of answers, counted by hour in the bins of `bin_of`: six hours stand in one row.

A day of a busy store has answers in some hundred bins of each hour. A row for each would be five thousand rows to read
for a day's percentiles, a row for each six hours is one thousand, and a write touches one of them either way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from nbkit.ledger.rows import HOUR_US, IS_TIMED, bin_of_us, to_us
from nbkit.ledger.selection import Selection
from nbkit.store.database import Database

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
BLOCK: Final = 6
"""Hours of a row; a day holds whole rows."""
HOURS: Final = tuple(f"n{number}" for number in range(BLOCK))
"""The columns of a row, an hour each."""
_BEFORE_ALL: Final = -(1 << 62)
Bins: TypeAlias = dict[int, int]
"""How many answers are in a bin, by its number."""


def whole_hours(since: datetime | None) -> tuple[int, Selection | None]:
    """The first whole hour of a time, and what of the time is before it.

    >>> first, cut = whole_hours(datetime(1970, 1, 1, 0, 30, tzinfo=UTC))
    >>> first, cut.until.isoformat()
    (1, '1970-01-01T01:00:00+00:00')
    """
    if since is None:
        return _BEFORE_ALL, None
    first = -(-to_us(since) // HOUR_US)
    return first, Selection(since=since, until=EPOCH + timedelta(hours=first))


def bins_since(database: Database, since: datetime | None) -> tuple[Bins, Bins]:
    """Those of live answers and of hits since a moment; of the hour that it cuts, from records. Raises `StoreError`."""
    first, cut = whole_hours(since)
    block, begun = divmod(first, BLOCK)
    all_hours, own_hours = " + ".join(HOURS), " + ".join(HOURS[begun:])
    sql = (
        f"SELECT is_hit, bin, SUM(IIF(block = ?, {own_hours}, {all_hours})) AS n FROM latency_block "  # noqa: S608 - constants
        "WHERE block >= ? GROUP BY is_hit, bin HAVING n"
    )
    found: tuple[Bins, Bins] = ({}, {})
    _add(found, database.execute(sql, (block, block)))
    if cut is not None:
        where, values = cut.where()
        # Only what the first version wrote has no bin of its own.
        own = "IFNULL(latency_bin, -1), IIF(latency_bin IS NULL, total_us, 0)"
        sql = f"SELECT cache_status = 'hit', {own}, COUNT(*) FROM record {where} AND {IS_TIMED} GROUP BY 1, 2, 3"  # noqa: S608 - constants
        rows = database.execute(sql, values)
        _add(found, [(is_hit, bin_of_us(us) if number < 0 else number, n) for is_hit, number, us, n in rows])
    return found


def _add(found: tuple[Bins, Bins], rows: Sequence[tuple[int, int, int]]) -> None:
    for is_hit, number, n in rows:
        counts = found[is_hit]
        counts[number] = counts.get(number, 0) + n
