from __future__ import annotations

import math
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.errors import StoreError
from nbkit.search.lexical import Lexical, _analyzer

WORDS = ("boiler", "pump", "valve", "filter", "noise", "leak", "descaling", "pressure")
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join), min_size=1, max_size=12)


def bm25(texts: list[str], question: str) -> list[float]:
    """Robertson's formula, written apart from the engine; lengths below 40 words are exact in the engine too."""
    documents = [Counter(_analyzer().analyze(text)) for text in texts]
    lengths = [sum(document.values()) for document in documents]
    mean = sum(lengths) / len(lengths)
    scores = []
    for document, length in zip(documents, lengths, strict=True):
        score = 0.0
        for word in _analyzer().analyze(question):
            having = sum(word in other for other in documents)
            weight = math.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
            score += weight * document[word] * 2.2 / (document[word] + 1.2 * (0.25 + 0.75 * length / mean))
        scores.append(score)
    return scores


@settings(max_examples=20, deadline=None)
@given(TEXTS, st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join))
def test_scores_are_those_of_the_formula(tmp_path_factory: pytest.TempPathFactory, texts: list[str], question: str):
    lexical = Lexical(tmp_path_factory.mktemp("words"))
    lexical.update(add=enumerate(texts))
    expected = bm25(texts, question)
    slots = np.arange(len(texts))
    assert lexical.scores(question, slots).tolist() == pytest.approx(expected, rel=1e-4)
    hits = lexical.search(question)
    assert hits.spread == pytest.approx(np.std(expected), rel=1e-3, abs=1e-6)
    assert sorted(hits.slots.tolist()) == [slot for slot, score in enumerate(expected) if score]
    assert hits.scores.tolist() == sorted(hits.scores.tolist(), reverse=True)


def test_finds_other_forms_of_a_word_and_no_stop_words(tmp_path: Path):
    lexical = Lexical(tmp_path)
    lexical.update(add=[(3, "The boilers were descaled."), (5, "It is on the valve's top.")])
    assert lexical.search("descaling the boiler").slots.tolist() == [3]
    assert lexical.search("is it on the").slots.tolist() == []
    assert lexical.search("s").slots.tolist() == []
    assert lexical.search("").slots.tolist() == []
    assert lexical.scores("the", np.array([3, 5])).tolist() == [0, 0]


def test_reserved_signs_of_query_languages_are_plain_text(tmp_path: Path):
    lexical = Lexical(tmp_path)
    lexical.update(add=[(0, "a boiler")])
    assert lexical.search('boiler" AND (text:* OR -"').slots.tolist() == [0]


def test_a_slot_written_again_has_the_new_text_alone(tmp_path: Path):
    lexical = Lexical(tmp_path)
    lexical.update(add=[(0, "boiler"), (1, "pump")])
    lexical.update(add=[(0, "valve")], remove=[1, 7])
    assert len(lexical) == 1
    assert lexical.search("boiler pump").slots.tolist() == []
    assert lexical.search("valve").slots.tolist() == [0]


def test_another_object_sees_what_was_written_after_a_refresh(tmp_path: Path):
    writer, reader = Lexical(tmp_path), Lexical(tmp_path)
    writer.update(add=[(0, "boiler")])
    assert reader.search("boiler").slots.tolist() == [0]
    writer.update(add=[(1, "boiler")])
    assert len(reader) == 1
    reader.refresh()
    assert len(reader) == 2


def test_scores_of_slots_in_any_order_and_of_empty_ones(tmp_path: Path):
    lexical = Lexical(tmp_path)
    lexical.update(add=[(2, "boiler"), (9, "boiler boiler pump"), (4, "pump")])
    scores = lexical.scores("boiler", np.array([9, 100, 2, 4]))
    assert (scores > 0).tolist() == [True, False, True, False]
    assert lexical.scores("boiler", np.array([2, 9])).tolist() == [scores[2], scores[0]]


def test_the_spread_of_a_frequent_word_is_estimated_from_a_sample(tmp_path: Path):
    lexical = Lexical(tmp_path)
    rng = np.random.default_rng(0)
    texts = [" ".join(["pump"] * int(n) + ["valve"] * int(m)) for n, m in rng.integers(0, 9, (8_000, 2))]
    lexical.update(add=enumerate(texts))
    exact = float(lexical.scores("pump", np.arange(8_000)).std())
    hits = lexical.search("pump", limit=100)
    assert not hits.is_whole
    assert len(hits.slots) == 100
    assert hits.spread == pytest.approx(exact, rel=0.05)


def test_a_closed_index_leaves_no_thread_behind(tmp_path: Path):
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    before = threads()
    for number in range(3):
        lexical = Lexical(tmp_path / str(number))
        lexical.update(add=[(0, "boiler")])
        lexical.search("boiler")
        lexical.close()
    deadline = time.monotonic() + 30
    while threads() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threads() <= before
    assert lexical.search("boiler").slots.tolist() == [0]


def test_a_damaged_directory_is_an_error_that_names_it(tmp_path: Path):
    Lexical(tmp_path).update(add=[(0, "boiler")])
    (tmp_path / "meta.json").write_text("{")
    with pytest.raises(StoreError, match=str(tmp_path)):
        Lexical(tmp_path).search("boiler")
