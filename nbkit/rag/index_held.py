"""Database and files of an index, kept in step: one state to read from, one writer at a time, the rest caught up."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from nbkit.errors import CollectionError, StoreError
from nbkit.models.lock import held
from nbkit.rag import store
from nbkit.rag.index_files import Files, View
from nbkit.store.connect import Snapshot
from nbkit.store.damage import inode
from nbkit.store.database import Database
from nbkit.store.files import private_dir

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")
TOLD_TOGETHER = 2_000
"""So many chunks are told to the word index at once: each time costs it a commit and a segment."""


class Held:
    """What an index holds on disk, safe to be used by several threads and processes."""

    def __init__(self, folder: Path, *, on_wait: Callable[[], None]) -> None:
        self.folder = folder
        self.database = Database(folder / "index.sqlite", schema=store.SCHEMA)
        self._on_wait = on_wait
        self._files: Files | None = None
        self._files_of = 0
        self._lock = threading.RLock()
        self._turn = threading.RLock()
        self._depth = 0
        self._writer: int | None = None
        self._is_checked = False
        self._written: int | None = None
        self._opened = _identity(self.database.path)
        self._built: int | None = None
        self.check: Callable[[dict[str, str | int]], None] = lambda _: None
        """Raises when the settings of another index, found in the place of this one, are not to be used."""

    def settings(self) -> dict[str, str | int]:
        """All settings by name; empty for an index that is being made."""
        there = self.run(store.settings)
        self._follow(there)
        return there

    @property
    def is_current(self) -> bool:
        """Whether the index is the one that was opened, and no other that has its name now, or was built in it."""
        if not self._is_same_file:
            return False
        return self._built in (None, _built(self.database.run(store.settings)))

    @property
    def _is_same_file(self) -> bool:
        return self._opened is not None and _identity(self.database.path) == self._opened

    def _follow(self, there: dict[str, str | int]) -> None:
        """Goes on with an index that was built anew in this one (`rebuilding.take_over`), if it may be."""
        built = _built(there)
        if there and built != self._built:
            if self._built is not None:
                self.check(there)
                self._is_checked = False
            self._built = built

    def run(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """What `action` gives for the database that is in the folder now.

        Raises `CollectionError` when the index was removed, and what `check` raises for another in its place.
        """
        self._keep_up()
        before = _identity(self.database.path)
        given = self.database.run(action)
        if self._opened is None:
            self._opened = before or _identity(self.database.path)
        return given

    def _keep_up(self) -> None:
        """Lets go of files that another process has removed, so that those in their place are opened."""
        if self._opened is None or self._writer == threading.get_ident() or self._is_same_file:
            return
        with self._lock:
            now = _identity(self.database.path)
            if now == self._opened:
                return
            self.close()
            if now is None:
                raise _gone(self.folder.name, "it was removed meanwhile")
            there = self.database.run(store.settings)
            if there:
                self.check(there)
            self._opened, self._is_checked, self._built = now, False, _built(there) if there else None

    def begin(self, values: dict[str, str | int]) -> None:
        """Keeps the settings of a new index; another process may have begun it meanwhile, then its stay."""

        def keep(connection: sqlite3.Connection) -> None:
            if not store.settings(connection):
                store.set_settings(connection, {**values, "epoch": 0, "generation": 0, "rows": 0})

        with writer(self.folder, on_wait=self._on_wait):
            if not self._is_same_file:
                # Removed since it was looked at.
                self.close()
                private_dir(self.folder)
            self.database.whole(lambda: self.database.run(keep))
            self._opened = _identity(self.database.path)

    def reading(self, action: Callable[[sqlite3.Connection, View], T]) -> T:
        """What `action` gives for one state of the tables and the files that belong to it.

        Raises `StoreError`, and `CollectionError` when there is no index any more.
        """

        def act(connection: sqlite3.Connection) -> T:
            with Snapshot(connection):
                return action(connection, self.files(connection))

        before = self.run(self._epoch)
        try:
            return self.run(act)
        except (StoreError, OSError):
            # Another process may have moved on to other files and removed these.
            if self.is_current and self.run(self._epoch) == before:
                raise
            return self.run(act)

    def files(self, connection: sqlite3.Connection) -> View:
        """The files as they are in the state that the connection sees."""
        now = store.settings(connection)
        epoch = self._epoch(connection)
        self._follow(now)
        with self._lock:
            files = self._files
            # Epochs begin again in an index that another kernel has built anew.
            if files is None or (files.epoch, self._files_of) != (epoch, self.database.generation):
                self._files_of = self.database.generation
                files = self._files = Files.at(self.folder, epoch, dimensions=int(now["dimensions"]))
            return files.view(connection, store.state(connection))

    @contextlib.contextmanager
    def writing(self, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
        """Keeps other threads and processes from writing, or removing it, for as long as the block lasts."""
        with self._turn, contextlib.ExitStack() as stack:
            if not self._depth:
                stack.enter_context(self._alone(on_wait or self._on_wait))
                self._check()
            self._depth += 1
            self._writer = threading.get_ident()
            try:
                yield
            finally:
                self._depth -= 1
                if not self._depth:
                    self._writer = None
                    self.tell()

    def write(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """What `action` gives; what it changes is kept together, or not at all. Inside `writing`."""

        def act() -> T:
            # Removed, and perhaps begun anew, by another kernel: that one has a lock of its own.
            if self._written not in (None, inode(self.database.path)):
                raise self._removed()
            return self.database.run(action)

        return self.database.whole(act)

    def changed(self, connection: sqlite3.Connection, **values: int) -> None:
        """Marks a new generation, with what else has changed of the settings."""
        generation = store.state(connection).generation + 1
        store.set_settings(connection, {**values, "generation": generation})

    def tell(self, *, at_least: int = 1) -> None:
        """Tells the word index what it has not been told, when that is enough; told twice is the same as once."""
        if self.count("pending") < at_least:
            return

        def update(connection: sqlite3.Connection, files: View) -> None:
            slots = store.slots(connection, "pending").tolist()
            for start in range(0, len(slots), TOLD_TOGETHER):
                some = slots[start : start + TOLD_TOGETHER]
                files.lexical.update(add=store.word_texts(connection, some), remove=some)

        def told(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM pending")
            self.changed(connection)

        self.reading(update)
        self.write(told)

    def catch_up(self) -> None:
        """Finishes what a killed writer left, unless somebody is writing."""
        if self._depth or self.database.is_read_only or inode(self.database.path) is None:
            return
        if self.count("pending"):
            with contextlib.suppress(_BusyError, OSError), self._alone(_give_up):
                self._check()
                self.tell()

    def count(self, table: Literal["chunk", "dead", "pending"]) -> int:
        """How many rows a table has."""
        return int(self.run(lambda connection: connection.execute(f"SELECT count(*) FROM {table}").fetchone())[0])  # noqa: S608 - a table of the schema

    def close(self) -> None:
        """Lets go of all files; a later use opens them again."""
        with self._lock:
            files, self._files = self._files, None
        if files is not None:
            files.close()
        self.database.close()

    @contextlib.contextmanager
    def _alone(self, on_wait: Callable[[], None]) -> Iterator[None]:
        if not self.folder.exists():
            raise self._removed()
        with writer(self.folder, on_wait=on_wait):
            self._keep_up()
            self._written = inode(self.database.path)
            if self._written is None:
                raise self._removed()
            self._follow(self.database.run(store.settings))
            try:
                yield
            finally:
                self._written = None

    def _removed(self) -> CollectionError:
        return CollectionError(
            what=f"index {self.folder.name!r} is not the one that was to be written",
            why="it was removed or begun anew meanwhile, perhaps by another kernel",
            fix=f"add again what is to be in it: %rag add PATH --index {self.folder.name}",
        )

    def _check(self) -> None:
        # Once: SQLite may have been moved aside, or the word index damaged or lost.
        if self._is_checked:
            return
        with contextlib.suppress(StoreError):
            self.tell()
            self._is_checked = self.reading(lambda _, files: len(files.lexical)) == self.count("chunk")
        if not self._is_checked:
            self.reading(lambda _, view: view.files.forget_words())
            self.database.execute("INSERT OR REPLACE INTO pending SELECT slot FROM chunk")
            self.tell()
            self._is_checked = True

    def _epoch(self, connection: sqlite3.Connection) -> int:
        held_settings = store.settings(connection)
        if not held_settings:
            raise _gone(self.folder.name, self.database.notice or "it was never finished, or its database was removed")
        return int(held_settings["epoch"])


def writer(folder: Path, *, on_wait: Callable[[], None] = lambda: None) -> contextlib.AbstractContextManager[None]:
    """Holds what allows one process to write to an index, or to remove it.

    The lock is a file beside its folder: one that is removed with it would let two hold locks of one name.
    """
    return held(folder.parent / f".{folder.name}.lock", on_wait=on_wait)


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for as long as it is the same file; one that is open keeps its number from being given again."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _built(there: dict[str, str | int]) -> int:
    """How often it was built anew in its place."""
    return int(there.get("built", 0))


def _gone(name: str, why: str) -> CollectionError:
    return CollectionError(
        what=f"index {name!r} holds nothing any more",
        why=why,
        fix=f"build it again: %rag add PATH --index {name} --rebuild",
    )


class _BusyError(Exception):
    """Another process writes."""


def _give_up() -> None:
    raise _BusyError
