"""What to do with a SQLite file that cannot be read: tell damage from other trouble, and move it out of the way."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

from nbkit.store.locks import SIDES, alone_in, is_held_elsewhere

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF
"""The low byte of an extended error code is the primary one."""
_PAUSE_S = 0.01


class InUse(OSError):
    """The file cannot be moved: another process has it open."""

    def __init__(self) -> None:
        super().__init__("another process has it open")


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is unreadable, rather than locked, full or out of reach.

    >>> is_damage(sqlite3.OperationalError("database is locked"))
    False
    """
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & _PRIMARY in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ)


def inode(path: Path) -> int | None:
    """Which file is at the path now, None when none is."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def is_confirmed(path: Path, *, busy_s: float) -> bool:
    """Whether a fresh connection finds the file damaged too; reads all of it, and false where it cannot be asked.

    >>> is_confirmed(Path("/nowhere.sqlite"), busy_s=1)
    False
    """
    where = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(where, uri=True, timeout=busy_s)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            return connection.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]
    except sqlite3.Error as error:
        return is_damage(error)


def set_aside(path: Path, found: int | None, *, wait_s: float = 0) -> Path | None:
    """Where the database went with its side files; None when the file at `path` is no longer the one that was `found`.

    Two kernels see the same damage: the second must not move away what the first has begun anew. Waits `wait_s` for
    other processes that have it open, then raises `InUse`; raises `OSError` when it cannot be moved.
    """
    deadline = time.monotonic() + wait_s
    while found is not None and inode(path) == found:
        with contextlib.suppress(FileNotFoundError), alone_in(path.parent):
            if inode(path) == found and not is_held_elsewhere(path):
                return _move(path)
        if time.monotonic() > deadline:
            raise InUse
        time.sleep(_PAUSE_S)
    return None


def _move(path: Path) -> Path:
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(f"{path.name}.corrupt-{moment}")
    path.rename(aside)
    for suffix in SIDES:
        # A write-ahead log left behind would be replayed into the new database.
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(aside.with_name(aside.name + suffix))
    return aside
