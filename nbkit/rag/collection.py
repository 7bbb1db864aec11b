"""Documents that are read, cut, embedded, kept and found again: an index with what fills it and what asks it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from nbkit.documents import Chunk, Document, Heading, Passage
from nbkit.errors import BadSetting, DocumentError
from nbkit.loaders.reading import Reader
from nbkit.loaders.urls import refuse_urls
from nbkit.protocols import Bill, Embedder, Reranker
from nbkit.rag.added import Added, FileRow
from nbkit.rag.chunking import LEAST_TOKENS, OVERLAP_TOKENS, SIZE_TOKENS, Chunker
from nbkit.rag.chunking_neighbours import blend
from nbkit.rag.clearing import cleared, cleared_passage, refused
from nbkit.rag.gathering import Gathering
from nbkit.rag.index import Index, Match, Mode, Stats
from nbkit.rag.ingest import Embedded, ingest, prune
from nbkit.rag.names import name_words
from nbkit.rag.progress import OnProgress, Progress, Tracker
from nbkit.rag.reranking import reranked, wanted_for
from nbkit.rag.store import Entry
from nbkit.secrets import SecretRegistry

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

_EMBEDDED_TOGETHER = 64
WAITING = "waiting: another kernel is adding to this index"


class Collection:
    """One index, open. Safe to be used by several threads; `add` by one at a time.

    `embedder_name`: what the embedder is called in settings, for a reader. `chunk_tokens`, `overlap_tokens`: those of
    `Chunker`; None is what the index was made with, or the chunker's own for a new one. `secrets`: what must not stand
    in it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        embedder: Embedder,
        embedder_name: str,
        chunk_tokens: int | None = None,
        overlap_tokens: int | None = None,
        secrets: SecretRegistry | None = None,
    ) -> None:
        self.folder = folder
        self._secrets = secrets or SecretRegistry()
        self.name = folder.name
        self.embedder_name = embedder_name
        self._embedder = embedder
        size, overlap = _sizes(folder, chunk_tokens, overlap_tokens)
        self._chunker = Chunker(embedder, size, overlap)
        self._index = Index.open(
            folder, embedder_id=embedder.id, chunker_id=self._chunker.id, dimensions=embedder.dimensions,
            described={"embedder_name": embedder_name, "chunk_tokens": size, "overlap_tokens": overlap},
        )  # fmt: skip

    @property
    def is_current(self) -> bool:
        """Whether this is the index of its name, which another process may have removed or built again."""
        return self._index.is_current

    def add(
        self, paths: Sequence[str | Path], *, allow_urls: bool = False, on_progress: OnProgress = lambda _: None
    ) -> Added:
        """What became of the files: new and changed ones are embedded, those that are gone are taken out.

        `paths`: files, folders, globs, and with `allow_urls` https URLs, as `nbkit.rag.gathering` finds them. An
        interrupt ends it with what was done kept, and `Added.is_whole` false. Raises `BadSetting` for a URL that is not
        allowed, `EmbedError`, `StoreError`, `CollectionError`.
        """
        refuse_urls(paths, is_allowed=allow_urls)
        started, before = time.perf_counter(), self._asked()
        rows: list[FileRow] = []
        is_whole = True
        bill: Bill | None = None
        try:
            with self._together() as bill, contextlib.closing(self._gathering(paths)) as gathering:
                for row in self._add(gathering, on_progress):
                    rows.append(row)  # noqa: PERF402 - those before an interrupt are kept
        except KeyboardInterrupt:
            is_whole = False
        usage, cost = (None, None) if bill is None else (bill.usage, bill.cost)
        duration_s = time.perf_counter() - started
        return Added(tuple(rows), self._asked() - before, duration_s, is_whole, usage=usage, cost=cost)

    def _gathering(self, paths: Sequence[str | Path]) -> Gathering:
        return Gathering(paths, folder=self.folder, settings=self._index.settings())

    def _add(self, gathering: Gathering, on_progress: OnProgress) -> Iterator[FileRow]:
        found = [refused(one, self._secrets) for one in gathering.found(on_progress)]
        tracker = Tracker(on_progress, files=len(found))
        embed = functools.partial(self._embed, tracker=tracker)
        shelf = _Joined(self._index)
        # The fetching is done by now: another process that wants to write waits for no network.
        with self._index.writing(lambda: tracker.step(WAITING)), Reader() as reader:
            known = self._index.fingerprints()
            found = [one for one in found if not gathering.had(one, known)]
            read = functools.partial(self._read, reader, {one.path: one.source for one in found})
            yield from ingest(found, shelf=shelf, read=read, cut=self._chunker.chunks, embed=embed, tracker=tracker)
            yield from prune(self._index, under=gathering.is_gone, settled=[one.source for one in found])

    def search(self, question: str, *, mode: Mode = "hybrid", k: int = 5, where: str | None = None) -> list[Passage]:
        """The passages that fit a question best, best first, at most `k`; raises `BadSetting` for a bad filter."""
        return [match.passage for match in self.matches(question, mode=mode, k=k, where=where)]

    def matches(
        self,
        question: str,
        *,
        mode: Mode = "hybrid",
        k: int = 5,
        where: str | None = None,
        reranker: Reranker | None = None,
    ) -> list[Match]:
        """The same, with what each side of the search said of them; ordered anew where a reranker reads them."""
        vector = None if mode == "bm25" else self._embedder.embed([self._asked_text(question)], is_query=True)[0]
        wanted = k if reranker is None else wanted_for(k)
        found = self._index.search(question, vector, mode=mode, k=wanted, where=where)
        trimmed = [dataclasses.replace(match, passage=_given(match.passage, self._secrets)) for match in found]
        return trimmed if reranker is None else reranked(question, trimmed, reranker)[:k]

    @property
    def is_local(self) -> bool:
        """Whether texts are embedded on this machine."""
        return bool(getattr(self._embedder, "is_local", True))

    def meets(self, where: str) -> bool:
        """Whether anything in it meets a filter."""
        return self._index.meets(where)

    def remove(self, source: str) -> bool:
        """Whether there was such a document."""
        return self._index.remove(source)

    def documents(self) -> list[Entry]:
        """All documents, in the order of their sources."""
        return self._index.documents()

    def stats(self) -> Stats:
        """How much there is."""
        return self._index.stats()

    def close(self) -> None:
        """Lets go of all files; a later use opens them again."""
        self._index.close()

    def _asked_text(self, question: str) -> str:
        """The question as far as the embedder's window goes: its end says less than an error would."""
        most = self._embedder.max_tokens  # no token is less than an ASCII character; one more may begin the text
        starts = [] if question.isascii() and len(question) < most else self._embedder.token_starts(question)
        return question if len(starts) <= most else question[: starts[most]]

    def _read(
        self, reader: Reader, sources: Mapping[Path, str], paths: Iterable[Path]
    ) -> Iterator[tuple[Path, Document | DocumentError]]:
        for path, found in reader.read_many(paths):
            if isinstance(found, DocumentError):
                yield path, found
            else:
                yield path, named(cleared(found, self._secrets), sources[path])

    def _together(self) -> contextlib.AbstractContextManager[Bill | None]:
        """In the `with` block, all calls to a service are one record; None where the model runs here."""
        together = getattr(self._embedder, "together", None)
        return together() if together is not None else contextlib.nullcontext()

    def _asked(self) -> int:
        return int(getattr(self._embedder, "misses", 0))

    def _embed(self, groups: Sequence[Sequence[Chunk]], *, tracker: Tracker) -> list[NDArray[float32]]:
        import numpy as np

        texts = [chunk.embedded_text for group in groups for chunk in group]
        vectors = np.empty((len(texts), self._embedder.dimensions), np.float32)
        # A part at a time: progress shows within a big file, and what an interrupt finds done is in the cache.
        parts = max(1, len(texts) // _EMBEDDED_TOGETHER)
        for part in range(parts):
            start, end = part * len(texts) // parts, (part + 1) * len(texts) // parts
            vectors[start:end] = self._embedder.embed(texts[start:end])
            tracker.embedded(end - start)
        found, at = [], 0
        for group in groups:
            own = vectors[at : at + len(group)]
            found.append(blend(own) if len(own) else own)
            at += len(group)
        return found


class _Joined:
    """An index whose chunks reach to the next one, so that those side by side are one stretch of the document."""

    def __init__(self, index: Index) -> None:
        self.fingerprints = index.fingerprints
        self.remove = index.remove
        self._index = index

    def put(self, source: str, content_sha256: str, *, document: Document, parts: Embedded) -> None:
        """Keeps a file; see `Index.put`."""
        chunks = [_shown(chunk, source) for chunk in reaching(document, parts.chunks)]
        joined = Embedded(chunks, parts.vectors)
        self._index.put(source, content_sha256, document=document, parts=joined)


def waiting(on_progress: OnProgress) -> Callable[[], None]:
    """What tells that another process writes, and that this one waits for it."""
    return lambda: on_progress(Progress(0, 0, 0, 0.0, WAITING))


def refuse_sizes(size: int | None, overlap: int | None) -> None:
    """Raises `BadSetting` for sizes of chunks that do not go together; None is what a new index has."""
    size = SIZE_TOKENS if size is None else size
    overlap = OVERLAP_TOKENS if overlap is None else overlap
    if size < LEAST_TOKENS or not 0 <= overlap <= size // 2:
        raise BadSetting(
            what=f"chunks cannot have {size:,} tokens and repeat {overlap:,}",
            why=f"a chunk has {LEAST_TOKENS} tokens or more, and repeats up to half of them",
            fix="set rag.chunk_tokens and rag.chunk_overlap: %rag add PATH --chunk-tokens 120 --overlap 20",
        )


def _sizes(folder: Path, chunk_tokens: int | None, overlap_tokens: int | None) -> tuple[int, int]:
    """The sizes of chunks: those asked for, else those of the index in the folder, else the chunker's own.

    Raises `BadSetting` where they do not go together.
    """
    kept: Mapping[str, str | int] = {}
    if (folder / "index.sqlite").exists() and None in (chunk_tokens, overlap_tokens):
        with contextlib.closing(Index.read(folder)) as index:
            kept = index.settings()
    size = int(kept.get("chunk_tokens", SIZE_TOKENS)) if chunk_tokens is None else chunk_tokens
    overlap = int(kept.get("overlap_tokens", OVERLAP_TOKENS)) if overlap_tokens is None else overlap_tokens
    refuse_sizes(size, overlap)
    return size, overlap


def titled(document: Document) -> Document:
    """The document with its title above all its headings, so that every chunk is embedded with it.

    >>> titled(Document("It hums.", "Fans")).headings
    (Heading(start=0, level=0, text='Fans'),)
    """
    first = document.headings[0].text if document.headings else ""
    if not document.title.strip() or document.title.strip() == first.strip():
        return document
    return dataclasses.replace(document, headings=(Heading(0, 0, document.title.strip()), *document.headings))


def named(document: Document, source: str) -> Document:
    """The document with what its file's name says above its title and all its headings; see `titled`.

    Titles are missing, or the same in all files of a kind; the name often says whose and of when a file is.

    >>> [heading.text for heading in named(Document("It hums.", "Manual"), "fans/falcon-2024.pdf").headings]
    ['falcon 2024', 'Manual']
    """
    name, whole = name_words(source), titled(document)
    if not name or name.casefold() == document.title.strip().casefold():
        return whole
    return dataclasses.replace(whole, headings=(Heading(0, -1, name), *whole.headings))


def _shown(chunk: Chunk, source: str) -> Chunk:
    """The chunk without its file's name above it: that is embedded, and its source says it to a reader."""
    name = name_words(source)
    return dataclasses.replace(chunk, headings=chunk.headings[1:]) if name and chunk.headings[:1] == (name,) else chunk


def reaching(document: Document, chunks: Sequence[Chunk]) -> list[Chunk]:
    r"""The chunks, each with the blanks up to the next one.

    >>> text = "One.\n\nTwo."
    >>> found = reaching(Document(text), [Chunk("One.", 0, 4), Chunk("Two.", 6, 10)])
    >>> [chunk.text for chunk in found]
    ['One.\n\n', 'Two.']
    """
    made = list(chunks)
    for number, (one, after) in enumerate(pairwise(chunks)):
        gap = document.text[one.end : after.start]
        if after.start > one.end and not gap.strip():
            made[number] = dataclasses.replace(one, text=one.text + gap, end=after.start)
    return made


def _given(passage: Passage, secrets: SecretRegistry) -> Passage:
    """Without the blanks at its end, which nobody cites, and without what has become a secret since it was indexed."""
    text = passage.text.rstrip()
    return cleared_passage(dataclasses.replace(passage, text=text, end=passage.start + len(text)), secrets)
