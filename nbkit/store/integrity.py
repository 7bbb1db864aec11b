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
    # Reading a write-ahead database makes its side files, unless it is told that nobody else has it open.
    is_open = path.with_name(f"{path.name}-wal").exists()
    how = "mode=ro" if is_open else "mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=5)) as connection:
            rows = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.Error as error:
        return str(error)
    return None if rows == ["ok"] else "; ".join(rows)
