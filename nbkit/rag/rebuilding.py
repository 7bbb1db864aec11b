"""An index built anew beside the one that it is to take the place of, which others go on reading until the last moment.

The new one is made in a folder of its own, and takes over in one commit: its files are moved in as a new epoch, as
`Index.vacuum` does, and the tables of the old are emptied and filled from its tables in one transaction.
Killed before the commit, the old index is there, whole; after it, the new (tests/rag/test_index_states.py kills before
each of the lines below, tests/bench/bench_index.py at random moments). Meanwhile there are two on the disk.

Rejected: two renames of folders, between which there is neither, and which would tell other kernels that the index was
removed. Whoever calls holds the index's `writer`.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nbkit.errors import StoreError
from nbkit.rag import store
from nbkit.rag.gathering import KEY_FILE, ROOT, as_kept, root
from nbkit.rag.index_files import epoch_folder
from nbkit.store.database import Database
from nbkit.store.files import private_dir, write_atomic

if TYPE_CHECKING:
    import sqlite3

_BESIDE = ".building-"
_TABLES = ("chunk", "document", "dead", "pending")


def place_beside(folder: Path) -> Path:
    """Where the index that is to take the place of the one in `folder` is built; it has the same name.

    >>> place_beside(Path("indexes", "docs")).as_posix()
    'indexes/.building-docs/docs'
    """
    return folder.parent / f"{_BESIDE}{folder.name}" / folder.name


def begin(folder: Path) -> Path:
    """An empty folder to build in; what a killed process left there is removed. URLs keep the names that they have."""
    discard(folder)
    made = private_dir(place_beside(folder))
    with contextlib.suppress(FileNotFoundError):
        write_atomic(made / KEY_FILE, (folder / KEY_FILE).read_bytes())
    return made


def discard(folder: Path) -> None:
    """Removes what was built beside the index in `folder`, if anything was."""
    shutil.rmtree(place_beside(folder).parent, ignore_errors=True)


def take_over(folder: Path) -> bool:
    """Whether what was built beside the index is the index now; False where the old one cannot be read at all.

    Raises `StoreError` where it cannot be written; then the old one is there, whole.
    """
    beside = place_beside(folder)
    new, old = (Database(place / "index.sqlite", schema=store.SCHEMA) for place in (beside, folder))
    with contextlib.closing(new), contextlib.closing(old):
        try:
            before = old.run(store.settings)
        except StoreError:
            return False
        if "epoch" not in before:
            return False
        epoch = int(before["epoch"]) + 1
        _move(epoch_folder(beside, int(new.run(store.settings)["epoch"])), epoch_folder(folder, epoch))
        times = int(before.get("built", 0)) + 1
        own: dict[str, str | int] = {"epoch": epoch, "built": times, ROOT: as_kept(root(beside))}
        # The commit is the moment: before it all who look see the old index, and from it on the new.
        old.whole(lambda: old.run(lambda there: new.run(lambda made: _fill(there, made, own))))
    for left in folder.glob("epoch-*"):
        if left != epoch_folder(folder, epoch):
            shutil.rmtree(left, ignore_errors=True)
    discard(folder)
    return True


def _move(made: Path, wanted: Path) -> None:
    # What a process has left there that was killed before it committed.
    shutil.rmtree(wanted, ignore_errors=True)
    try:
        made.rename(wanted)
    except OSError as error:
        raise StoreError(
            what=f"index {wanted.parent.name!r} was built anew and cannot be put in its place",
            why=error.strerror or "the system refused",
            fix="the old one is still there; make room and rights in its folder, and try again",
        ) from error


def _fill(there: sqlite3.Connection, made: sqlite3.Connection, own: Mapping[str, str | int]) -> None:
    """The tables as they were made, in place of those that are there; all in one transaction."""
    generation = store.state(there).generation + 1
    for table in (*_TABLES, "setting"):
        there.execute(f"DELETE FROM {table}")  # noqa: S608 - a table of the schema
    for table in _TABLES:
        rows = made.execute(f"SELECT * FROM {table}")  # noqa: S608 - the same
        names = [name for name, *_ in rows.description]
        marks = ", ".join("?" * len(names))
        there.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)  # noqa: S608 - the same
    store.set_settings(there, {**store.settings(made), **own, "generation": generation})
