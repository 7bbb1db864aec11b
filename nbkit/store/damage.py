"""What to do with a SQLite file that cannot be read: tell damage from other trouble, and move it out of the way."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY = 0xFF
"""The low byte of an extended error code is the primary one."""


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


def set_aside(path: Path, found: int | None) -> Path | None:
    """Where the database went with its side files; None when the file at `path` is no longer the one that was `found`.

    Two kernels see the same damage: the second must not move away what the first has begun anew. Raises `OSError`.
    """
    if found is None or inode(path) != found:
        return None
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(f"{path.name}.corrupt-{moment}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        # A write-ahead log left behind would be replayed into the new database.
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(aside.with_name(aside.name + suffix))
    return aside
