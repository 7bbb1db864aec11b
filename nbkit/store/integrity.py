"""Whether a SQLite file is sound, without changing it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import quote

from nbkit.store.locks import is_live


def damage_in(path: Path) -> str | None:
    """What is wrong with the file, None when nothing is; reads all of it and changes nothing.

    >>> damage_in(Path("/nowhere.sqlite"))
    'unable to open database file'
    """
    # Reading a write-ahead database makes its side files, unless it is told that nobody else has it open.
    found = None if is_live(path) else _check(path, "mode=ro&immutable=1")
    if is_live(path):
        # Somebody has it open, or has opened it meanwhile: what he writes is read under his eyes.
        found = _check(path, "mode=ro")
    return found


def _check(path: Path, how: str) -> str | None:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=5)) as connection:
            rows = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.Error as error:
        return str(error)
    return None if rows == ["ok"] else "; ".join(rows)
