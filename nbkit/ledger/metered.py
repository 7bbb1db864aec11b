"""What monitoring counts since it first asked: sums by model that only ever grow.

Problem: a counter that falls reads as one that began anew, and records are deleted when they are old. Choice: whoever
asks adds the records that are new since the last time to tables of their own, and before records are deleted those not
yet added are. A store that nobody monitors pays nothing, neither when it writes nor when it deletes; one that is
monitored every minute adds a minute's records, however many there are. Of a store that can only be read they are added
up anew each time. Rejected: triggers, which would make every write
dearer; sums over all records at each question, which take seconds at a million.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from nbkit.ledger.log import DURATION_BOUNDS_S, TOKEN_BOUNDS
from nbkit.ledger.rows import IS_TIMED, SUMS
from nbkit.store.database import Database

_SUMMED: Final = (
    "calls",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cost_pusd",
    "unpriced",
    "estimated",
    "saved_pusd",
    "unsaved",
    "saved_us",
    "refused",
)
_LABELS: Final = ("operation", "provider", "model", "status", "cache_status", "blocked_by")
_IS_LIVE: Final = f"{IS_TIMED} AND cache_status <> 'hit'"
_BUCKETS: Final = ("measure", "operation", "provider", "model", "bucket")
_MEASURES: Final = {
    "duration": ("total_us", _IS_LIVE, [round(bound * 1e6) for bound in DURATION_BOUNDS_S]),
    "hit_duration": (
        "total_us",
        f"{IS_TIMED} AND cache_status = 'hit'",
        [round(bound * 1e6) for bound in DURATION_BOUNDS_S],
    ),
    "first_chunk": (
        "first_token_us",
        f"{_IS_LIVE} AND first_token_us IS NOT NULL",
        [round(bound * 1e6) for bound in DURATION_BOUNDS_S],
    ),
    "input_tokens": ("input_tokens", _IS_LIVE, list(TOKEN_BOUNDS)),
    "output_tokens": ("output_tokens", _IS_LIVE, list(TOKEN_BOUNDS)),
}
"""What has a histogram: its column, whose it is, and the upper bounds of its buckets in the column's unit."""
_NEW: Final = "number > :after AND number <= :until"
_AT_ONCE: Final = 20_000
"""Records that are added under one write lock: other kernels wait for it."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Sums over the calls that have the same labels; an empty label is one that the calls do not have."""

    operation: str
    provider: str
    model: str
    status: str
    cache_status: str
    blocked_by: str
    calls: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cost_pusd: int
    unpriced: int
    estimated: int
    saved_pusd: int
    unsaved: int
    saved_us: int
    refused: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the calls to one model spread over the buckets of a histogram."""

    measure: str
    """`duration`, `hit_duration`, `first_chunk`, `input_tokens` or `output_tokens`."""
    operation: str
    provider: str
    model: str
    counts: tuple[int, ...]
    """Calls in each bucket, the last of which has no bound."""
    total: int
    """Sum over the calls: microseconds, or tokens."""


@dataclass(frozen=True, slots=True)
class Metered:
    """All that monitoring counts."""

    counted: Sequence[Counted] = ()
    distributions: Sequence[Distribution] = ()


def meter(database: Database) -> Metered:
    """The counts, with the records that are new since they were last asked for. Raises `StoreError`.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from nbkit.ledger.schema import SCHEMA
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     database = Database(Path(folder, "records.sqlite"), schema=SCHEMA)
    ...     print(meter(database))
    ...     database.close()
    Metered(counted=[], distributions=[])
    """
    if _is_behind(database) and database.is_read_only:
        return _beside(database)
    while _is_behind(database) and database.whole(lambda: _add_part(database)):
        continue
    return _metered(database)


def _beside(database: Database) -> Metered:
    """The same of a store that can only be read: added up in tables of this connection, and forgotten."""
    keys = {"metered": ", ".join(_LABELS), "metered_bucket": ", ".join(_BUCKETS), "metered_until": "number"}
    try:
        for name, key in keys.items():
            # A name without a schema means the temporary table where there is one.
            database.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM main.{name}")  # noqa: S608 - constants
            database.execute(f"CREATE UNIQUE INDEX temp.{name}_own ON {name} ({key})")
        while _add_part(database):
            continue
        return _metered(database)
    finally:
        for name in keys:
            database.execute(f"DROP TABLE IF EXISTS temp.{name}")


def _metered(database: Database) -> Metered:
    names = ", ".join((*_LABELS, *_SUMMED))
    counted = [Counted(*row) for row in database.execute(f"SELECT {names} FROM metered ORDER BY {', '.join(_LABELS)}")]  # noqa: S608 - constants
    return Metered(counted, _distributions(database))


def meter_before_deletion(database: Database) -> None:
    """Adds what is new, where somebody monitors; within the transaction that deletes records."""
    if database.execute("SELECT 1 FROM metered_until"):
        while _add_part(database):
            continue


def meter_after_deletion(database: Database) -> None:
    """Goes on after the newest record that is left: the next one may have the number of one that was deleted."""
    database.execute("UPDATE metered_until SET number = (SELECT IFNULL(MAX(number), 0) FROM record)")


def _is_behind(database: Database) -> bool:
    new = "SELECT 1 FROM record WHERE number > (SELECT number FROM metered_until)"
    sql = f"SELECT NOT EXISTS (SELECT 1 FROM metered_until) OR EXISTS ({new})"  # noqa: S608 - constants
    return bool(database.execute(sql)[0][0])


def _add_part(database: Database) -> bool:
    """Adds the next records; whether there are more."""
    database.execute("INSERT INTO metered_until SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM metered_until)")
    ((after, last),) = database.execute("SELECT number, (SELECT IFNULL(MAX(number), 0) FROM record) FROM metered_until")
    until = min(after + _AT_ONCE, last)
    if until <= after:
        return False
    _add(database, {"after": after, "until": until})
    database.execute("UPDATE metered_until SET number = ?", (until,))
    return bool(until < last)


def _add(database: Database, between: dict[str, int]) -> None:
    labels = ", ".join(f"IFNULL({name}, '')" for name in _LABELS)
    sums = ", ".join(f"IFNULL(SUM({SUMS[name]}), 0)" for name in _SUMMED)
    database.execute(
        f"INSERT INTO metered ({', '.join((*_LABELS, *_SUMMED))}) SELECT {labels}, {sums} FROM record WHERE {_NEW} "  # noqa: S608 - constants
        f"GROUP BY 1, 2, 3, 4, 5, 6 ON CONFLICT ({', '.join(_LABELS)}) DO UPDATE SET "
        f"{', '.join(f'{name} = {name} + excluded.{name}' for name in _SUMMED)}",
        between,
    )
    for measure, (column, condition, bounds) in _MEASURES.items():
        cases = " ".join(f"WHEN {column} <= {bound} THEN {at}" for at, bound in enumerate(bounds))
        database.execute(
            f"INSERT INTO metered_bucket SELECT '{measure}', IFNULL(operation, ''), IFNULL(provider, ''), "  # noqa: S608 - constants
            f"IFNULL(model, ''), CASE {cases} ELSE {len(bounds)} END, COUNT(*), SUM({column}) "
            f"FROM record WHERE {_NEW} AND {condition} GROUP BY 1, 2, 3, 4, 5 "
            f"ON CONFLICT ({', '.join(_BUCKETS)}) DO UPDATE SET n = n + excluded.n, "
            f"total = total + excluded.total",
            between,
        )


def _distributions(database: Database) -> list[Distribution]:
    sql = "SELECT measure, operation, provider, model, bucket, n, total FROM metered_bucket ORDER BY 1, 2, 3, 4, 5"
    counts: dict[tuple[str, str, str, str], list[int]] = {}
    totals: dict[tuple[str, str, str, str], int] = {}
    for measure, operation, provider, model, bucket, n, total in database.execute(sql):
        own = (measure, operation, provider, model)
        counts.setdefault(own, [0] * (len(_MEASURES[measure][2]) + 1))[bucket] = n
        totals[own] = totals.get(own, 0) + total
    return [Distribution(*own, tuple(found), totals[own]) for own, found in counts.items()]
