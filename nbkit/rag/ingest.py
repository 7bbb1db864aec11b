"""Files into an index: only what is new or changed is read, cut and embedded, file by file.

A file is in the index whole or not at all, so that an interrupt or a kill loses at most what was in hand. Embedding
is done for several files together: a file of two chunks would leave most of a batch empty.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from nbkit.documents import Chunk, Document
from nbkit.errors import Blocked, DocumentError
from nbkit.loaders.finding import Found
from nbkit.rag.added import FileRow
from nbkit.rag.progress import Tracker

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_TOGETHER_CHUNKS = 64
_BLOCK_BYTES = 1 << 20
_KEPT = "what the index has of it is kept"


class Shelf(Protocol):
    """What files are put into."""

    def fingerprints(self) -> Mapping[str, str]:
        """The hash of each file's content, by source."""

    def put(self, source: str, content_sha256: str, *, document: Document, parts: Embedded) -> None:
        """Keeps a file's chunks in place of those it had, all or none."""

    def remove(self, source: str) -> bool:
        """Whether there was such a file."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A document's chunks with their vectors, shape (n, dimensions)."""

    chunks: Sequence[Chunk]
    vectors: NDArray[float32]


Read: TypeAlias = Callable[[Iterable[Path]], Iterator[tuple[Path, Document | DocumentError]]]
Embed: TypeAlias = Callable[[Sequence[Sequence[Chunk]]], "list[NDArray[float32]]"]
"""The vectors of the chunks of several documents."""


@dataclass(frozen=True, slots=True)
class _Work:
    """A file that is new or has changed."""

    found: Found
    content_sha256: str
    is_known: bool


def ingest(
    found: Iterable[Found],
    *,
    shelf: Shelf,
    read: Read,
    cut: Callable[[Document], list[Chunk]],
    embed: Embed,
    tracker: Tracker | None = None,
) -> Iterator[FileRow]:
    """What became of each file, one row for each, as soon as it is known: those that need no work first.

    A file that cannot be read now, or that a guard does not let go to a service that embeds, is a row with its reason,
    and the index keeps what it has of it: it may be in the middle of being saved. Raises `EmbedError`, `StoreError`.
    """
    tracker = tracker or Tracker()
    known = shelf.fingerprints()
    work: dict[Path, _Work] = {}
    for one in found:
        row, content_sha256 = _look(one, shelf=shelf, known=known)
        if row is None:
            work[one.path] = _Work(one, content_sha256, one.source in known)
        else:
            tracker.settled(one.source)
            yield row
    tracker.begin({one.found.source: one.found.size_bytes for one in work.values()})
    in_hand: list[tuple[_Work, Document, list[Chunk]]] = []
    for path, document in read(work):
        file = work[path]
        tracker.step(f"reading {file.found.source}")
        if isinstance(document, DocumentError):
            tracker.settled(file.found.source)
            yield _failed(file.found, document.why, is_known=file.is_known)
            continue
        in_hand.append((file, document, cut(document)))
        if sum(len(chunks) for _, _, chunks in in_hand) >= _TOGETHER_CHUNKS:
            yield from _put(in_hand, shelf=shelf, embed=embed, tracker=tracker)
            in_hand = []
    yield from _put(in_hand, shelf=shelf, embed=embed, tracker=tracker)


def prune(shelf: Shelf, *, under: Callable[[str], bool], settled: Iterable[str]) -> Iterator[FileRow]:
    """Takes out what is in the index, below what was added, and is no file any more.

    `settled`: the sources that have their rows.
    """
    gone = set(shelf.fingerprints()) - set(settled)
    for source in sorted(gone):
        if under(source) and shelf.remove(source):
            yield FileRow(source, "removed")


def hash_of(path: Path) -> str:
    """SHA-256 of a file's content; raises `OSError`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _look(one: Found, *, shelf: Shelf, known: Mapping[str, str]) -> tuple[FileRow | None, str]:
    """The row of a file that needs no work, else the hash of its content."""
    if one.is_missing and one.source in known and not one.is_kept:
        shelf.remove(one.source)
        return FileRow(one.source, "removed"), ""
    if one.reason:
        return _failed(one, one.reason, is_known=one.source in known), ""
    try:
        content_sha256 = hash_of(one.path)
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError)
        reason = error.strerror or "it cannot be read"
        return _look(dataclasses.replace(one, reason=reason, is_missing=is_missing), shelf=shelf, known=known)
    if known.get(one.source) == content_sha256:
        return FileRow(one.source, "unchanged"), content_sha256
    return None, content_sha256


def _failed(one: Found, reason: str, *, is_known: bool) -> FileRow:
    return FileRow(one.source, "failed", reason=f"{reason}; {_KEPT}" if is_known else reason)


def _put(
    in_hand: Sequence[tuple[_Work, Document, list[Chunk]]], *, shelf: Shelf, embed: Embed, tracker: Tracker
) -> Iterator[FileRow]:
    if not in_hand:
        return
    groups = [chunks for _, _, chunks in in_hand]
    tracker.embedding([one.found.source for one, _, _ in in_hand], chunks=sum(map(len, groups)))
    try:
        vectors = embed(groups)
    except Blocked as error:
        if len(in_hand) == 1:
            one, _, _ = in_hand[0]
            tracker.settled(one.found.source)
            yield _failed(one.found, f"{error.what}: {error.why}", is_known=one.is_known)
            return
        # Which of them it was is found out one by one; the others stay in the cache of embeddings, or go on.
        for alone in in_hand:
            yield from _put([alone], shelf=shelf, embed=embed, tracker=tracker)
        return
    for (one, document, chunks), own in zip(in_hand, vectors, strict=True):
        source = one.found.source
        shelf.put(source, one.content_sha256, document=document, parts=Embedded(chunks, own))
        tracker.settled(source)
        yield FileRow(source, "changed" if one.is_known else "new", len(chunks), "; ".join(document.notes))
