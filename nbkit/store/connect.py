"""How a SQLite file is opened: for writing where it can be written, else for reading, its tables brought up to date."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_PAUSE_S = 0.01


def connect(path: Path, *, busy_s: float, pragmas: Sequence[str] = ()) -> sqlite3.Connection:
    """A connection with a write-ahead log and no implicit transactions; functions named in the schema are not trusted.

    `pragmas`: further ones, `name = value`, set before the first table is made. Raises `sqlite3.Error`.
    """
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("trusted_schema = OFF", *pragmas):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        _begin_log(connection, busy_s=busy_s)
        connection.execute("PRAGMA synchronous = NORMAL").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _begin_log(connection: sqlite3.Connection, *, busy_s: float) -> None:
    deadline = time.monotonic() + busy_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            # Of two that open a new file at once one is refused without having waited: both would wait for ever.
            if not is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def connect_read_only(path: Path, *, busy_s: float) -> sqlite3.Connection:
    """A connection that can only read; raises `sqlite3.Error` when the file cannot be read either."""
    error: sqlite3.Error | None = None
    # A write-ahead log needs its index file; where that can be neither found nor made, nobody is writing.
    for query in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{query}", uri=True, timeout=busy_s, isolation_level=None,
            check_same_thread=False,
        )  # fmt: skip
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except sqlite3.Error as raised:
            connection.close()
            error = raised
        else:
            return connection
    assert error is not None
    raise error


def is_writable(path: Path) -> bool:
    """Whether the file, or the directory it would be made in, can be written by this process."""
    effective = os.access in os.supports_effective_ids

    def may_write(place: Path) -> bool:
        return os.access(place, os.W_OK, effective_ids=effective)

    # Asked again: one that is moved aside cannot be written for a moment, and another takes its place.
    return may_write(path.parent) and (may_write(path) or not path.exists() or may_write(path))


def migrate(connection: sqlite3.Connection, schema: Sequence[str]) -> None:
    """Runs the scripts that the database has not seen yet, each once even when several processes open it together."""

    def version() -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    if version() >= len(schema):
        return

    def apply() -> None:
        # Asked again under the lock: another process may have migrated meanwhile.
        for number in range(version(), len(schema)):
            for statement in _statements(schema[number]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")

    in_transaction(connection, apply)


def in_transaction(connection: sqlite3.Connection, action: Callable[[], T]) -> T:
    """What `action` gives, its statements kept together, or not at all when it raises or is interrupted.

    No context manager: an interrupt that comes as one is entered or left passes by it, and the write lock stays taken.
    Raises `sqlite3.Error`.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        given = action()
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise
    return given


def roll_back(connection: sqlite3.Connection) -> None:
    """Ends the transaction, when there is one, with nothing of it kept."""
    if connection.in_transaction:
        # What ended it meanwhile, such as a full disk, is known to the caller already.
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def is_busy(error: Exception) -> bool:
    """Whether the error says that another connection kept the file locked for too long."""
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for part in script.split(";"):
        pending += part + ";"
        if sqlite3.complete_statement(pending):
            if pending.strip(" \t\r\n;"):
                yield pending
            pending = ""


class Snapshot:
    """One state of the tables for as long as the `with` block lasts, whatever others write."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._is_own = not connection.in_transaction

    def __enter__(self) -> sqlite3.Connection:
        if self._is_own:
            self._connection.execute("BEGIN")
        return self._connection

    def __exit__(self, *_: object) -> None:
        if self._is_own:
            roll_back(self._connection)
