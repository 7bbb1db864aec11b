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
from nbkit.store.connect import connect, connect_read_only, is_writable, migrate
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
    What is committed survives the process being killed. `busy_s`: how long to wait for another writer.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     database = Database(Path(folder, "a.sqlite"), schema=["CREATE TABLE note (text TEXT)"])
    ...     _ = database.execute("INSERT INTO note VALUES (?)", ("hi",))
    ...     print(database.execute("SELECT text FROM note"))
    ...     database.close()
    [('hi',)]
    """

    def __init__(self, path: Path, *, schema: Sequence[str], pragmas: Sequence[str] = (), busy_s: float = 10.0) -> None:
        self.path = path
        self._schema = tuple(schema)
        self._pragmas = tuple(pragmas)
        self._busy_s = busy_s
        self._lock = threading.Lock()
        self._local = threading.local()
        self._handles: weakref.WeakSet[_Handle] = weakref.WeakSet()
        self._inherited: list[object] = []
        self._notice: str | None = None
        self._is_read_only = False
        self._generation = 0

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

    @property
    def generation(self) -> int:
        """How often the file was moved aside: what was prepared in an earlier one is no longer there."""
        return self._generation

    def execute(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """All rows of one statement; outside `transaction` it is committed when this returns. Raises `StoreError`."""
        return self.run(lambda connection: connection.execute(sql, params).fetchall())

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs one statement for each of `rows`, all or none of them. Raises `StoreError`."""
        kept = list(rows)
        with self.transaction():
            self.run(lambda connection: connection.executemany(sql, kept))

    def run(self, action: Callable[[sqlite3.Connection], T], *, may_retry: bool = True) -> T:
        """What `action` gives for this thread's connection; it is tried once more when the file turns out damaged.

        Raises `StoreError` for any error of SQLite.
        """
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
        return self.run(action, may_retry=False)

    def set_aside(self, why: str) -> None:
        """Moves the file out of the way for a reason of the caller's, such as `"has foreign tables"`."""
        self._set_aside(inode(self.path), why=why)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All that this thread executes inside is kept together, or not at all when it raises.

        Takes the write lock at once (`BEGIN IMMEDIATE`). One inside another joins it. Raises `StoreError`.
        """
        if not self._handle().depth:
            self.run(lambda connection: connection.execute("BEGIN IMMEDIATE"))
        handle = self._handle()
        handle.depth += 1
        try:
            yield
            if handle.depth == 1:
                self.run(lambda connection: connection.execute("COMMIT"), may_retry=False)
        except BaseException:
            if handle.depth == 1:
                _roll_back(handle)
            raise
        finally:
            handle.depth -= 1

    def close(self) -> None:
        """Closes the connections of all threads; a later use opens the file again."""
        with self._lock:
            handles = [handle for handle in self._handles if handle.pid == os.getpid()]
            self._handles.clear()
        for handle in handles:
            handle.close()

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
        except OSError as error:
            raise self._failed(error) from error
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
        if not is_writable(self.path):
            connection = connect_read_only(self.path, busy_s=self._busy_s)
            if not self._is_read_only:
                self._notice = f"{self.path} can only be read; nothing is added to it"
            self._is_read_only = True
            return _Handle(connection, self.path)
        private_file(self.path)
        connection = connect(self.path, busy_s=self._busy_s, pragmas=self._pragmas)
        self._is_read_only = False
        try:
            migrate(connection, self._schema)
        except BaseException:
            connection.close()
            raise
        return _Handle(connection, self.path)

    def _set_aside(self, found: int | None, *, why: str = "was damaged") -> None:
        with self._lock:
            for handle in self._handles:
                handle.is_stale = True
        try:
            aside = set_aside(self.path, found)
        except OSError as error:
            raise StoreError(
                what=f"{self.path} {why} and cannot be moved aside",
                why=error.strerror or str(error),
                fix="move the file away yourself",
            ) from error
        self._generation += 1
        if aside is not None:
            self._notice = f"{self.path} {why}: it was moved to {aside.name} and a new one was begun"

    def _failed(self, error: sqlite3.Error | OSError) -> StoreError:
        return StoreError(
            what=f"{self.path} cannot be used",
            why=f"{error}",
            fix="make room and rights there, or set NBKIT_HOME to a directory that you can write",
        )


def _roll_back(handle: _Handle) -> None:
    with contextlib.suppress(sqlite3.Error):
        if not handle.is_closed and handle.connection.in_transaction:
            handle.connection.execute("ROLLBACK")
