"""What the record store adds up to: over a time by its hourly sums, over anything else by its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from nbkit.figures import known_part
from nbkit.ledger.histogram import EPOCH, bins_since, whole_hours
from nbkit.ledger.rows import IS_TIMED, SUMS, to_usd
from nbkit.ledger.schema import HOUR
from nbkit.ledger.selection import GROUPS, By, Selection
from nbkit.ledger.summary import Latency, Summary, binned_latency, exact_latency
from nbkit.store.database import Database

_SUMMED: Final = ", ".join(f"TOTAL({sql})" if name.endswith("_us") else f"SUM({sql})" for name, sql in SUMS.items())
_ADDED: Final = ", ".join(f"TOTAL({name})" if name.endswith("_us") else f"SUM({name})" for name in SUMS)


def total(database: Database, selection: Selection) -> Summary:
    """The figures of all selected records. Raises `StoreError`.

    Those of a time come from the hourly sums and, for the hour that its beginning cuts, from records.
    """
    if not selection.is_period:
        where, values = selection.where()
        seconds: tuple[list[float], list[float]] = ([], [])
        sql = f"SELECT cache_status = 'hit', total_us FROM record {where} AND {IS_TIMED}"  # noqa: S608 - constants
        for is_hit, total_us in database.execute(sql, values):
            seconds[is_hit].append(total_us / 1e6)
        return _summary(_of_records(database, selection), *map(exact_latency, seconds))
    first, cut = whole_hours(selection.since)
    (row,) = database.execute(f"SELECT {_ADDED} FROM hour WHERE hour >= ?", (first,))  # noqa: S608 - constants
    sums = _named(row)
    if cut is not None:
        begun = _of_records(database, cut)
        sums = {name: sums[name] + begun[name] for name in SUMS}
    live, hits = bins_since(database, selection.since)
    return _summary(
        sums,
        binned_latency(live, total_s=sums["live_us"] / 1e6),
        binned_latency(hits, total_s=sums["hit_us"] / 1e6),
    )


def total_by(database: Database, by: By, selection: Selection) -> dict[str | None, Summary]:
    """The figures of each group of the selected records; under None, of those that have no such thing.

    The groups with the highest cost come first, hours and days in order. Raises `StoreError`.
    """
    where, values = selection.where()
    group = GROUPS[by]
    found = database.execute(f"SELECT {group} AS own, {_SUMMED} FROM record {where} GROUP BY own", values)  # noqa: S608 - constants
    seconds: dict[str | None, tuple[list[float], list[float]]] = {row[0]: ([], []) for row in found}
    sql = f"SELECT {group}, cache_status = 'hit', total_us FROM record {where} AND {IS_TIMED}"  # noqa: S608 - constants
    for own, is_hit, total_us in database.execute(sql, values):
        # Another kernel may have added a group between the two statements.
        if own in seconds:
            seconds[own][is_hit].append(total_us / 1e6)
    groups = {own: _summary(_named(row), *map(exact_latency, seconds[own])) for own, *row in found}
    is_time = by in ("hour", "day")
    order = sorted(groups, key=lambda own: own or "") if is_time else sorted(groups, key=lambda own: _rank(groups, own))
    return {own: groups[own] for own in order}


def cost_by_hour(database: Database, selection: Selection) -> dict[datetime, Decimal]:
    """What was spent in each hour that has records, as far as prices are known, by the hour's beginning in UTC."""
    if not selection.is_period:
        where, values = selection.where()
        sql = f"SELECT {HOUR}, SUM(IFNULL(cost_pusd, 0)) FROM record {where} GROUP BY 1 ORDER BY 1"  # noqa: S608 - constants
        return _by_hour(database.execute(sql, values))
    first, cut = whole_hours(selection.since)
    begun = {} if cut is None else cost_by_hour(database, cut)
    rows = database.execute("SELECT hour, cost_pusd FROM hour WHERE hour >= ? ORDER BY hour", (first,))
    return begun | _by_hour(rows)


def cost_by_hour_of(database: Database, by: By, selection: Selection) -> dict[str | None, dict[datetime, Decimal]]:
    """What each group of the selected records spent in each hour."""
    where, values = selection.where()
    sums = f"SELECT {GROUPS[by]}, {HOUR}, SUM(IFNULL(cost_pusd, 0)) FROM record {where} GROUP BY 1, 2 ORDER BY 2"  # noqa: S608 - constants
    found: dict[str | None, dict[datetime, Decimal]] = {}
    for own, *row in database.execute(sums, values):
        found.setdefault(own, {}).update(_by_hour([row]))
    return found


def _rank(groups: Mapping[str | None, Summary], own: str | None) -> tuple[Decimal, int, str]:
    found = groups[own]
    return -(found.cost_usd or Decimal(0)), -found.calls, own or ""


def _by_hour(rows: Iterable[Sequence[int]]) -> dict[datetime, Decimal]:
    return {EPOCH + timedelta(hours=hour): to_usd(pusd) for hour, pusd in rows}


def _of_records(database: Database, selection: Selection) -> dict[str, int]:
    where, values = selection.where()
    return _named(database.execute(f"SELECT {_SUMMED} FROM record {where}", values)[0])  # noqa: S608 - constants


def _named(row: Sequence[float | None]) -> dict[str, int]:
    return {name: int(amount or 0) for name, amount in zip(SUMS, row, strict=True)}


def _summary(sums: dict[str, int], live: Latency, hits: Latency) -> Summary:
    return Summary(
        calls=sums["calls"],
        failures=sums["failures"],
        blocked=sums["blocked"],
        unasked=sums["unasked"],
        interrupted=sums["interrupted"],
        refused=sums["refused"],
        hits=sums["hits"],
        misses=sums["misses"],
        input_tokens=sums["input_tokens"],
        output_tokens=sums["output_tokens"],
        cached_input_tokens=sums["cached_input_tokens"],
        cost_usd=known_part(to_usd(sums["cost_pusd"]), sums["unpriced"]),
        unknown_prices=sums["unpriced"],
        estimated_prices=sums["estimated"],
        saved_usd=known_part(to_usd(sums["saved_pusd"]), sums["unsaved"]),
        unknown_savings=sums["unsaved"],
        saved_s=sums["saved_us"] / 1e6,
        latency_live=live,
        latency_hits=hits,
    )
