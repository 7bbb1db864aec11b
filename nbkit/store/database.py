"""SQLite files that threads and processes share, and that outlive a process being killed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from nbkit.errors import StoreError
from nbkit.store.damage import inode, is_damage, set_aside
from nbkit.store.files import private_dir, private_file

T = TypeVar("T")
Row: TypeAlias = "tuple[Any, ...]"


class _Handle:
    """One thread's connection; closed with the thread that owns it."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.lock = threading.RLock()
        self.inode = inode(path)
        self.pid = os.getpid()
        self.depth = 0
        self.is_stale = False
        self.is_closed = False

    @property
    def is_usable(self) -> bool:
        # A transaction ends where it began: its later statements must not slip, uncommitted, into a new file.
        return self.depth > 0 or not (self.is_stale or self.is_closed)

    def close(self) -> None:
        with self.lock:
            self.is_closed = True
            self.connection.close()

    def __del__(self) -> None:
        if not self.is_closed and self.pid == os.getpid():
            self.close()


class Database:
    """Rows in a file (0600, write-ahead log), through one connection for each thread.

    `schema`: one SQL script for each version of the tables, oldest first; those not yet applied are, in order. Opened
    on first use. A damaged file is moved aside and a new one begun; one that can only be read is; `notice` says so.
    What is committed survives the process being killed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     database = Database(Path(folder, "a.sqlite"), schema=["CREATE TABLE note (text TEXT)"])
    ...     _ = database.execute("INSERT INTO note VALUES (?)", ("hi",))
    ...     print(database.execute("SELECT text FROM note"))
    ...     database.close()
    [('hi',)]
    """

    def __init__(self, path: Path, *, schema: Sequence[str], busy_s: float = 10.0) -> None:
        self.path = path
        self._schema = tuple(schema)
        self._busy_s = busy_s
        self._lock = threading.Lock()
        self._local = threading.local()
        self._handles: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._inherited: list[object] = []
        self._notice: str | None = None
        self._is_read_only = False

    @property
    def notice(self) -> str | None:
        """What the reader should know about the file, None when nothing: it was moved aside, or can only be read."""
        return self._notice

    def take_notice(self) -> str | None:
        """The notice, once: it is None afterwards."""
        with self._lock:
            notice, self._notice = self._notice, None
            return notice

    @property
    def is_read_only(self) -> bool:
        """Whether the file, once opened, could only be opened for reading."""
        return self._is_read_only

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """All rows of one statement; outside `transaction` it is committed when this returns. Raises `StoreError`."""
        return self._run(lambda connection: connection.execute(sql, params).fetchall())

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs one statement for each of `rows`, all or none of them. Raises `StoreError`."""
        kept = list(rows)
        with self.transaction():
            self._run(lambda connection: connection.executemany(sql, kept))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that this thread executes inside is kept together, or not at all when it raises.

        Takes the write lock at once (`BEGIN IMMEDIATE`). One inside another joins it. Raises `StoreError`.
        """
        if not self._handle().depth:
            self._run(lambda connection: connection.execute("BEGIN IMMEDIATE"))
        handle = self._handle()
        handle.depth += 1
        try:
            yield
        except BaseException:
            handle.depth -= 1
            if not handle.depth:
                _roll_back(handle)
            raise
        handle.depth -= 1
        if not handle.depth:
            try:
                self._run(lambda connection: connection.execute("COMMIT"), may_retry=False)
            except BaseException:
                _roll_back(handle)
                raise

    def close(self) -> None:
        """Closes the connections of all threads; a later use opens the file again."""
        with self._lock:
            handles = [handle for handle in self._handles if handle.pid == os.getpid()]
            self._handles.clear()
        for handle in handles:
            handle.close()

    def _run(self, action: Callable[[sqlite3.Connection], T], *, may_retry: bool = True) -> T:
        handle = self._handle()
        try:
            with handle.lock:
                return action(handle.connection)
        except sqlite3.Error as error:
            if not is_damage(error) or self._is_read_only:
                raise self._failed(error) from error
            self._set_aside(handle.inode)
            if not may_retry or handle.depth:
                raise self._failed(error) from error
        return self._run(action, may_retry=False)

    def _handle(self) -> _Handle:
        handle: _Handle | None = getattr(self._local, "handle", None)
        if handle is not None and handle.pid == os.getpid():
            if handle.is_usable:
                return handle
            handle.close()
        elif handle is not None:
            # SQLite forbids even closing a connection that was opened before a fork.
            self._inherited += [self._local, *self._handles]
            self._local, self._handles, self._lock = threading.local(), weakref.WeakSet(), threading.Lock()
        handle = self._open()
        with self._lock:
            self._handles.add(handle)
        self._local.handle = handle
        return handle

    def _open(self) -> _Handle:
        try:
            return self._open_once()
        except sqlite3.Error as error:
            if not is_damage(error) or self._is_read_only:
                raise self._failed(error) from error
            self._set_aside(inode(self.path))
        try:
            return self._open_once()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _open_once(self) -> _Handle:
        if not self.path.exists():
            private_dir(self.path.parent)
        if _is_writable(self.path):
            private_file(self.path)
            self._is_read_only = False
            connection = connect(self.path, busy_s=self._busy_s)
        else:
            connection = connect_read_only(self.path, busy_s=self._busy_s)
            if not self._is_read_only:
                self._notice = f"{self.path} can only be read; nothing is added to it"
            self._is_read_only = True
        try:
            if not self._is_read_only:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                _migrate(connection, self._schema)
        except BaseException:
            connection.close()
            raise
        return _Handle(connection, self.path)

    def _set_aside(self, found: int | None) -> None:
        with self._lock:
            for handle in self._handles:
                handle.is_stale = True
        try:
            aside = set_aside(self.path, found)
        except OSError as error:
            raise StoreError(
                what=f"{self.path} is damaged and cannot be moved aside",
                why=error.strerror or str(error),
                fix="move the file away yourself",
            ) from error
        if aside is not None:
            self._notice = f"{self.path} was damaged: it was moved to {aside.name} and a new one was begun"

    def _failed(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            what=f"{self.path} cannot be used",
            why=f"{error}",
            fix="make room and rights there, or set NBKIT_HOME to a directory that you can write",
        )


def connect(path: Path, *, busy_s: float) -> sqlite3.Connection:
    """A connection without implicit transactions, which trusts nothing that the file's schema calls."""
    connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA trusted_schema = OFF")
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


def _is_writable(path: Path) -> bool:
    effective = os.access in os.supports_effective_ids
    places = [path.parent, path] if path.exists() else [path.parent]
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in places)


def _migrate(connection: sqlite3.Connection, schema: Sequence[str]) -> None:
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


def _roll_back(handle: _Handle) -> None:
    with contextlib.suppress(sqlite3.Error):
        if not handle.is_closed and handle.connection.in_transaction:
            handle.connection.execute("ROLLBACK")
