"""What the record store adds up to: over a time by its hourly sums, over anything else by its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from nbkit.ledger.rows import HOUR_US, IS_TIMED, SUMS, bin_of_us, to_us, to_usd
from nbkit.ledger.schema import HOUR
from nbkit.ledger.selection import GROUPS, By, Selection
from nbkit.ledger.summary import Latency, Summary, binned_latency, exact_latency
from nbkit.store.database import Database

_SUMMED: Final = ", ".join(f"TOTAL({sql})" if name.endswith("_us") else f"SUM({sql})" for name, sql in SUMS.items())
_ADDED: Final = ", ".join(f"TOTAL({name})" if name.endswith("_us") else f"SUM({name})" for name in SUMS)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEFORE_ALL: Final = -(1 << 62)


def total(database: Database, selection: Selection) -> Summary:
    """The figures of all selected records. Raises `StoreError`.

    Those of a time come from the hourly sums and, for the hour that its beginning cuts, from records.
    """
    if not selection.is_period:
        sums, live, hits = _of_records(database, *selection.where())
        return _summary(sums, exact_latency(live), exact_latency(hits))
    first, cut = _hours(selection)
    if cut is None:
        return _of_hours(database, first, dict.fromkeys(SUMS, 0), [], [])
    return _of_hours(database, first, *_of_records(database, *cut.where()))


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
    first, cut = _hours(selection)
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
    return {_EPOCH + timedelta(hours=hour): to_usd(pusd) for hour, pusd in rows}


def _hours(selection: Selection) -> tuple[int, Selection | None]:
    """The first whole hour of a time, and what of it is before."""
    if selection.since is None:
        return _BEFORE_ALL, None
    first = -(-to_us(selection.since) // HOUR_US)
    begins = _EPOCH + timedelta(microseconds=first * HOUR_US)
    return first, Selection(since=selection.since, until=begins)


def _of_records(
    database: Database, where: str, values: Sequence[object]
) -> tuple[dict[str, int], list[float], list[float]]:
    """Sums over records, and the latencies of live answers and of hits."""
    sums = _named(database.execute(f"SELECT {_SUMMED} FROM record {where}", values)[0])  # noqa: S608 - constants
    seconds: tuple[list[float], list[float]] = ([], [])
    sql = f"SELECT cache_status = 'hit', total_us FROM record {where} AND {IS_TIMED}"  # noqa: S608 - constants
    for is_hit, total_us in database.execute(sql, values):
        seconds[is_hit].append(total_us / 1e6)
    return sums, *seconds


def _of_hours(database: Database, first: int, sums: dict[str, int], live: list[float], hits: list[float]) -> Summary:
    """The hours from `first`, and what is given of the one before."""
    found = _named(database.execute(f"SELECT {_ADDED} FROM hour WHERE hour >= ?", (first,))[0])  # noqa: S608 - constants
    sums = {name: sums[name] + found[name] for name in SUMS}
    bins: tuple[dict[int, int], dict[int, int]] = ({}, {})
    sql = "SELECT is_hit, bin, SUM(n) FROM latency WHERE hour >= ? GROUP BY is_hit, bin"
    for is_hit, number, n in database.execute(sql, (first,)):
        bins[is_hit][number] = n
    for counts, edge in zip(bins, (live, hits), strict=True):
        for seconds in edge:
            number = bin_of_us(round(seconds * 1e6))
            counts[number] = counts.get(number, 0) + 1
    latencies = [
        binned_latency(counts, total_s=sums[name] / 1e6)
        for counts, name in zip(bins, ("live_us", "hit_us"), strict=True)
    ]
    return _summary(sums, latencies[0], latencies[1])


def _named(row: Sequence[float | None]) -> dict[str, int]:
    return {name: int(amount or 0) for name, amount in zip(SUMS, row, strict=True)}


def _summary(sums: dict[str, int], live: Latency, hits: Latency) -> Summary:
    cost, saved = to_usd(sums["cost_pusd"]), to_usd(sums["saved_pusd"])
    return Summary(
        calls=sums["calls"],
        failures=sums["failures"],
        blocked=sums["blocked"],
        interrupted=sums["interrupted"],
        refused=sums["refused"],
        hits=sums["hits"],
        misses=sums["misses"],
        input_tokens=sums["input_tokens"],
        output_tokens=sums["output_tokens"],
        cached_input_tokens=sums["cached_input_tokens"],
        cost_usd=None if sums["unpriced"] and not sums["priced"] else cost,
        unknown_prices=sums["unpriced"],
        estimated_prices=sums["estimated"],
        saved_usd=None if sums["unsaved"] and not sums["saved"] else saved,
        unknown_savings=sums["unsaved"],
        saved_s=sums["saved_us"] / 1e6,
        latency_live=live,
        latency_hits=hits,
    )
