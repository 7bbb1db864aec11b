"""Records in SQLite: each whole, found by what it was about, summed by the hour as it is written."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final

from nbkit.canonical import from_plain
from nbkit.ledger.rows import COLUMNS, HOUR_US, IS_TIMED, SUMS, bin_of_us, row_of, storable, to_us, to_usd
from nbkit.ledger.summary import Latency, Summary, binned_latency, exact_latency
from nbkit.protocols import SinkOptions
from nbkit.recorded import Record
from nbkit.store.database import Database
from nbkit.store.together import Together

_COLUMNS_SQL: Final = ", ".join(COLUMNS)
_FIRST_COLUMNS_SQL: Final = ", ".join(name for name in COLUMNS if name != "latency_bin")
_HOUR: Final = f"(started_us - (started_us % {HOUR_US} + {HOUR_US}) % {HOUR_US}) / {HOUR_US}"
"""Hours since 1970, rounded down also before it."""
_ADD_HOUR: Final = (
    f"INSERT INTO hour (hour, {', '.join(SUMS)}) SELECT {_HOUR}, {', '.join(SUMS.values())} FROM record "  # noqa: S608 - constants
    f"WHERE number = NEW.number ON CONFLICT (hour) DO UPDATE SET "
    f"{', '.join(f'{name} = {name} + excluded.{name}' for name in SUMS)}"
)
_ADD_LATENCY: Final = (
    f"INSERT INTO latency SELECT {_HOUR}, cache_status = 'hit', latency_bin, 1 FROM record "  # noqa: S608 - constants
    f"WHERE number = NEW.number AND {IS_TIMED} ON CONFLICT (hour, is_hit, bin) DO UPDATE SET n = n + 1"
)
_SCHEMA: Final = (
    f"""
    CREATE TABLE record (number INTEGER PRIMARY KEY, {_FIRST_COLUMNS_SQL}, UNIQUE (id));
    CREATE INDEX record_by_time ON record (started_us);
    CREATE INDEX record_by_session ON record (session_id, started_us);
    CREATE INDEX record_by_request ON record (request_sha256) WHERE request_sha256 IS NOT NULL;
    CREATE TABLE hour (hour INTEGER PRIMARY KEY, {", ".join(f"{name} INTEGER NOT NULL" for name in SUMS)});
    CREATE TABLE latency (hour INTEGER, is_hit INTEGER, bin INTEGER, n INTEGER NOT NULL,
        PRIMARY KEY (hour, is_hit, bin)) WITHOUT ROWID;
    """,
    # One statement a record, its sums made by the database: a third of the statements that the threads queue for.
    f"""
    ALTER TABLE record ADD COLUMN latency_bin;
    CREATE TRIGGER record_summed AFTER INSERT ON record BEGIN {_ADD_HOUR}; {_ADD_LATENCY}; END;
    """,
)
_INSERT: Final = (
    f"INSERT INTO record ({_COLUMNS_SQL}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 - constants
)
_SUMMED: Final = ", ".join(f"TOTAL({sql})" if name.endswith("_us") else f"SUM({sql})" for name, sql in SUMS.items())


class SqliteSink:
    """The record store of one `NBKIT_HOME`; several kernels may share it.

    Content that is not kept is stored as empty text, with the answer's hash and length in columns of their own.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sink = SqliteSink(SinkOptions(Path(folder)))
    ...     print(sink.read(), sink.summary().calls)
    ...     sink.close()
    [] 0
    """

    name: ClassVar[str] = "sqlite"

    def __init__(self, options: SinkOptions) -> None:
        self._keeps_content = options.keeps_content
        self._database = Database(options.path or options.home / "records.sqlite", schema=_SCHEMA)
        self._together = Together[Database](self._write_in_one)

    @property
    def path(self) -> Path:
        """The file."""
        return self._database.path

    @property
    def notice(self) -> str | None:
        """What the reader should know about the file: it was moved aside, or can only be read; else None."""
        return self._database.notice

    def take_notice(self) -> str | None:
        """The notice, once."""
        return self._database.take_notice()

    def write(self, record: Record) -> None:
        """Keeps a record and adds it to its hour, both or neither; one with a known id is left as it is.

        Raises `StoreError`.
        """
        row = row_of(record, keeps_content=self._keeps_content)
        self._together.run(lambda database: database.execute(_INSERT, row))

    def read(
        self, *, session_id: str | None = None, since: datetime | None = None, limit: int | None = None
    ) -> list[Record]:
        """Records, oldest first; with `limit`, the newest so many. Raises `StoreError`."""
        where, values = _where(session_id, since)
        sql = f"SELECT record FROM record {where} ORDER BY started_us DESC, number DESC LIMIT ?"  # noqa: S608 - constants
        found = self._database.execute(sql, (*values, -1 if limit is None else limit))
        return _records(reversed(found))

    def find(self, record_id: str) -> Record | None:
        """The record with this id, None when there is none. Raises `StoreError`."""
        found = self._database.execute("SELECT record FROM record WHERE id = ?", (storable(record_id),))
        return next(iter(_records(found)), None)

    def find_by_request(self, request_sha256: str) -> list[Record]:
        """Records of one request, by its hash, oldest first. Raises `StoreError`."""
        sql = "SELECT record FROM record WHERE request_sha256 = ? ORDER BY started_us, number"
        return _records(self._database.execute(sql, (storable(request_sha256),)))

    def summary(self, *, session_id: str | None = None, since: datetime | None = None) -> Summary:
        """Figures over a session, over a time, or over all. Raises `StoreError`.

        Those of a session are added from its records. Those of a time come from the hourly sums and, for the hour that
        `since` cuts, from records.
        """
        if session_id is not None:
            where, values = _where(session_id, since)
            sums, live, hits = self._add_records(where, values)
            return _summary(sums, exact_latency(live), exact_latency(hits))
        if since is None:
            return self._summary_of_hours(-(1 << 62), dict.fromkeys(SUMS, 0), [], [])
        since_us = to_us(since)
        next_hour = -(-since_us // HOUR_US)
        cut = (since_us, next_hour * HOUR_US)
        sums, live, hits = self._add_records("WHERE started_us >= ? AND started_us < ?", cut)
        return self._summary_of_hours(next_hour, sums, live, hits)

    def close(self) -> None:
        """Closes the file; a later use opens it again."""
        self._database.close()

    def _write_in_one(self, perform: Callable[[Database], None]) -> None:
        self._database.whole(lambda: perform(self._database))

    def _add_records(self, where: str, values: Sequence[object]) -> tuple[dict[str, int], list[float], list[float]]:
        """Sums over records, and the latencies of live answers and of hits."""
        found = self._database.execute(f"SELECT {_SUMMED} FROM record {where}", values)[0]  # noqa: S608 - constants
        sums = {name: int(amount or 0) for name, amount in zip(SUMS, found, strict=True)}
        seconds: tuple[list[float], list[float]] = ([], [])
        sql = f"SELECT cache_status = 'hit', total_us FROM record {where} AND {IS_TIMED}"  # noqa: S608 - constants
        for is_hit, total_us in self._database.execute(sql, values):
            seconds[is_hit].append(total_us / 1e6)
        return sums, *seconds

    def _summary_of_hours(self, first: int, sums: dict[str, int], live: list[float], hits: list[float]) -> Summary:
        columns = ", ".join(f"TOTAL({name})" if name.endswith("_us") else f"SUM({name})" for name in SUMS)
        found = self._database.execute(f"SELECT {columns} FROM hour WHERE hour >= ?", (first,))[0]  # noqa: S608
        sums = {name: sums[name] + int(amount or 0) for name, amount in zip(SUMS, found, strict=True)}
        bins: tuple[dict[int, int], dict[int, int]] = ({}, {})
        sql = "SELECT is_hit, bin, SUM(n) FROM latency WHERE hour >= ? GROUP BY is_hit, bin"
        for is_hit, number, n in self._database.execute(sql, (first,)):
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


def _where(session_id: str | None, since: datetime | None) -> tuple[str, list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    if session_id is not None:
        conditions.append("session_id = ?")
        values.append(storable(session_id))
    if since is not None:
        conditions.append("started_us >= ?")
        values.append(to_us(since))
    return (f"WHERE {' AND '.join(conditions)}" if conditions else ""), values


def _records(rows: Any) -> list[Record]:  # noqa: ANN401 - rows as SQLite gives them
    found: list[Record] = []
    unread = 0
    for (text,) in rows:
        try:
            found.append(from_plain(Record, json.loads(text)))
        except ValueError:
            unread += 1
    if unread:
        # Two kernels may share the file, and one of them a newer nbkit.
        warnings.warn(f"{unread} records of another version of nbkit cannot be read and are left out", stacklevel=4)
    return found


def _summary(sums: dict[str, int], live: Latency, hits: Latency) -> Summary:
    cost, saved = to_usd(sums["cost_pusd"]), to_usd(sums["saved_pusd"])
    return Summary(
        calls=sums["calls"],
        failures=sums["failures"],
        blocked=sums["blocked"],
        interrupted=sums["interrupted"],
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
        latency_live=live,
        latency_hits=hits,
    )
