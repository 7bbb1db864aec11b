"""How a SQLite file is opened: for writing where it can be written, else for reading, its tables brought up to date."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path


def connect(path: Path, *, busy_s: float, pragmas: Sequence[str] = ()) -> sqlite3.Connection:
    """A connection with a write-ahead log and no implicit transactions; functions named in the schema are not trusted.

    `pragmas`: further ones, `name = value`, set before the first table is made. Raises `sqlite3.Error`.
    """
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        for pragma in ("trusted_schema = OFF", *pragmas, "journal_mode = WAL", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


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
    places = [path.parent, path] if path.exists() else [path.parent]
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in places)


def migrate(connection: sqlite3.Connection, schema: Sequence[str]) -> None:
    """Runs the scripts that the database has not seen yet, each once even when several processes open it together."""

    def version() -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])

    if version() >= len(schema):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Asked again under the lock: another process may have migrated meanwhile.
        for number in range(version(), len(schema)):
            for statement in _statements(schema[number]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for part in script.split(";"):
        pending += part + ";"
        if sqlite3.complete_statement(pending):
            if pending.strip(" \t\r\n;"):
                yield pending
            pending = ""
