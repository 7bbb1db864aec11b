"""The files of an index beside its database: vectors and words of one epoch, and what is known of them in memory."""

from __future__ import annotations

import functools
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nbkit.rag import store
from nbkit.search.fusion import Moments
from nbkit.search.lexical import Lexical
from nbkit.search.vectors import Vectors

if TYPE_CHECKING:
    import sqlite3

    from numpy import float32, int64
    from numpy.typing import NDArray

_SAMPLE_ROWS = 2_048


@dataclass(frozen=True, slots=True)
class Stats:
    """How much an index holds, and what it was made with."""

    documents: int
    chunks: int
    empty_slots: int
    """Left by what was removed; `vacuum` gives their room back."""
    dimensions: int
    size_bytes: int
    embedder_id: str
    chunker_id: str
    embedder_name: str = ""
    """As in settings; empty for an index that was made before it was kept."""
    chunk_tokens: int | None = None
    """The most tokens of a chunk; None for an index that was made before it was kept."""
    overlap_tokens: int | None = None

    def figures(self) -> list[tuple[str, str]]:
        """What a reader wants to know, with names.

        >>> Stats(2, 9, 0, 384, 1_200_000, "id", "id", "all-minilm-l6-v2", 80, 0).figures()[3]
        ('embedder', 'all-minilm-l6-v2, 384 dimensions, id id')
        """
        named = ", ".join(filter(None, (self.embedder_name, f"{self.dimensions} dimensions")))
        rows = [
            ("documents", f"{self.documents:,}"),
            ("chunks", f"{self.chunks:,}"),
            ("size", f"{self.size_bytes / 1e6:,.1f} MB"),
            ("embedder", f"{named}, id {self.embedder_id[:12]}"),
        ]
        if self.chunk_tokens is not None:
            overlap = f", {self.overlap_tokens:,} of them again" if self.overlap_tokens else ", no overlap"
            rows.append(("chunk size", f"{self.chunk_tokens:,} tokens at most{overlap}"))
        return rows

    @classmethod
    def of(cls, connection: sqlite3.Connection, *, size_bytes: int) -> Stats:
        """Counted now."""
        tables = ("document", "chunk", "dead")
        documents, chunks, dead = (
            int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608 - fixed names
            for name in tables
        )
        held = store.settings(connection)
        embedder, chunker = str(held["embedder"]), str(held["chunker"])
        tokens, overlap = held.get("chunk_tokens"), held.get("overlap_tokens")
        return cls(
            documents, chunks, dead, int(held["dimensions"]), size_bytes, embedder, chunker,
            embedder_name=str(held.get("embedder_name", "")),
            chunk_tokens=None if tokens is None else int(tokens),
            overlap_tokens=None if overlap is None else int(overlap),
        )  # fmt: skip


def epoch_folder(index: Path, epoch: int) -> Path:
    """Where the files of an epoch are.

    >>> epoch_folder(Path("docs"), 2).as_posix()
    'docs/epoch-2'
    """
    return index / f"epoch-{epoch}"


class Files:
    """Vectors and words of one epoch; `view` shows them in a state of the tables."""

    def __init__(self, folder: Path, *, epoch: int, dimensions: int) -> None:
        self.folder = folder
        self.epoch = epoch
        self.vectors = Vectors(folder, dimensions=dimensions)
        self.lexical = Lexical(folder / "words")
        self._view: View | None = None
        self._lock = threading.RLock()

    @classmethod
    def at(cls, index: Path, epoch: int, *, dimensions: int) -> Files:
        """The files of an epoch of the index in a folder."""
        return cls(epoch_folder(index, epoch), epoch=epoch, dimensions=dimensions)

    def view(self, connection: sqlite3.Connection, state: store.State) -> View:
        """The files as they are in a state of the tables; what was read of it once is kept."""
        with self._lock:
            known = self._view
            if known is not None and known.generation == state.generation:
                return known
            made = View(self, state.generation, state.rows, store.slots(connection, "dead"))
            # A thread that reads an older state does not take the newer one from the others.
            if known is None or known.generation < state.generation:
                self.lexical.refresh()
                self._view = made
            return made

    def forget_words(self) -> None:
        """Removes the word index, so that it is built anew."""
        self.lexical.close()
        shutil.rmtree(self.lexical.folder, ignore_errors=True)

    def remove(self) -> None:
        """Removes the files; those who have them mapped may go on reading."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Lets go of the files; a later use opens them again."""
        self.vectors.close()
        self.lexical.close()


class View:
    """The files of an epoch in one state of the tables. Threads may have different ones at a time."""

    def __init__(self, files: Files, generation: int, count: int, dead: NDArray[int64]) -> None:
        self.files = files
        self.vectors = files.vectors
        self.lexical = files.lexical
        self.generation = generation
        self.count = count
        """Slots, empty ones included."""
        self.dead = dead
        """Slots that are empty, ascending."""

    def rows(self, slots: NDArray[int64]) -> NDArray[float32]:
        """The vectors in these slots."""
        return self.vectors.rows(slots, count=self.count)

    @functools.cached_property
    def spread(self) -> Moments:
        """How the vectors lie: of every one, or of 2,048 at equal distances that stand for all."""
        import numpy as np

        slots = np.unique(np.linspace(0, self.count - 1, _SAMPLE_ROWS).astype(np.int64))
        alive = slots[~np.isin(slots, self.dead)]
        return Moments.of(self.rows(alive if len(alive) else slots))
