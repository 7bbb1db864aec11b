"""Whether a SQLite file is sound, without changing it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import quote


def damage_in(path: Path) -> str | None:
    """What is wrong with the file, None when nothing is; reads all of it and changes nothing.

    >>> damage_in(Path("/nowhere.sqlite"))
    'unable to open database file'
    """
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)) as connection:
            rows = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.Error as error:
        return str(error)
    return None if rows == ["ok"] else "; ".join(rows)
