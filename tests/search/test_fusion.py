from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.search.fusion import SAME_COSINE, Moments, distinct, fuse


def unit(rows: int, *, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((rows, 16), dtype=np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(6, 60), st.integers(0, 10**6))
def test_candidates_have_the_scores_of_the_whole_collection(rows: int, seed: int):
    vectors, question = unit(rows, seed=seed), unit(1, seed=seed + 1)[0]
    words = np.random.default_rng(seed).random(rows, dtype=np.float32)
    whole = fuse(question, vectors, words, words_spread=float(words.std()), spread=Moments.of(vectors)).scores
    # Whatever can be among the five that the question moves towards has to be among the candidates.
    near = np.argsort(-whole)[: rows // 2]
    kept = np.union1d(near, np.union1d(np.argsort(-(vectors @ question))[:5], np.argsort(-words)[:5]))
    part = fuse(
        question, vectors[kept], words[kept], words_spread=float(words.std()), spread=Moments.of(vectors)
    ).scores
    assert int(kept[part.argmax()]) == int(whole.argmax()) or np.ptp(np.sort(whole)[-2:]) < 0.5


def test_words_count_less_the_nearer_a_text_lies():
    vectors = np.eye(16, dtype=np.float32)[:8]
    words = np.zeros(8, np.float32)
    weights = []
    for share in (1.0, 0.9, 0.8, 0.0):
        question = share * vectors[0] + (1 - share**2) ** 0.5 * np.eye(16, dtype=np.float32)[15]
        weights.append(fuse(question, vectors, words, words_spread=1.0, spread=Moments.of(vectors)).words_weight)
    assert weights == sorted(set(weights))
    assert weights[0] == 0
    assert weights[-1] == 0.45


def test_the_unit_of_the_lexical_score_does_not_matter():
    vectors, question = unit(40, seed=1), unit(1, seed=2)[0]
    words = np.random.default_rng(3).random(40, dtype=np.float32)
    one = fuse(question, vectors, words, words_spread=0.3, spread=Moments.of(vectors)).scores
    many = fuse(question, vectors, words * 1000, words_spread=300.0, spread=Moments.of(vectors)).scores
    assert np.allclose(one, many, atol=1e-4)


def test_without_words_meaning_alone_decides():
    vectors, question = unit(40, seed=1), unit(1, seed=2)[0]
    fused = fuse(question, vectors, np.zeros(40, np.float32), words_spread=0.0, spread=Moments.of(vectors))
    assert fused.scores.argmax() == (vectors @ question).argmax()
    assert np.isfinite(fused.scores).all()


def test_collections_of_one_text_and_of_none_are_searched():
    one = unit(1, seed=1)
    assert np.isfinite(fuse(one[0], one, np.ones(1, np.float32), words_spread=0.0, spread=Moments.of(one)).scores).all()
    none = np.zeros((0, 16), np.float32)
    assert len(fuse(one[0], none, np.zeros(0, np.float32), words_spread=0.0, spread=Moments.of(none)).scores) == 0


def test_near_duplicates_are_dropped_and_the_next_best_takes_their_place():
    rows = unit(4, seed=4)
    nearly = rows[0] + 0.01 * rows[1]
    stacked = np.stack([rows[0], nearly / np.linalg.norm(nearly), rows[2], rows[3]])
    assert distinct(stacked, 2) == [0, 2]
    assert distinct(stacked, 9) == [0, 2, 3]
    assert distinct(stacked, 0) == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 12), st.sampled_from([0.0, 0.03, 0.035, 0.2]), st.integers(0, 10**6))
def test_distinct_rows_are_those_that_resemble_none_that_is_kept(rows: int, k: int, noise: float, seed: int):
    drawn = np.random.default_rng(seed)
    vectors = unit(4, seed=seed)[drawn.integers(0, 4, rows)]
    vectors = vectors + noise * drawn.standard_normal(vectors.shape, dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    kept: list[int] = []
    for position, row in enumerate(vectors):
        if len(kept) < k and all(np.vecdot(vectors[one], row) < SAME_COSINE for one in kept):
            kept.append(position)
    assert distinct(vectors, k) == kept


def test_moments_are_those_of_all_cosines():
    vectors, question = unit(300, seed=5), unit(1, seed=6)[0]
    cosines = vectors @ question
    mean, deviation = Moments.of(vectors).cosines(question)
    assert abs(mean - cosines.mean()) < 1e-6
    assert abs(deviation - cosines.std()) < 1e-6
