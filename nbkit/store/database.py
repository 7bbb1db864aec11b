"""SQLite files that threads and processes share, and that outlive a process being killed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from nbkit.errors import StoreError
from nbkit.store.connect import connect, connect_read_only, is_busy, is_writable, migrate, roll_back
from nbkit.store.damage import InUse, inode, is_confirmed, is_damage, set_aside
from nbkit.store.files import private_dir, private_file
from nbkit.store.handles import Handle

T = TypeVar("T")
Row: TypeAlias = "tuple[Any, ...]"
_LONGEST_WAIT_S = 2.0
"""How long a file that is to be moved aside is waited for: others let go of it when they find the same."""


class Database:
    """Rows in a file (0600, write-ahead log), through one connection for each thread.

    `schema`: one SQL script for each version of the tables, oldest first; those not yet applied are, in order. Opened
    on first use. A damaged file is moved aside and a new one begun, unless another process has it open; one that can
    only be read is; `notice` says so. What is committed survives the process being killed, and others closing the file
    (`nbkit.store.locks`). `busy_s`: how long to wait for another writer.

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
        self._lock = threading.RLock()
        self._local = threading.local()
        self._handles: weakref.WeakSet[Handle] = weakref.WeakSet()
        self._notice: str | None = None
        self._is_read_only = False
        self._generation = 0
        self._number: int | None = None
        if sys.platform != "win32":
            before, after = weakref.WeakMethod(self._before_fork), weakref.WeakMethod(self._after_fork)
            os.register_at_fork(
                before=lambda: _call(before), after_in_parent=lambda: _call(after), after_in_child=lambda: _call(after)
            )

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
        """How often the file was moved aside or replaced: what was prepared in an earlier one is no longer there."""
        return self._generation

    def execute(self, sql: str, params: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
        """All rows of one statement; outside `transaction` it is committed when this returns. Raises `StoreError`."""
        return self.run(lambda connection: connection.execute(sql, params).fetchall())

    def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs one statement for each of `rows`, all or none of them. Raises `StoreError`."""
        kept = list(rows)
        self.whole(lambda: self.run(lambda connection: connection.executemany(sql, kept)))

    def run(self, action: Callable[[sqlite3.Connection], T], *, may_retry: bool = True) -> T:
        """What `action` gives for this thread's connection; tried once more, anew, when it finds the file damaged.

        Raises `StoreError` for any error of SQLite.
        """
        handle = self._handle()
        try:
            with handle.lock:
                if handle.is_usable:
                    return action(handle.connection)
        except sqlite3.Error as error:
            if not is_damage(error) or self._is_read_only:
                raise self._failed(error) from error
            self._set_damaged_aside(handle.inode)
            if not may_retry or handle.has_begun:
                raise self._failed(error) from error
            may_retry = False
        return self.run(action, may_retry=may_retry)

    def set_aside(self, why: str) -> None:
        """Moves the file out of the way for a reason of the caller's, such as `"has foreign tables"`.

        Raises `StoreError` when another process has it open.
        """
        self._set_aside(inode(self.path), why=why)

    def whole(self, action: Callable[[], T]) -> T:
        """What `action` gives; all that this thread executes inside is kept together, or not at all when it raises.

        Takes the write lock at once (`BEGIN IMMEDIATE`). One inside another joins it; `close` waits for its end. An
        interrupt, wherever it comes, leaves nothing locked. Raises `StoreError`.
        """
        if self._handle().has_begun:
            return action()
        try:
            self.run(self._begin)
            given = action()
            self._commit()
        except BaseException:
            self._end()
            raise
        return given

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """As `whole`, for what is executed inside the `with` block.

        An interrupt just as the block is entered or left may pass by it; then the lock stays taken until the traceback
        is forgotten. What is written again and again takes `whole`.
        """
        if self._handle().has_begun:
            yield
            return
        try:
            self.run(self._begin)
            yield
            self._commit()
        except BaseException:
            self._end()
            raise

    def _begin(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        handle: Handle = self._local.handle
        handle.has_begun = True
        # `run` holds it already, so this does not wait, and no interrupt comes between the two.
        handle.lock.acquire()

    def _commit(self) -> None:
        self.run(lambda connection: connection.execute("COMMIT"), may_retry=False)
        self._end()

    def _end(self) -> None:
        handle: Handle = self._local.handle
        with handle.lock:
            if not handle.is_closed:
                roll_back(handle.connection)
            if handle.has_begun:
                handle.has_begun = False
                handle.lock.release()

    def close(self) -> None:
        """Closes the connections of all threads; a later use opens the file again."""
        with self._lock:
            handles = list(self._handles)
            self._handles.clear()
        for handle in handles:
            handle.close()

    def _handle(self) -> Handle:
        handle: Handle | None = getattr(self._local, "handle", None)
        if handle is not None:
            if handle.has_begun or (handle.is_usable and not self._is_replaced(handle)):
                return handle
            handle.close()
        with self._lock:
            handle = self._open()
            self._generation += self._number not in (None, handle.inode)
            self._number = handle.inode
            self._handles.add(handle)
        self._local.handle = handle
        return handle

    def _is_replaced(self, handle: Handle) -> bool:
        # By another process, which took it for damaged or began it anew: what is written here would be in no file.
        return inode(self.path) not in (None, handle.inode)

    def _before_fork(self) -> None:
        # The child would take over what SQLite notes of locks, its own and those of other threads, and hold none of
        # them: writes would fail for ever, or damage the file. So nothing is open while a process forks.
        while True:
            self.close()
            self._lock.acquire()
            if not self._handles:
                return
            self._lock.release()

    def _after_fork(self) -> None:
        self._lock.release()

    def _open(self) -> Handle:
        try:
            return self._open_once()
        except OSError as error:
            raise self._failed(error) from error
        except sqlite3.Error as error:
            if not is_damage(error) or self._is_read_only:
                raise self._failed(error) from error
            self._set_damaged_aside(inode(self.path))
        try:
            return self._open_once()
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _open_once(self) -> Handle:
        if not self.path.exists():
            private_dir(self.path.parent)
        if not is_writable(self.path):
            connection = connect_read_only(self.path, busy_s=self._busy_s)
            if not self._is_read_only:
                self._notice = f"{self.path} can only be read; nothing is added to it"
            self._is_read_only = True
            return Handle(connection, number=inode(self.path))
        private_file(self.path)
        number = inode(self.path)
        connection = connect(self.path, busy_s=self._busy_s, pragmas=self._pragmas)
        self._is_read_only = False
        try:
            if number != inode(self.path):
                # Moved aside as it was opened: file and log may not belong together.
                connection.close()
                return self._open_once()
            migrate(connection, self._schema)
        except BaseException:
            connection.close()
            raise
        return Handle(connection, number=number)

    def _set_damaged_aside(self, found: int | None) -> None:
        # A fresh connection is asked. What is left of this process' others would show it what they have mapped.
        self._leave()
        if is_confirmed(self.path, busy_s=self._busy_s):
            self._set_aside(found)

    def _leave(self) -> None:
        with self._lock:
            for handle in list(self._handles):
                handle.leave()

    def _set_aside(self, found: int | None, *, why: str = "was damaged") -> None:
        self._leave()
        try:
            aside = set_aside(self.path, found, wait_s=min(self._busy_s, _LONGEST_WAIT_S))
        except OSError as error:
            is_in_use = isinstance(error, InUse)
            raise StoreError(
                what=f"{self.path} {why} and cannot be moved aside",
                why=error.strerror or str(error),
                fix="shut down the other kernels and try again" if is_in_use else "move the file away yourself",
            ) from error
        self._generation += 1
        if aside is not None:
            self._notice = f"{self.path} {why}: it was moved to {aside.name} and a new one was begun"

    def _failed(self, error: sqlite3.Error | OSError) -> StoreError:
        if is_busy(error):
            return StoreError(
                what=f"{self.path} cannot be used",
                why="another process has been writing to it for too long",
                fix="look for a process that hangs, or set NBKIT_HOME to another directory",
            )
        return StoreError(
            what=f"{self.path} cannot be used",
            why=f"{error}",
            fix="make room and rights there, or set NBKIT_HOME to a directory that you can write",
        )


def _call(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    bound = method()
    if bound is not None:
        bound()
