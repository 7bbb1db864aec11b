"""An index of documents: one directory, opened by several kernels at once while one of them writes.

What counts is what SQLite has committed. Vectors are flushed to their file before the rows that name them are
committed, and the word index is told afterwards, from a table of what it has still to be told: a process may be killed
anywhere between, and the next one that opens the index goes on from there (tests/bench/bench_index.py kills 50).
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from nbkit.canonical import sha256
from nbkit.documents import Chunk, Document, Passage
from nbkit.errors import CollectionError
from nbkit.rag import store
from nbkit.rag.index_files import Files, Stats
from nbkit.rag.index_held import TOLD_TOGETHER, Held
from nbkit.rag.index_search import Match, Mode, found
from nbkit.search.filters import condition, spellings
from nbkit.store.files import private_dir

if TYPE_CHECKING:
    import sqlite3

    from numpy import float32
    from numpy.typing import NDArray

__all__ = ["Index", "Match", "Mode", "Stats"]
_MOVED_TOGETHER = 10_000
_LONGEST_SHOWN = 24
DESCRIBED = {"embedder": ("embedder_name",), "chunker": ("chunk_tokens", "overlap_tokens")}
"""Of what an index is made with, the settings that say it in a reader's words; older indexes have none."""


class Parts(Protocol):
    """A document's chunks with their vectors."""

    @property
    def chunks(self) -> Sequence[Chunk]:
        """In the order of the document."""

    @property
    def vectors(self) -> NDArray[float32]:
        """Shape (len(chunks), dimensions), unit length."""


class Index:
    """Documents that are found by what they say. Made by `open` or `read`; safe to be used by several threads."""

    def __init__(self, held: Held) -> None:
        self.folder = held.folder
        self._held = held

    @classmethod
    def open(
        cls, folder: Path, *, embedder_id: str, chunker_id: str, dimensions: int,
        described: Mapping[str, str | int] | None = None, on_wait: Callable[[], None] = lambda: None,
    ) -> Index:  # fmt: skip
        """The index in `folder`, made when there is none.

        `described`: what a reader calls embedder and chunker by (`DESCRIBED`), kept in a new one. `on_wait` is called
        five times a second while another process writes, and may raise to give up. Raises `CollectionError` for one
        that was made with another embedder or chunker, naming the command that rebuilds it.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as home:
        ...     index = Index.open(Path(home, "docs"), embedder_id="e", chunker_id="c", dimensions=2)
        ...     print(index.stats().documents)
        ...     index.close()
        0
        """
        private_dir(folder)
        given: dict[str, str | int] = {"embedder": embedder_id, "chunker": chunker_id, "dimensions": dimensions}
        words = described or {}
        index = cls(Held(folder, on_wait=on_wait))
        try:
            there = index._held.settings()
            if not there:
                index._held.begin({**words, **given})
                there = index._held.settings()
            _refuse_other(folder.name, given, there, words)
            index._held.check = lambda now: _refuse_other(folder.name, given, now, words)
        except BaseException:
            index.close()
            raise
        return index

    @classmethod
    def read(cls, folder: Path) -> Index:
        """The index in `folder`, whatever it was made with; raises `CollectionError` when there is none."""
        if not (folder / "index.sqlite").exists():
            raise CollectionError(
                what=f"there is no index {folder.name!r}",
                why=f"{folder} holds none",
                fix=f"add documents: %rag add PATH --index {folder.name}",
            )
        return cls(Held(folder, on_wait=lambda: None))

    @property
    def is_current(self) -> bool:
        """Whether this is the index of its name, which another process may have removed or built again."""
        return self._held.is_current

    def settings(self) -> Mapping[str, str | int]:
        """What it was made with, by name."""
        return self._held.settings()

    @property
    def notice(self) -> str | None:
        """What the reader should know, such as that the index was damaged; None when nothing."""
        return self._held.database.notice

    def documents(self) -> list[store.Entry]:
        """All documents in the order of their sources."""
        return self._held.run(store.entries)

    def document(self, source: str) -> store.Entry | None:
        """The document of a source, None when there is none."""
        return next(iter(self._held.run(lambda connection: store.entries(connection, source))), None)

    def fingerprints(self) -> Mapping[str, str]:
        """The hash of each file's content, by source."""
        return dict(
            self._held.run(lambda connection: connection.execute("SELECT source, sha256 FROM document").fetchall())
        )

    def put(self, source: str, content_sha256: str, *, document: Document, parts: Parts) -> None:
        """Keeps a file's chunks in place of those it had, all or none, also when the process is killed.

        Raises `ValueError` when there are not as many vectors as chunks.
        """
        if len(parts.vectors) != len(parts.chunks):
            msg = f"{len(parts.chunks)} chunks need as many vectors, not {len(parts.vectors)}"
            raise ValueError(msg)
        entry = (source, content_sha256, datetime.now(UTC).isoformat(timespec="seconds"))

        def keep(connection: sqlite3.Connection) -> None:
            files, rows = self._held.files(connection), store.state(connection).rows
            new = store.put(connection, entry, document, parts.chunks, rows=rows)
            # Before the commit: rows that a kill leaves unnamed are written over.
            files.vectors.append(parts.vectors[new], at=rows)
            self._held.changed(connection, rows=rows + len(new))

        with self.writing():
            self._held.write(keep)
            self._held.tell(at_least=TOLD_TOGETHER)

    def remove(self, source: str) -> bool:
        """Whether there was such a file; nothing of it is found any more. Letters may be written with their accents."""

        def drop(connection: sqlite3.Connection) -> bool:
            found = _spelled(connection, source)
            for one in found:
                store.remove(connection, one)
            if found:
                self._held.changed(connection)
            return bool(found)

        with self.writing():
            return self._held.write(drop)

    @contextlib.contextmanager
    def writing(self, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
        """Keeps others from writing for as long as the block lasts; `on_wait` is called while one of them does.

        Many files put inside one block cost less: the word index is told of them together. Until it is, and that is at
        the end of the block at the latest, they are found by their vectors alone.
        """
        with self._held.writing(on_wait):
            yield

    def search(
        self, question: str, vector: NDArray[float32] | None, *, mode: Mode = "hybrid", k: int = 5,
        where: str | None = None, merge: bool = True,
    ) -> list[Match]:  # fmt: skip
        """The passages that fit the question best, best first, at most `k`, near-duplicates left out.

        `vector`: the question's, not needed for mode `bm25`. `where`: a filter as `nbkit.search.filters` describes it.
        `merge`: neighbours of one document become one passage, so that fewer than `k` may be left. Raises `BadSetting`
        for a filter that cannot be read.
        """
        if vector is None and mode != "bm25":
            msg = f"mode {mode} needs the question's vector"
            raise ValueError(msg)
        filtered = condition(where) if where is not None else None
        self._held.catch_up()
        return self._held.reading(
            lambda connection, files: found(
                connection, files, question, vector, mode=mode, k=k, where=filtered, merge=merge
            )
        )

    def meets(self, where: str) -> bool:
        """Whether anything in it meets a filter; raises `BadSetting` for one that cannot be read."""
        filtered = condition(where)
        return bool(self._held.run(lambda connection: len(store.slots(connection, "chunk", filtered))))

    def neighbours(self, passage: Passage, *, count: int = 1) -> list[Passage]:
        """The passage's chunks with `count` before and after them, in the order of the document."""
        source, start, end = passage.source, passage.start, passage.end
        rows = self._held.run(lambda c: store.neighbours(c, source, start, end, count=count))
        return [row.passage for row in rows]

    def spread(self, most: int) -> list[Passage]:
        """So many passages from all over the index, the same each time, in the order of their places in it."""

        def some(connection: sqlite3.Connection) -> list[Passage]:
            slots = store.slots(connection, "chunk")
            # From the middle of as many equal parts: the first chunk of a document is often its title.
            chosen = (
                slots[[int((part + 0.5) * len(slots) / most) for part in range(most)]] if len(slots) > most else slots
            )
            found = sorted(store.rows(connection, list(chosen)), key=lambda row: row.slot)
            return [row.passage for row in found]

        return self._held.run(some)

    def stats(self) -> Stats:
        """How much there is, and what it was made with."""
        size = 0
        for path in self.folder.rglob("*"):
            # Another process may be removing what it no longer needs.
            with contextlib.suppress(OSError):
                size += path.stat().st_size if path.is_file() else 0
        return self._held.reading(lambda connection, _: Stats.of(connection, size_bytes=size))

    def vacuum(self) -> None:
        """Gives back the room of what was removed, by copying what is left; others may go on reading."""
        with self.writing():
            settings = self._held.settings()
            epoch, dimensions = int(settings["epoch"]), int(settings["dimensions"])
            before = Files.at(self.folder, epoch, dimensions=dimensions)
            after = Files.at(self.folder, epoch + 1, dimensions=dimensions)
            # What a killed `vacuum` has left.
            shutil.rmtree(after.folder, ignore_errors=True)
            self._held.write(lambda connection: self._move(connection, after))
            after.close()
            before.remove()

    def close(self) -> None:
        """Lets go of all files; a later use opens them again."""
        self._held.close()

    def _move(self, connection: sqlite3.Connection, after: Files) -> None:
        files, kept = self._held.files(connection), store.slots(connection, "chunk")
        for start in range(0, len(kept), _MOVED_TOGETHER):
            after.vectors.append(files.rows(kept[start : start + _MOVED_TOGETHER]), at=start)
        store.renumber(connection, kept.tolist())
        for start in range(0, len(kept), _MOVED_TOGETHER):
            slots = range(start, min(len(kept), start + _MOVED_TOGETHER))
            after.lexical.update(add=store.word_texts(connection, slots))
        self._held.changed(connection, rows=len(kept), epoch=after.epoch)


def _refuse_other(
    name: str, given: Mapping[str, str | int], there: Mapping[str, str | int], words: Mapping[str, str | int]
) -> None:
    other = [key for key, value in given.items() if there.get(key) != value]
    if other:
        parts = ", ".join(part for key in other for part in _differing(key, given, there, words))
        raise CollectionError(
            what=f"index {name!r} was made with other settings",
            why=f"{parts}: what the two give cannot be compared",
            fix=f"build it again: %rag add PATH --index {name} --rebuild",
        )


def _differing(
    key: str, given: Mapping[str, str | int], there: Mapping[str, str | int], words: Mapping[str, str | int]
) -> list[str]:
    """How one setting differs, by the names that a reader knows where they say it, else by hashes."""
    named = [name for name in DESCRIBED.get(key, ()) if name in words and there.get(name, words[name]) != words[name]]
    if named:
        return [f"{name.replace('_', ' ')} was {there[name]} and is {words[name]}" for name in named]
    return [f"{key} was {_short(there.get(key))} and is {_short(given[key])}"]


def _spelled(connection: sqlite3.Connection, source: str) -> list[str]:
    """The source, or where there is none of it those whose letters are written otherwise: file systems differ."""
    known = [name for (name,) in connection.execute("SELECT source FROM document")]
    return [source] if source in known else [name for name in known if source in spellings(name)]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else sha256(text)[:8]
