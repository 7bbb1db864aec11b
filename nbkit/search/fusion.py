"""One order from two: what is near in meaning, and what has the words.

Both sides are measured in standard deviations of the whole collection. Of a list of the best alone the deviation says
nothing of how far the best stand out, and the ranks that others fuse say nothing of it either.

The weight of the words is chosen for each question, without labels. Let `distance` be how far the nearest text is from
the question, 1 minus its cosine, as a part of how far texts are on average. Where a text lies very near, as with
paraphrases, its words add little and mislead; where none does, they tell texts of one subject apart:

    score = meaning + min(1.2 * distance, 0.45) * words

Then the question moves towards the five best, by half of `distance`, and is asked again of the candidates: where
nothing says just what was asked, texts that resemble the best are what is sought.

Measured: nDCG@10 of nine collections, MiniLM (tests/bench/bench_retrieval.py). All nine were looked at while the rule
was chosen, none was held out: what it gives elsewhere is not known. It is above the better side, or within .001 of it,
on eight; on the ninth, 20 questions of long pages, it is .04 below and the interval four times that. Fixed weights of
0.8 and less for meaning lose to it alone where questions are paraphrases, 0.9 loses elsewhere. Rejected, no better:
weights from agreement of the two lists, and the logarithm or the root of the lexical score. The gap after the first and
the part of the question's words that is found did not tell which questions need words. The three numbers are round on
purpose; a step of each moves cranfield, cisi and xquad-en by .007 at most. The step towards the best gains .01 on
cranfield and costs .006 where one passage is sought (chunking).

Near-duplicates are dropped (`distinct`), and diversity goes no further. Maximal marginal relevance among the first 30,
scores from 0 to 1, moves nDCG@10 by -.031, -.010, -.002 on cranfield for lambda .5, .7, .9, by -.004, -.004, -.001 on
cisi and by -.002, .000, .000 on xquad-en, and of the handbook's 54 questions with an answer 47, 51, 50 have their page
among five passages where 50 have it without. It is above zero nowhere by its interval (paired bootstrap, 95 %), and it
takes apart neighbours that belong together, so it was left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float32, float64, int64
    from numpy.typing import NDArray

_WORDS_PER_DISTANCE = 1.2
_WORDS_AT_MOST = 0.45
_FEEDBACK_TEXTS = 5
_FEEDBACK_PER_DISTANCE = 0.5
_NONE = 1e-9
SAME_COSINE = 0.985
"""From so near on two texts say the same: versions that differ in a date or a figure are farther apart."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Where the vectors of a collection lie: with it, how near all of them are to a question is known without them.

    Kept for a collection, since reading thousands of vectors anew cost more than all the rest of a fusion.

    >>> import numpy as np
    >>> found = Moments.of(np.array([[1, 0], [0, 1]], np.float32)).cosines(np.array([1, 0], np.float32))
    >>> [float(one) for one in found]
    [0.5, 0.5]
    """

    mean: NDArray[float64]
    covariance: NDArray[float64]

    @classmethod
    def of(cls, vectors: NDArray[float32]) -> Moments:
        """Those of some vectors, shape (n, dimensions); all 0 where there is none."""
        import numpy as np

        exact, count = vectors.astype(np.float64), max(1, len(vectors))
        mean = exact.sum(axis=0) / count
        away = exact - mean
        return cls(mean, away.T @ away / count)

    def cosines(self, question: NDArray[float32]) -> tuple[float, float]:
        """Mean and standard deviation of the cosines of a question, or any other vector, and all of the vectors."""
        import numpy as np

        # No `@` of many rows: its threads wait for one another busily.
        asked = question.astype(np.float64)
        variance = float(np.vecdot(np.vecdot(self.covariance, asked), asked))
        return float(np.vecdot(self.mean, asked)), math.sqrt(max(0.0, variance))


@dataclass(frozen=True, slots=True)
class Fused:
    """The scores of the candidates, and what they were made from."""

    scores: NDArray[float32]
    words_weight: float
    """How much a standard deviation of the lexical score counted against one of the cosine."""


def fuse(
    question: NDArray[float32],
    vectors: NDArray[float32],
    words: NDArray[float32],
    *,
    words_spread: float,
    spread: Moments,
) -> Fused:
    """How well each candidate fits, comparable within this question only.

    `vectors`: the candidates', shape (n, dimensions), unit length. `words`: their lexical scores, shape (n,), with the
    standard deviation `words_spread` over the whole collection. `spread`: of vectors that stand for the collection.
    The candidates have to hold the best of both sides, or the result is not that of the whole.

    >>> import numpy as np
    >>> vectors = np.eye(3, dtype=np.float32)
    >>> words, spread = np.array([0, 0, 2], np.float32), Moments.of(vectors)
    >>> fused = fuse(vectors[0], vectors, words, words_spread=1.0, spread=spread)
    >>> fused.scores.argsort()[::-1].tolist(), fused.words_weight
    ([0, 2, 1], 0.0)
    """
    import numpy as np

    if not len(vectors):
        return Fused(np.zeros(0, np.float32), 0.0)
    cosines, (mean, deviation) = np.vecdot(vectors, question), spread.cosines(question)
    distance = max(0.0, 1 - float(cosines.max())) / max(_NONE, 1 - mean)
    weight = min(_WORDS_PER_DISTANCE * distance, _WORDS_AT_MOST)
    lexical = weight / words_spread * words if words_spread > _NONE else np.zeros(len(words), np.float32)
    first = (cosines - mean) / max(_NONE, deviation) + lexical
    best = np.argsort(-first, kind="stable")[:_FEEDBACK_TEXTS]
    shares = np.exp(first[best] - first[best[0]])
    moved = question + _FEEDBACK_PER_DISTANCE * distance * (shares / shares.sum()) @ vectors[best]
    mean, deviation = spread.cosines(moved)
    meaning = (np.vecdot(vectors, moved) - mean) / max(_NONE, deviation)
    return Fused((meaning + lexical).astype(np.float32), weight)


def distinct(vectors: NDArray[float32], k: int, *, same_cosine: float = SAME_COSINE) -> list[int]:
    """Positions of the first `k` rows that are not near-duplicates of one before them.

    >>> import numpy as np
    >>> distinct(np.array([[1, 0], [1, 0], [0, 1]], np.float32), 2)
    [0, 2]
    """
    import numpy as np

    kept: list[int] = []
    # As many at once as may all be kept: where no two are the same, that is all.
    for start in range(0, len(vectors), max(k, 1)):
        if len(kept) >= k:
            break
        block = vectors[start : start + k]
        is_same = (np.vecdot(block[:, None], vectors[kept]) >= same_cosine).any(axis=1)
        repeated = np.triu(np.vecdot(block[:, None], block) >= same_cosine, 1)
        for position in np.flatnonzero(repeated.any(axis=1)):
            if not is_same[position]:
                is_same |= repeated[position]
        kept += (start + np.flatnonzero(~is_same)).tolist()
    return kept[:k]


def union(first: NDArray[int64], second: NDArray[int64]) -> NDArray[int64]:
    """The slots that are in either, ascending."""
    import numpy as np

    return np.union1d(first, second)
