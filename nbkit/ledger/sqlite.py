"""Records in SQLite: each whole, found by what it was about, summed by the hour as it is written."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from nbkit.canonical import from_plain
from nbkit.ledger.budgets import Budgets
from nbkit.ledger.compared import Call, calls_of
from nbkit.ledger.impact import Impact, impact
from nbkit.ledger.metered import Metered, meter, meter_after_deletion, meter_before_deletion
from nbkit.ledger.rows import COLUMNS, from_us, row_of, storable, to_us
from nbkit.ledger.schema import SCHEMA
from nbkit.ledger.selection import By, Selection
from nbkit.ledger.summary import Rating, Summary
from nbkit.ledger.totals import cost_by_hour, cost_by_hour_of, total, total_by
from nbkit.protocols import SinkOptions
from nbkit.recorded import Record
from nbkit.store.database import Database
from nbkit.store.together import Together

T = TypeVar("T")
ALL: Final = Selection()
_OLD: Final = "SELECT number FROM record WHERE started_us < ?"
_DROPPED_AT_ONCE: Final = 10_000
_READ_AT_ONCE: Final = 1_000
_BEFORE_ALL: Final = -(1 << 62)
_COLUMNS_SQL: Final = ", ".join(COLUMNS)
_INSERT: Final = (
    f"INSERT INTO record ({_COLUMNS_SQL}) VALUES ({', '.join('?' * len(COLUMNS))}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 - constants
)


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
        self._project = options.project
        self._keep_s = options.keep_s
        self._database = Database(options.path or options.home / "records.sqlite", schema=SCHEMA)
        self._together = Together[Database](self._write_in_one)

    @property
    def budgets(self) -> Budgets:
        """What may be spent, and what is reserved of it."""
        return Budgets(self._database)

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
        if self._keep_s is not None:
            # The first record of a process takes some of the old ones with it, so that no cell waits for all of them.
            moment, self._keep_s = datetime.now(UTC) - timedelta(seconds=self._keep_s), None
            self._drop(f"{_OLD} LIMIT {_DROPPED_AT_ONCE}", moment)
        row = row_of(record, keeps_content=self._keeps_content, project=self._project)
        self._together.run(lambda database: database.execute(_INSERT, row))

    def read(self, selection: Selection = ALL, *, limit: int | None = None) -> list[Record]:
        """Records, oldest first; with `limit`, the newest so many. Raises `StoreError`."""
        where, values = selection.where()
        sql = f"SELECT record FROM record {where} ORDER BY started_us DESC, number DESC LIMIT ?"  # noqa: S608 - constants
        found = self._database.execute(sql, (*values, -1 if limit is None else limit))
        return _records(reversed(found))

    def each(self, selection: Selection = ALL) -> Iterator[Record]:
        """Records one by one, oldest first, however many there are. Raises `StoreError`."""
        where, values = selection.where()
        sql = (
            f"SELECT record, started_us, number FROM record {where} AND (started_us, number) > (?, ?) "  # noqa: S608 - constants
            "ORDER BY started_us, number LIMIT ?"
        )
        after = (_BEFORE_ALL, 0)
        while found := self._database.execute(sql, (*values, *after, _READ_AT_ONCE)):
            yield from _records(row[:1] for row in found)
            after = found[-1][1:]

    def find(self, record_id: str) -> Record | None:
        """The record with this id, None when there is none. Raises `StoreError`."""
        found = self._database.execute("SELECT record FROM record WHERE id = ?", (storable(record_id),))
        return next(iter(_records(found)), None)

    def summary(self, selection: Selection = ALL) -> Summary:
        """Figures over the records that are selected. Raises `StoreError`."""
        return total(self._database, selection)

    def summary_by(self, by: By, selection: Selection = ALL) -> dict[str | None, Summary]:
        """Figures of each group of the selected records, the dearest first; under None, of those without such a thing.

        Quantiles are exact. Raises `StoreError`.
        """
        return total_by(self._database, by, selection)

    def cost_by_hour(self, selection: Selection = ALL) -> dict[datetime, Decimal]:
        """What was spent in each hour that has records, by the hour's beginning in UTC. Raises `StoreError`."""
        return cost_by_hour(self._database, selection)

    def cost_by_hour_of(self, by: By, selection: Selection = ALL) -> dict[str | None, dict[datetime, Decimal]]:
        """The same for each group. Raises `StoreError`."""
        return cost_by_hour_of(self._database, by, selection)

    def impact(self, selection: Selection = ALL) -> Impact:
        """What the cache did to latency and cost of the selected calls. Raises `StoreError`."""
        return impact(self._database, selection)

    def ask(self, question: Callable[[Database], T]) -> T:
        """What a function of the store's file gives, such as those of `ledger.spread`. Raises `StoreError`."""
        return question(self._database)

    def rate(self, record_id: str, score: float, *, note: str = "", at: datetime) -> None:
        """Keeps what a person says of an answer: 0 is bad, 1 is good. The newest counts. Raises `StoreError`."""
        row = (storable(record_id), to_us(at), score, storable(note))
        self._database.execute("INSERT INTO rating (record_id, rated_us, score, note) VALUES (?, ?, ?, ?)", row)

    def ratings(self) -> dict[str, Rating]:
        """What was said last of each record, by its id. Raises `StoreError`."""
        found = self._database.execute("SELECT record_id, rated_us, score, note FROM rating ORDER BY number")
        return {own: Rating(score, note, from_us(rated_us)) for own, rated_us, score, note in found}

    def drop_before(self, moment: datetime) -> int:
        """Deletes the records made before a moment, and says how many those were. Raises `StoreError`.

        Their hours keep the sums: what was spent stays spent.
        """
        return self._drop(_OLD, moment)

    def calls(self, selection: Selection = ALL) -> list[Call]:
        """What of the selected calls `nbkit watch` compares. Raises `StoreError`."""
        return calls_of(self._database, selection)

    def metered(self) -> Metered:
        """What monitoring counts: sums by model that never fall, whatever is deleted. Raises `StoreError`."""
        return meter(self._database)

    def close(self) -> None:
        """Closes the file; a later use opens it again."""
        self._database.close()

    def _drop(self, chosen: str, moment: datetime) -> int:
        sql = f"DELETE FROM record WHERE number IN ({chosen})"  # noqa: S608 - constants

        def perform() -> int:
            meter_before_deletion(self._database)
            dropped = self._database.run(lambda connection: connection.execute(sql, (to_us(moment),)).rowcount)
            meter_after_deletion(self._database)
            return dropped

        return self._database.whole(perform)

    def _write_in_one(self, perform: Callable[[Database], None]) -> None:
        self._database.whole(lambda: perform(self._database))


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
