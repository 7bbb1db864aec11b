"""How the selected records are spread: over hours and groups, over latencies, over the guards that blocked."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from nbkit.ledger.histogram import EPOCH, bins_since, whole_hours
from nbkit.ledger.rows import IS_TIMED, SUMS, to_usd
from nbkit.ledger.schema import HOUR
from nbkit.ledger.selection import GROUPS, By, Selection
from nbkit.store.database import Database

_LIVE: Final = f"{IS_TIMED} AND cache_status <> 'hit'"


class Sums(NamedTuple):
    """What some calls add up to, in whole numbers; money in picodollars."""

    calls: int = 0
    failures: int = 0
    blocked: int = 0
    interrupted: int = 0
    hits: int = 0
    misses: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_pusd: int = 0
    priced: int = 0
    unpriced: int = 0
    estimated: int = 0
    saved_pusd: int = 0
    saved: int = 0
    unsaved: int = 0

    @property
    def cost_usd(self) -> Decimal:
        """What is known of the cost."""
        return to_usd(self.cost_pusd)

    @property
    def saved_usd(self) -> Decimal:
        """What is known of the saving."""
        return to_usd(self.saved_pusd)

    def plus(self, other: Sums) -> Sums:
        """The sums of both.

        >>> Sums(calls=1).plus(Sums(calls=2)).calls
        3
        """
        return Sums._make(map(operator.add, self, other))


_ADDED: Final = ", ".join(f"SUM({SUMS[name]})" for name in Sums._fields)


class Cell(NamedTuple):
    """The sums of one group in one hour."""

    own: str | None
    """The group; None where calls are not grouped, and for those that have no such thing."""
    hour: datetime
    """Its beginning, in UTC; of the day, where sums are by day."""
    blocked_by: str | None
    """The guard that blocked these calls."""
    sums: Sums


def cells(database: Database, by: By | None, selection: Selection, *, is_by_day: bool = False) -> list[Cell]:
    """The sums of each group in each hour, or day, that has records, apart by the guard that blocked.

    Days are those of UTC. Raises `StoreError`.
    """
    where, values = selection.where()
    group = "NULL" if by is None else GROUPS[by]
    start = f"{HOUR} - ({HOUR} % 24 + 24) % 24" if is_by_day else HOUR
    sql = f"SELECT {group}, {start}, blocked_by, {_ADDED} FROM record {where} GROUP BY 1, 2, 3 ORDER BY 2"  # noqa: S608 - constants
    return list(_cells(database.execute(sql, values)))


def first_moment(database: Database, selection: Selection) -> datetime | None:
    """When the first selected record was begun; None where there is none. Raises `StoreError`."""
    where, values = selection.where()
    sql = f"SELECT started_us FROM record {where} ORDER BY started_us LIMIT 1"  # noqa: S608 - constants
    found = database.execute(sql, values)
    return EPOCH + timedelta(microseconds=found[0][0]) if found else None


def hour_cells(database: Database, since: datetime | None) -> list[Cell]:
    """The sums of each hour since a moment, from the hourly sums; who blocked is not known. Raises `StoreError`."""
    first, cut = whole_hours(since)
    begun = [] if cut is None else cells(database, None, cut)
    sql = f"SELECT NULL, hour, NULL, {', '.join(Sums._fields)} FROM hour WHERE hour >= ? ORDER BY hour"  # noqa: S608 - constants
    return [*(one._replace(blocked_by=None) for one in begun), *_cells(database.execute(sql, (first,)))]


def live_seconds(database: Database, by: By | None, selection: Selection) -> dict[str | None, list[float]]:
    """How long each live answer took, by group. Raises `StoreError`."""
    where, values = selection.where()
    group = "NULL" if by is None else GROUPS[by]
    found: dict[str | None, list[float]] = {}
    sql = f"SELECT {group}, total_us FROM record {where} AND {_LIVE}"  # noqa: S608 - constants
    for own, total_us in database.execute(sql, values):
        found.setdefault(own, []).append(total_us / 1e6)
    return found


def live_bins(database: Database, since: datetime | None) -> dict[int, int]:
    """How many live answers since a moment took how long, by the bins of `bin_of`. Raises `StoreError`."""
    return bins_since(database, since)[0]


def blocked_by(database: Database, selection: Selection) -> dict[str | None, int]:
    """How many calls each guard blocked; `budget` is one, None is not known. Raises `StoreError`."""
    where, values = selection.where()
    sql = f"SELECT blocked_by, COUNT(*) FROM record {where} AND status = 'blocked' GROUP BY 1"  # noqa: S608 - constants
    return dict(database.execute(sql, values))


def newest(database: Database) -> int:
    """The number of the record that was written last, whoever wrote it; 0 where there is none. Raises `StoreError`."""
    ((number,),) = database.execute("SELECT MAX(number) FROM record")
    return number or 0


def models_and_tags(database: Database, selection: Selection) -> tuple[list[str], list[str]]:
    """Which models and tags the selected records have, sorted. Raises `StoreError`."""
    where, values = selection.where()
    rows = database.execute(f"SELECT DISTINCT {GROUPS['model']}, tag FROM record {where}", values)  # noqa: S608 - constants
    return sorted({model for model, _ in rows if model}), sorted({tag for _, tag in rows if tag})


def _cells(rows: Iterable[Sequence[int]]) -> Iterator[Cell]:
    for own, hour, guard, *amounts in rows:
        sums = Sums._make(int(amount or 0) for amount in amounts)
        yield Cell(own, EPOCH + timedelta(hours=hour), guard, sums)  # type: ignore[arg-type] # rows as SQLite gives them
