from __future__ import annotations

import math
import random

import pytest

from nbkit.documents import Passage
from nbkit.errors import BadSetting
from nbkit.evals.cases import NOTHING, Answer, Case
from nbkit.evals.gold import context_precision, context_recall, grades_of, is_of_search, standing, words
from nbkit.evals.metrics import resolve
from nbkit.evals.retrieval import measure

NAMES = ["ndcg@3", "recall@2", "precision@5", "success@1", "reciprocal_rank", "average_precision"]


def passages(*sources, text="x"):
    return tuple(Passage(str(number), text, source) for number, source in enumerate(sources))


def saying(*texts):
    return tuple(Passage(str(number), text, "a.md") for number, text in enumerate(texts))


def score(name, case, given):
    [metric] = resolve(name)
    return metric.score(case, Answer("x", given))


def test_measures_are_those_of_retrieval_over_the_documents_of_the_passages():
    """Several passages of one document are that document, where the first of them stands."""
    rng = random.Random(5)
    for _ in range(500):
        given = [rng.choice("abcdefgh") for _ in range(rng.randrange(0, 9))]
        grades = {name: rng.randrange(-1, 4) for name in rng.sample("abcdefghxyz", 4)}
        ranked = [name for at, name in enumerate(given) if name not in given[:at]]
        for name in NAMES:
            found = score(name, Case("q", "?", metadata={"source": grades}), passages(*given))
            assert found.value == measure(name)(ranked, grades)


@pytest.mark.parametrize("source", ["b.md", ["b.md"], {"b.md": 1}, {"b.md": 2.0, "c.md": 0}])
def test_gold_documents_are_named_in_the_metadata(source):
    case = Case("q", "?", metadata={"source": source})
    given = passages("a.md", "a.md", "b.md")
    assert score("reciprocal_rank", case, given).value == 1 / 2
    assert context_recall(case, Answer("", given)).value == 1.0
    assert context_precision(case, Answer("", given)).value == pytest.approx(1 / 3)


def test_a_grade_that_is_none_is_refused():
    with pytest.raises(ValueError, match="a grade is a whole number"):
        grades_of(Case("q", "?", metadata={"source": {"a.md": "high"}}))


def test_a_case_without_gold_has_nothing_to_score():
    for name in [*NAMES, "context_precision", "context_recall"]:
        assert score(name, Case("q", "?"), passages("a.md")) == NOTHING


@pytest.mark.parametrize("name", [*NAMES, "context_precision", "context_recall"])
@pytest.mark.parametrize("said", [{"metadata": {"source": []}}, {"metadata": {"source": {}}}, {"expected": []}])
def test_texts_beside_a_case_that_nothing_answers_are_no_gold(name, said):
    assert score(name, Case("q", "?", contexts=("The fan needs 30 W.",), **said), saying("Fans are loud.")) == NOTHING


@pytest.mark.parametrize("name", [*NAMES, "context_precision", "context_recall"])
def test_what_looked_nothing_up_is_an_error_and_no_0(name):
    [metric] = resolve(name)
    for case in (Case("q", "?", metadata={"source": "a.md"}), Case("q", "?", contexts=("a b",))):
        found = metric.score(case, Answer("x", is_searched=False))
        assert (found.value, found.status) == (None, "error")
        assert "nothing was looked up" in found.note
    assert metric.score(Case("q", "?"), Answer("x", is_searched=False)) == NOTHING


@pytest.mark.parametrize("name", [*NAMES, "context_precision", "context_recall"])
def test_metrics_of_search_are_known_by_their_names(name):
    assert is_of_search(name)
    assert not is_of_search(f"own_{name}")


def test_nothing_found_is_0():
    for case in (Case("q", "?", metadata={"source": "a.md"}), Case("q", "?", contexts=("The fan needs 30 W.",))):
        for name in [*NAMES, "context_precision", "context_recall"]:
            assert score(name, case, ()).value == 0.0


def test_a_judged_case_without_a_relevant_document_is_0_as_in_trec_eval():
    assert score("ndcg@3", Case("q", "?", metadata={"source": {"a": 0}}), passages("a")).value == 0.0


def test_context_precision_worked_by_hand():
    """Relevant at ranks 1, 3 and 4: the mean of 1/1, 2/3 and 3/4."""
    case = Case("q", "?", contexts=("one two three four five six",))
    given = saying(
        "one two three four five six", "none of it", "x one two three four five", "zero one two three four five"
    )
    assert context_precision(case, Answer("", given)).value == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)


def test_a_passage_within_a_long_gold_text_is_relevant():
    gold = " ".join(f"word{number}" for number in range(100))
    case = Case("q", "?", contexts=(gold,))
    given = saying(" ".join(gold.split()[10:20]), "other words that are there")
    assert context_precision(case, Answer("", given)).value == 1.0
    assert context_recall(case, Answer("", given)).value == pytest.approx(0.1)


def test_recall_counts_the_words_of_gold_texts_that_passages_hold_together():
    """A gold text that two chunks share is found when both are."""
    case = Case("q", "?", contexts=("a b c d e f g h i j",))
    halves = ["x x A, B! c d e", "f g h i j y y"]
    assert context_recall(case, Answer("", saying(halves[0]))).value == 0.5
    assert context_recall(case, Answer("", saying(*halves))).value == 1.0


def test_words_in_common_that_are_not_in_a_row_are_chance():
    assert context_recall(Case("q", "?", contexts=("a b c d e f",)), Answer("", saying("f e d c b a"))).value == 0.0


def test_each_gold_text_is_a_document_where_none_is_named():
    case = Case("q", "?", contexts=("one two three four five", "six seven eight nine ten"))
    given = saying("nothing", "six seven eight nine ten", "six seven eight nine ten", "one two three four five")
    assert score("recall@2", case, given).value == 0.5
    assert score("reciprocal_rank", case, given).value == 0.5
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    assert score("ndcg@10", case, given).value == pytest.approx(gain / (1 + 1 / math.log2(3)))


def test_one_passage_may_hold_several_gold_texts():
    case = Case("q", "?", contexts=("one two three", "four five six"))
    assert score("recall@2", case, saying("one two three four five six")).value == 1.0


def test_scripts_without_blanks_are_compared_by_character():
    assert words("東京は大") == ["東", "京", "は", "大"]
    assert (
        context_recall(Case("q", "?", contexts=("東京は大きい",)), Answer("", saying("さて、東京は大きい。"))).value
        == 1.0
    )


@pytest.mark.parametrize("name", [*NAMES, "context_precision", "context_recall"])
def test_passages_whose_texts_were_not_kept_are_an_error_and_no_0(name):
    assert score(name, Case("q", "?", contexts=("a b",)), passages("a.md", text="")).status == "error"


@pytest.mark.parametrize("name", ["recall", "recall@0", "recall@x", "recall:5", "reciprocal_rank@5", "ndcg@"])
def test_a_cut_that_is_none_is_refused_in_three_lines(name):
    with pytest.raises(BadSetting) as raised:
        resolve(name)
    assert str(raised.value).count("\n") == 2
    assert "ndcg@k" in raised.value.fix


def test_a_run_of_words_has_no_gap():
    assert standing(list("abcdefgh"), [list("abcd"), list("defgh")]) == [False] * 3 + [True] * 5
