"""What an index keeps in SQLite: its settings, documents, chunks, and what its other files have still to be told.

A chunk's slot is its place in the file of vectors and its name in the word index. A slot is given once in an epoch: a
chunk that is removed leaves it empty, and `vacuum` begins a new epoch, with files of its own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from nbkit.canonical import canonical_json, sha256
from nbkit.documents import Chunk, Document, Passage
from nbkit.rag.names import name_words
from nbkit.search.filters import Condition

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray

SCHEMA = (
    """
    CREATE TABLE setting (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE document (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL, title TEXT NOT NULL,
        suffix TEXT NOT NULL, media_type TEXT NOT NULL, added TEXT NOT NULL, pages INTEGER NOT NULL,
        notes TEXT NOT NULL
    );
    CREATE TABLE chunk (
        slot INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES document (id), position INTEGER NOT NULL,
        key TEXT NOT NULL, text TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL, headings TEXT NOT NULL,
        page INTEGER, tokens INTEGER NOT NULL
    );
    CREATE INDEX chunk_document ON chunk (document, position);
    CREATE TABLE dead (slot INTEGER PRIMARY KEY);
    CREATE TABLE pending (slot INTEGER PRIMARY KEY);
    """,
    "ALTER TABLE chunk ADD COLUMN header TEXT NOT NULL DEFAULT '';",
    "ALTER TABLE chunk ADD COLUMN parts TEXT NOT NULL DEFAULT '';",
)
_LINES = "\n"
_PASSAGE = """
    SELECT chunk.slot, chunk.text, document.source, document.title, chunk.headings, chunk.page, chunk.start, chunk.end,
        chunk.document, chunk.position, chunk.tokens, document.sha256, chunk.header, chunk.parts
    FROM chunk JOIN document ON document.id = chunk.document
"""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of an index."""

    source: str
    sha256: str
    """Of the file's content."""
    title: str
    suffix: str
    media_type: str
    added: str
    """When, in UTC, as ISO 8601."""
    pages: int
    """0 where the format has none."""
    chunks: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What of an index changes with every write."""

    epoch: int
    """Which files hold the vectors and the words."""
    generation: int
    """Raised with every change."""
    rows: int
    """Slots in use, those left empty included."""


class Spot(NamedTuple):
    """Where a chunk stands: all that is needed to choose among those that were found."""

    slot: int
    document: int
    position: int
    page: int | None
    tokens: int


@dataclass(frozen=True, slots=True)
class Row:
    """A chunk as it is found."""

    slot: int
    passage: Passage
    document: int
    position: int
    tokens: int
    document_sha256: str
    """Of the whole file's content."""


def keys_of(chunks: Sequence[Chunk]) -> list[str]:
    """Of each chunk, a hash of what its vector is made from: its own text and that of those beside it."""
    texts = ["", *(chunk.embedded_text for chunk in chunks), ""]
    return [sha256(canonical_json(texts[at : at + 3])) for at in range(len(chunks))]


def state(connection: sqlite3.Connection) -> State:
    """How far the index has come."""
    held = settings(connection)
    return State(int(held["epoch"]), int(held["generation"]), int(held["rows"]))


def settings(connection: sqlite3.Connection) -> dict[str, str | int]:
    """All settings by name; empty for an index that is being made."""
    return dict(connection.execute("SELECT name, value FROM setting").fetchall())


def set_settings(connection: sqlite3.Connection, values: Mapping[str, str | int]) -> None:
    """Keeps the settings given, others as they are."""
    connection.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)", list(values.items()))


def entries(connection: sqlite3.Connection, source: str | None = None) -> list[Entry]:
    """All documents in the order of their sources, or the one of a source."""
    found = connection.execute(
        """
        SELECT source, sha256, title, suffix, media_type, added, pages,
            (SELECT count(*) FROM chunk WHERE chunk.document = document.id), notes
        FROM document WHERE ?1 IS NULL OR source = ?1 ORDER BY source
        """,
        (source,),
    )
    return [
        Entry(source, digest, title, suffix, media_type, added, pages, chunks, tuple(json.loads(notes)))
        for source, digest, title, suffix, media_type, added, pages, chunks, notes in found
    ]


def put(
    connection: sqlite3.Connection,
    entry: tuple[str, str, str],
    document: Document,
    chunks: Sequence[Chunk],
    *,
    rows: int,
) -> list[int]:
    """Keeps a document's chunks in place of those it had; which of them take new slots, from `rows` on.

    `entry`: source, hash of the content and when. A chunk of a key that the document had keeps its slot and vector.
    """
    source, content_sha256, added = entry
    before = connection.execute("SELECT title FROM document WHERE source = ?", (source,)).fetchone()
    given = connection.execute(
        """
        INSERT INTO document (source, sha256, title, suffix, media_type, added, pages, notes)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (source) DO UPDATE SET sha256 = excluded.sha256, title = excluded.title, suffix = excluded.suffix,
            media_type = excluded.media_type, added = excluded.added, pages = excluded.pages, notes = excluded.notes
        RETURNING id
        """,
        (
            source, content_sha256, document.title, PurePosixPath(source).suffix.lower(), document.media_type, added,
            len(document.pages), json.dumps(document.notes),
        ),
    ).fetchone()  # fmt: skip
    number = int(given[0])
    had: dict[str, list[int]] = {}
    for slot, key in connection.execute("SELECT slot, key FROM chunk WHERE document = ? ORDER BY slot DESC", (number,)):
        had.setdefault(key, []).append(slot)
    connection.execute("UPDATE chunk SET position = -1 WHERE document = ?", (number,))
    new: list[int] = []
    for position, (chunk, key) in enumerate(zip(chunks, keys_of(chunks), strict=True)):
        kept = had.get(key)
        slot = kept.pop() if kept else rows + len(new)
        if slot >= rows:
            new.append(position)
        headings, parts = _joined(chunk.headings), _joined(chunk.parts)
        values = (slot, number, position, key, chunk.text, chunk.start, chunk.end, headings)
        connection.execute(
            f"INSERT OR REPLACE INTO chunk VALUES ({', '.join('?' * 12)})",  # noqa: S608 - no value is in it
            (*values, chunk.page, chunk.tokens, chunk.header, parts),
        )
        if slot >= rows or before != (document.title,):
            connection.execute("INSERT OR REPLACE INTO pending VALUES (?)", (slot,))
    _bury(connection, "document = ? AND position = -1", number)
    return new


def remove(connection: sqlite3.Connection, source: str) -> bool:
    """Whether there was a document of that source; its slots are left empty."""
    found = connection.execute("SELECT id FROM document WHERE source = ?", (source,)).fetchone()
    if found is None:
        return False
    _bury(connection, "document = ?", found[0])
    connection.execute("DELETE FROM document WHERE id = ?", found)
    return True


def _bury(connection: sqlite3.Connection, which: str, document: int) -> None:
    for table in ("dead", "pending"):
        connection.execute(f"INSERT OR REPLACE INTO {table} SELECT slot FROM chunk WHERE {which}", (document,))  # noqa: S608 - the caller's words
    connection.execute(f"DELETE FROM chunk WHERE {which}", (document,))  # noqa: S608 - the same


def renumber(connection: sqlite3.Connection, slots: Sequence[int]) -> None:
    """Gives the chunks in `slots`, ascending and all there are, the slots from 0 on."""
    # Ascending: a slot is free by the time that the next chunk moves down to it.
    moves = [(new, old) for new, old in enumerate(slots) if new != old]
    connection.executemany("UPDATE chunk SET slot = ? WHERE slot = ?", moves)
    connection.execute("DELETE FROM dead")
    connection.execute("DELETE FROM pending")


def slots(connection: sqlite3.Connection, table: str, where: Condition | None = None) -> NDArray[int64]:
    """The slots in a table (`chunk`, `dead` or `pending`), ascending; of chunks, those that meet the condition."""
    import numpy as np

    sql, values = f"SELECT slot FROM {table}", ()  # noqa: S608 - a table of the schema
    if where is not None:
        where.prepare(connection)
        sql += f" JOIN document ON document.id = chunk.document WHERE {where.sql}"
        values = where.values  # type: ignore[assignment]
    found = connection.execute(f"{sql} ORDER BY slot", values)
    return np.fromiter((slot for (slot,) in found), np.int64)


def word_texts(connection: sqlite3.Connection, wanted: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Slot and text of the chunks as they are searched by words: name of the file, title, headings, header, text."""
    for row in rows(connection, wanted):
        passage = row.passage
        parts = (name_words(passage.source), passage.title, *passage.headings, passage.header, passage.text)
        yield row.slot, "\n".join(part for part in parts if part)


def spots(connection: sqlite3.Connection, wanted: Sequence[int]) -> dict[int, Spot]:
    """Where the chunks in the slots stand; empty slots are left out."""
    found = connection.execute(
        """
        SELECT slot, document, position, page, tokens FROM chunk
        WHERE slot IN (SELECT value FROM json_each(?))
        """,
        (json.dumps([*map(int, wanted)]),),
    )
    return {values[0]: Spot(*values) for values in found}


def rows(connection: sqlite3.Connection, wanted: Sequence[int]) -> list[Row]:
    """The chunks in the slots, in no order; empty slots are left out."""
    found: list[Row] = []
    for start in range(0, len(wanted), _AT_ONCE):
        some = [int(slot) for slot in wanted[start : start + _AT_ONCE]]
        marks = ", ".join("?" * len(some))
        found += map(_row, connection.execute(f"{_PASSAGE} WHERE chunk.slot IN ({marks})", some))
    return found


def neighbours(connection: sqlite3.Connection, source: str, start: int, end: int, *, count: int) -> list[Row]:
    """The chunks that hold the characters from `start` to `end`, with `count` before and after, in order."""
    return [
        _row(values)
        for values in connection.execute(
            f"""
            {_PASSAGE} JOIN (
                SELECT min(position) - ?4 AS first, max(position) + ?4 AS last, document
                FROM chunk WHERE document = (SELECT id FROM document WHERE source = ?1) AND start < ?3 AND end > ?2
            ) AS span ON span.document = chunk.document
            WHERE chunk.position BETWEEN span.first AND span.last ORDER BY chunk.position
            """,  # noqa: S608 - no value is in it
            (source, start, end, count),
        )
    ]


def _joined(lines: Sequence[str]) -> str:
    return _LINES.join(line.replace(_LINES, " ") for line in lines)


def _row(values: tuple[int, str, str, str, str, int | None, int, int, int, int, int, str, str, str]) -> Row:
    slot, text, source, title, headings, page, start, end, document, position, tokens, digest, header, parts = values
    passage = Passage(
        id=passage_id(source, text), text=text, source=source, title=title,
        headings=tuple(headings.split(_LINES)) if headings else (), page=page, start=start, end=end,
        header=header, parts=tuple(parts.split(_LINES)) if parts else (),
    )  # fmt: skip
    return Row(slot, passage, document, position, tokens, digest)


def passage_id(source: str, text: str) -> str:
    """The same for the same text of the same source.

    >>> passage_id("a.md", "hi") == passage_id("a.md", "hi") != passage_id("b.md", "hi")
    True
    """
    return sha256(canonical_json([source, text]))[:16]
