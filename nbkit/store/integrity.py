"""Whether a SQLite file is sound, without changing it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Final
from urllib.parse import quote

from nbkit.store.locks import is_live

_LISTED: Final = "SELECT 'ok' FROM (SELECT COUNT(name) FROM sqlite_master)"


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


def trouble_opening(path: Path) -> str | None:
    """Why the file cannot be opened and its tables listed, None when they can; reads its first pages alone.

    >>> trouble_opening(Path("/nowhere.sqlite"))
    'unable to open database file'
    """
    found = None if is_live(path) else _check(path, "mode=ro&immutable=1", asking=_LISTED)
    return _check(path, "mode=ro", asking=_LISTED) if is_live(path) else found


def _check(path: Path, how: str, *, asking: str = "PRAGMA quick_check(3)") -> str | None:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=5)) as connection:
            rows = [str(row[0]) for row in connection.execute(asking)]
    except sqlite3.Error as error:
        return str(error)
    return None if rows == ["ok"] else "; ".join(rows)
