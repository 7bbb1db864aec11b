"""Search by words: BM25 over stems, in a directory that is memory-mapped, with adds and deletes that need no rebuild.

The engine is tantivy. Its BM25 is fixed at k1 = 1.2 and b = 0.75; bm25s with k1 = 1.5 found .007 more nDCG@10 on one
collection of three on its own, and within .002 of the same when fused.
"""

from __future__ import annotations

import functools
import math
import string
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nbkit.errors import StoreError
from nbkit.store.files import private_dir

if TYPE_CHECKING:
    import tantivy
    from numpy import float32, int64
    from numpy.typing import NDArray

# Lucene's English list, and letters alone: initials and what an apostrophe leaves behind say nothing of a subject.
_STOP_WORDS = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    f"to was will with {' '.join(string.ascii_lowercase)}"
).split()
_LONGEST_WORD = 40
_LISTED = 1_000
_LISTED_WHOLE = 6_000
"""Up to so many texts with a word of the question, listing all costs less than asking again for some of them."""
_BUCKETS = 256
_SAMPLED = 2_048
_WRITER_BYTES = 30_000_000
_ONE_BY_ONE = 400
_MULTIPLIER, _SHIFT = 2_654_435_761, 24


@dataclass(frozen=True, slots=True)
class Hits:
    """What the words of a question found."""

    slots: NDArray[int64]
    """Best first; no text without any of the words is among them."""
    scores: NDArray[float32]
    spread: float
    """Standard deviation of the scores of the whole collection, texts without any of the words counted as 0."""
    is_whole: bool
    """Whether every text with one of the words is listed."""


class Lexical:
    """A collection of texts, each in a slot, that is searched by its words.

    `folder` is made when it is missing. Several processes may search while one writes. Not safe to be used by several
    threads for writing.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lexical = Lexical(Path(folder))
    ...     lexical.update(add=[(0, "Boilers are descaled."), (1, "Pumps are oiled.")])
    ...     lexical.search("descaling a boiler").slots.tolist()
    [0]
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._index: tantivy.Index | None = None
        self._searcher: tantivy.Searcher | None = None

    def __len__(self) -> int:
        """How many texts there are."""
        return int(self._search().num_docs)

    def update(self, *, add: Iterable[tuple[int, str]] = (), remove: Iterable[int] = ()) -> None:
        """Puts the texts in their slots and takes out those of `remove`; all of it or, when it is killed, nothing.

        A slot that had a text has the new one. One process at a time: raises `StoreError` while another writes.
        """
        import tantivy

        with self._lock:
            index = self._open()
            try:
                writer = index.writer(_WRITER_BYTES, 1)
            except ValueError as error:
                raise self._failed(error) from error
            try:
                # A killed writer leaves files whose names this one would give again.
                writer.garbage_collect_files()
                new = dict(add)
                gone = [*remove, *new]
                writer.delete_documents_by_query(tantivy.Query.term_set_query(index.schema, "slot", gone))
                for slot, text in new.items():
                    document = tantivy.Document()
                    document.add_unsigned("slot", slot)
                    document.add_unsigned("bucket", _bucket(slot))
                    document.add_text("text", text)
                    writer.add_document(document)
                writer.commit()
                writer.wait_merging_threads()
            except (ValueError, OSError) as error:
                raise self._failed(error) from error
            self._searcher = None

    def refresh(self) -> None:
        """Makes searches see what other processes have written."""
        with self._lock:
            self._searcher = None

    def close(self) -> None:
        """Lets go of the files, and of the thread that the engine keeps for each open index; a later use opens them."""
        with self._lock:
            self._index = self._searcher = None

    def search(self, question: str, *, limit: int = _LISTED) -> Hits:
        """The texts with words of the question, the best first: `limit` of them, or all where that is no dearer."""
        import numpy as np

        searcher, terms = self._search(), self._terms(question)
        if not terms:
            return Hits(np.zeros(0, np.int64), np.zeros(0, np.float32), 0.0, is_whole=True)
        matching = min(int(searcher.num_docs), sum(searcher.doc_freq("text", word) for word in terms))
        listed = matching + 1 if matching <= _LISTED_WHOLE else limit
        query = self._query(terms)
        found = searcher.search(query, limit=max(listed, limit), count=False).hits
        slots = np.array(searcher.fast_field_values("slot", [place for _, place in found]), np.int64)
        scores = np.array([score for score, _ in found], np.float32)
        is_whole = len(found) < max(listed, limit)
        rest = np.zeros(0, np.float32) if is_whole else self._sample(query, at_most=float(scores[-1]))
        return Hits(slots, scores, _spread(scores, rest, count=int(searcher.num_docs)), is_whole)

    def scores(self, question: str, slots: NDArray[int64]) -> NDArray[float32]:
        """How well each of the slots fits the question, 0 where it has none of the words or is empty."""
        import numpy as np

        given = np.zeros(len(slots), np.float32)
        searcher, terms = self._search(), self._terms(question)
        if not terms or not len(slots):
            return given
        found = searcher.search(
            _within(self._any("slot", slots.tolist()), self._query(terms)), limit=len(slots), count=False
        ).hits
        order = np.argsort(slots)
        at = np.array(searcher.fast_field_values("slot", [place for _, place in found]), np.int64)
        given[order[np.searchsorted(slots, at, sorter=order)]] = [score for score, _ in found]
        return given

    def _sample(self, query: tantivy.Query, *, at_most: float) -> NDArray[float32]:
        # Of a word that half of the texts have, all scores are too many to be listed for their spread alone.
        import numpy as np

        searcher = self._search()
        buckets = min(_BUCKETS, math.ceil(_BUCKETS * _SAMPLED / max(1, int(searcher.num_docs))))
        chosen = self._any("bucket", list(range(buckets)))
        found = searcher.search(_within(chosen, query), limit=4 * _SAMPLED, count=False).hits
        scores = np.array([score for score, _ in found], np.float32)
        return scores[scores <= at_most]

    def _any(self, field: Literal["slot", "bucket"], values: Sequence[int]) -> tantivy.Query:
        import tantivy

        schema = self._open().schema
        if len(values) > _ONE_BY_ONE:
            return tantivy.Query.term_set_query(schema, field, list(values))
        # A set is turned into an automaton first, which costs more than a few hundred terms.
        terms = [tantivy.Query.term_query(schema, field, value, index_option="basic") for value in values]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms])

    @staticmethod
    def _terms(question: str) -> list[str]:
        return _analyzer().analyze(question)

    def _query(self, terms: Sequence[str]) -> tantivy.Query:
        import tantivy

        schema = self._open().schema
        # A word that is asked twice counts twice.
        made = [tantivy.Query.term_query(schema, "text", word, index_option="freq") for word in terms]
        return tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in made])

    def _search(self) -> tantivy.Searcher:
        with self._lock:
            if self._searcher is None:
                index = self._open()
                try:
                    index.reload()
                    self._searcher = index.searcher()
                except (ValueError, OSError) as error:
                    raise self._failed(error) from error
            return self._searcher

    def _open(self) -> tantivy.Index:
        import tantivy

        with self._lock:
            if self._index is None:
                if not self.folder.is_dir():
                    private_dir(self.folder)
                schema = tantivy.SchemaBuilder()
                schema.add_unsigned_field("slot", indexed=True, fast=True)
                schema.add_unsigned_field("bucket", indexed=True)
                schema.add_text_field("text", tokenizer_name="stems", index_option="freq")
                try:
                    self._index = tantivy.Index(schema.build(), path=str(self.folder))
                    # Its default reads anew when another process writes: here in the middle of a search.
                    self._index.config_reader("manual")
                except (ValueError, OSError) as error:
                    raise self._failed(error) from error
                self._index.register_tokenizer("stems", _analyzer())
            return self._index

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(
            what=f"the word index in {self.folder} cannot be used",
            why=f"{error}",
            fix="make room and rights there, and look for another process that writes; it can be built anew",
        )


@functools.cache
def _analyzer() -> tantivy.TextAnalyzer:
    import tantivy

    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(_LONGEST_WORD))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.custom_stopword(_STOP_WORDS))
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


def _within(chosen: tantivy.Query, query: tantivy.Query) -> tantivy.Query:
    import tantivy

    silent = tantivy.Query.const_score_query(chosen, 0.0)
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, silent), (tantivy.Occur.Should, query)])


def _bucket(slot: int) -> int:
    return slot * _MULTIPLIER % 2**32 >> _SHIFT


def _spread(listed: NDArray[float32], rest: NDArray[float32], *, count: int) -> float:
    """Standard deviation over `count` texts: those listed, and the others as `rest` stands for them."""
    if not count:
        return 0.0
    others = (count - len(listed)) / len(rest) if len(rest) else 0.0
    total = float(listed.sum(dtype=float)) + others * float(rest.sum(dtype=float))
    squares = float((listed.astype(float) ** 2).sum()) + others * float((rest.astype(float) ** 2).sum())
    return math.sqrt(max(0.0, squares / count - (total / count) ** 2))
