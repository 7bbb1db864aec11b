"""One question asked of an index: candidates of both sides, fused, without near-duplicates, neighbours merged."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from nbkit.documents import Passage
from nbkit.rag import store
from nbkit.rag.chunking_neighbours import BUDGET_TOKENS, PASSAGES, Hit, gather
from nbkit.rag.index_files import View
from nbkit.search.filters import Condition
from nbkit.search.fusion import distinct, fuse, union

if TYPE_CHECKING:
    import sqlite3

    from numpy import float32, int64
    from numpy.typing import NDArray

Mode: TypeAlias = Literal["hybrid", "dense", "bm25"]
_CANDIDATES = 300
"""Of each side, at least: enough that the first ten are those of the whole collection fused, as far as was seen."""
_SCORED_DIRECTLY = 20_000
_SPARE = 20
_HITS_PER_PASSAGE = 12
"""Small chunks: those beside one that was found come with it when they were found too."""
_TOKENS_PER_PASSAGE = BUDGET_TOKENS // PASSAGES


@dataclass(frozen=True, slots=True)
class Match:
    """A passage that was found, and what each side said of it."""

    passage: Passage
    """`score` is what it was ordered by."""
    cosine: float | None
    """Of question and passage; None when the question has no vector."""
    words: float | None
    """Its BM25; None in mode `dense`."""
    document_sha256: str = ""
    """Of the whole file's content, as it was indexed."""


@dataclass(frozen=True, slots=True)
class _Scored:
    """Slots, best first, with what was found out of them."""

    slots: NDArray[int64]
    scores: NDArray[float32]
    words: NDArray[float32] | None


def found(
    connection: sqlite3.Connection,
    files: View,
    question: str,
    vector: NDArray[float32] | None,
    *,
    mode: Mode,
    k: int,
    where: Condition | None,
    merge: bool,
) -> list[Match]:
    """The best `k` passages, as `Index.search` gives them; in a snapshot of the tables that `files` follows."""
    import numpy as np

    allowed = None if where is None else store.slots(connection, "chunk", where)
    if not files.count or (allowed is not None and not len(allowed)) or k < 1:
        return []
    wanted = max(_CANDIDATES, 3 * k)
    if mode == "bm25" or vector is None:
        scored = _by_words(files, question, allowed, wanted)
    elif mode == "dense":
        scored = _Scored(*_nearest(files, vector, allowed, wanted), words=None)
    else:
        scored = _by_both(files, question, vector, allowed, wanted)
    hits = _HITS_PER_PASSAGE * k if merge else k
    best = scored.slots[: 2 * hits + _SPARE]
    # Words may be known of chunks that are gone, when another process has not told the word index yet.
    at = np.flatnonzero(~np.isin(best, files.dead))
    kept = at[distinct(files.rows(best[at]), hits)].tolist()
    runs = _runs(connection, best[kept].tolist(), k) if merge else [[slot] for slot in best[kept].tolist()]
    shown = [slot for run in runs for slot in run]
    cosines = None if vector is None else np.vecdot(files.rows(np.array(shown, np.int64)), vector)
    rows = {row.slot: row for row in store.rows(connection, shown)}
    place = {int(best[position]): position for position in kept}
    matches = {
        slot: Match(
            dataclasses.replace(
                rows[slot].passage,
                score=float(scored.scores[place[slot]]),
                similarity=None if cosines is None else float(cosines[number]),
            ),
            None if cosines is None else float(cosines[number]),
            None if scored.words is None else float(scored.words[place[slot]]),
            rows[slot].document_sha256,
        )
        for number, slot in enumerate(shown)
    }
    return [_one([matches[slot] for slot in run]) for run in runs]


def _nearest(
    files: View, vector: NDArray[float32], allowed: NDArray[int64] | None, wanted: int
) -> tuple[NDArray[int64], NDArray[float32]]:
    return files.vectors.nearest(vector, wanted, count=files.count, among=allowed, without=files.dead)


def _by_words(files: View, question: str, allowed: NDArray[int64] | None, wanted: int) -> _Scored:
    import numpy as np

    if allowed is None or len(allowed) > _SCORED_DIRECTLY:
        hits = files.lexical.search(question, limit=wanted if allowed is None else _SCORED_DIRECTLY)
        slots, scores = hits.slots, hits.scores
        if allowed is not None:
            is_allowed = np.isin(slots, allowed)
            slots, scores = slots[is_allowed], scores[is_allowed]
        slots, scores = slots[:wanted], scores[:wanted]
    else:
        scores = files.lexical.scores(question, allowed)
        order = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores)]
        slots, scores = allowed[order], scores[order]
    # Of rows that another process has added since, the vectors are not mapped.
    is_mapped = slots < files.count
    return _Scored(slots[is_mapped], scores[is_mapped], scores[is_mapped])


def _by_both(
    files: View, question: str, vector: NDArray[float32], allowed: NDArray[int64] | None, wanted: int
) -> _Scored:
    import numpy as np

    near, _ = _nearest(files, vector, allowed, wanted)
    hits = files.lexical.search(question, limit=wanted)
    by_words = (
        hits.slots[hits.slots < files.count][:wanted]
        if allowed is None
        else _by_words(files, question, allowed, wanted).slots
    )
    slots = union(near, by_words)
    words = _words(files, question, slots, known=(hits.slots, hits.scores), is_whole=hits.is_whole)
    fused = fuse(vector, files.rows(slots), words, words_spread=hits.spread, spread=files.spread)
    order = np.argsort(-fused.scores, kind="stable")
    return _Scored(slots[order], fused.scores[order], words[order])


def _words(
    files: View,
    question: str,
    slots: NDArray[int64],
    *,
    known: tuple[NDArray[int64], NDArray[float32]],
    is_whole: bool,
) -> NDArray[float32]:
    """The lexical score of each slot: those that were listed, and asked for where the list was cut off."""
    import numpy as np

    scores = np.zeros(len(slots), np.float32)
    is_listed = np.isin(slots, known[0])
    order = np.argsort(known[0])
    scores[is_listed] = known[1][order[np.searchsorted(known[0], slots[is_listed], sorter=order)]]
    if not is_whole:
        scores[~is_listed] = files.lexical.scores(question, slots[~is_listed])
    return scores


def _runs(connection: sqlite3.Connection, slots: Sequence[int], k: int) -> list[list[int]]:
    """Slots, best first, as at most `k` passages: chunks that stand side by side in their document are one."""
    known = store.spots(connection, slots)
    spots = [known[slot] for slot in slots]
    # A passage is cited by its page, so none goes over the end of one.
    pages = [f"{spot.document} {spot.page}" for spot in spots]
    by_place = {(page, spot.position): spot.slot for page, spot in zip(pages, spots, strict=True)}
    hits = [Hit(page, spot.position, spot.tokens) for page, spot in zip(pages, spots, strict=True)]
    runs = gather(hits, most=k, budget_tokens=_TOKENS_PER_PASSAGE * k)
    return [[by_place[hit.document, hit.position] for hit in run] for run in runs]


def _one(run: Sequence[Match]) -> Match:
    """The matches of a run as one, in the place of the best."""
    if len(run) == 1:
        return run[0]
    best = max(run, key=lambda match: match.passage.score)
    first = run[0].passage
    text, end = first.text, first.end
    for match in run[1:]:
        passage = match.passage
        text += passage.text[max(0, end - passage.start) :]
        end = max(end, passage.end)
    merged = dataclasses.replace(
        first, id=store.passage_id(first.source, text), text=text, end=end,
        parts=tuple(dict.fromkeys((*first.parts[:1], *run[-1].passage.parts[-1:]))),
        score=best.passage.score, similarity=best.cosine,
    )  # fmt: skip
    return dataclasses.replace(best, passage=merged)
