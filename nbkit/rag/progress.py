"""How far an `add` is: files, chunks, and the share of the work that is done, within a big file too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of an `add`."""

    files_done: int
    files: int
    """All of them, unchanged ones included."""
    chunks: int
    """Embedded so far, or found in the cache of embeddings."""
    share: float
    """Of the work, 0 to 1: by size of the files that are new or changed, and within one by its chunks."""
    step: str
    """What is being done, such as `embedding a.pdf`."""
    in_hand: tuple[int, int] = (0, 0)
    """Of the chunks that are being embedded, how many are done, and how many there are."""


OnProgress: TypeAlias = Callable[[Progress], None]


class Tracker:
    """Counts for one `add`, and tells each change.

    >>> told = []
    >>> tracker = Tracker(told.append, files=2)
    >>> tracker.begin({"a.md": 300, "b.md": 100})
    >>> tracker.embedding(["a.md"], chunks=4)
    >>> tracker.embedded(2)
    >>> told[-1].share, told[-1].in_hand
    (0.375, (2, 4))
    """

    def __init__(self, on_progress: OnProgress = lambda _: None, *, files: int = 0) -> None:
        self._on_progress = on_progress
        self._files, self._files_done = files, 0
        self._chunks = self._chunks_in_hand = self._chunks_done = 0
        self._sizes: Mapping[str, int] = {}
        self._size = self._size_done = 0
        self._in_hand: Sequence[str] = ()
        self._step = ""

    def step(self, step: str) -> None:
        """Says what is being done."""
        self._step = step
        self._tell()

    def begin(self, sizes: Mapping[str, int]) -> None:
        """The files that are new or changed are known, by source, with their sizes."""
        # An empty file is work too.
        self._sizes = {source: max(size, 1) for source, size in sizes.items()}
        self._size = sum(self._sizes.values())

    def embedding(self, sources: Sequence[str], *, chunks: int) -> None:
        """Files are cut into so many chunks, which are embedded next."""
        self._in_hand, self._chunks_in_hand, self._chunks_done = sources, chunks, 0
        others = f" and {len(sources) - 1:,} more" if len(sources) > 1 else ""
        self.step(f"embedding {sources[0]}{others}" if sources else "")

    def embedded(self, count: int) -> None:
        """So many more chunks have their vectors."""
        self._chunks += count
        self._chunks_done += count
        self._tell()

    def settled(self, source: str) -> None:
        """It is known what became of one more file."""
        self._files_done += 1
        self._size_done += self._sizes.get(source, 0)
        self._in_hand = [one for one in self._in_hand if one != source]
        self._tell()

    def _tell(self) -> None:
        chunks_share = self._chunks_done / self._chunks_in_hand if self._chunks_in_hand else 0.0
        size = self._size_done + chunks_share * sum(self._sizes.get(source, 0) for source in self._in_hand)
        share = size / self._size if self._size else 0.0
        in_hand = (self._chunks_done, self._chunks_in_hand)
        self._on_progress(Progress(self._files_done, self._files, self._chunks, share, self._step, in_hand))
