"""What has one name and is not the same is not compared without a word."""

from __future__ import annotations

import pytest

from nbkit.errors import EvaluationFailed
from nbkit.evaluation import evaluate, judge

ROWS = [{"id": f"q{at}", "input": f"ask {at}", "expected": "yes"} for at in range(20)]


def yes(case):
    return "yes"


@pytest.fixture(autouse=True)
def _quiet():
    from nbkit.session import current

    current().configure({"quiet": True})


def test_only_cases_that_expect_the_same_are_paired_and_how_many_are_left_out_is_said():
    before = evaluate(yes, ROWS, ["exact_match", "f1", "latency"])
    edited = [{**row, "expected": "no"} if at < 8 else row for at, row in enumerate(ROWS)]
    found = evaluate(yes, edited, ["exact_match", "f1", "latency"]).compare(before)
    assert (found["exact_match"].difference, found["exact_match"].n) == (0.0, 12)
    assert found["latency"].n == 20
    assert "8 cases left out of exact_match, f1: what is expected has changed." in repr(found)
    assert "8 cases left out of exact_match, f1" in found._repr_html_()
    assert "its answers come from the cache" in repr(found)


def test_cases_that_ask_something_else_are_left_out_of_all():
    before = evaluate(yes, ROWS, ["f1", "latency"])
    edited = [{**row, "input": "another"} if at < 8 else row for at, row in enumerate(ROWS)]
    found = evaluate(yes, edited, ["f1", "latency"]).compare(before)
    assert (found["f1"].n, found["latency"].n) == (12, 12)
    assert "8 cases left out: what is asked has changed." in repr(found)


def test_what_a_search_should_find_is_what_its_metrics_are_set_against():
    from nbkit.documents import Passage
    from nbkit.evals.cases import Answer

    def finds(case):
        return Answer("yes", (Passage("1", "x", "a.md"),))

    rows = [{**row, "source": ["a.md"]} for row in ROWS]
    edited = [{**row, "source": ["b.md"]} if at < 8 else row for at, row in enumerate(rows)]
    before = evaluate(finds, rows, ["f1", "recall@5"])
    found = evaluate(finds, edited, ["f1", "recall@5"]).compare(before)
    assert (found["recall@5"].difference, found["recall@5"].n, found["f1"].n) == (0.0, 12, 20)


def test_a_function_with_the_name_of_a_metric_is_not_compared_with_it():
    def f1(case, answer):
        return 0.25

    before = evaluate(yes, ROWS, [f1, "exact_match"])
    found = evaluate(yes, ROWS, ["f1", "exact_match"]).compare(before)
    assert list(found) == ["exact_match"]
    assert "Not compared, since another metric of this name gave it then: f1." in repr(found)
    with pytest.raises(EvaluationFailed, match="f1: another metric of this name gave that of"):
        evaluate(yes, ROWS, ["f1"], baseline=before, tolerance={"f1": 0.9})


def test_judges_of_other_criteria_are_not_compared_under_one_name():
    short, long = (judge(said, name="ok", model="echo") for said in ("It is short.", "It is long."))
    before = evaluate(yes, ROWS[:1], [short])
    assert list(evaluate(yes, ROWS[:1], [long]).compare(before)) == []
    assert list(evaluate(yes, ROWS[:1], [short]).compare(before)) == ["ok"]


def test_an_object_that_scores_otherwise_is_another_metric():
    class Long:
        name, is_better_high, unit = "long", True, ""

        def __init__(self, least):
            self.least = least

        def score(self, case, answer):
            from nbkit.evals.cases import Score

            return Score(float(len(answer.text) >= self.least))

    before = evaluate(yes, ROWS, [Long(2)])
    assert list(evaluate(yes, ROWS, [Long(5)]).compare(before)) == []
    assert list(evaluate(yes, ROWS, [Long(2)]).compare(before)) == ["long"]


def test_runs_that_are_the_same_have_nothing_to_say():
    before = evaluate(yes, ROWS, ["f1", "latency"])
    found = evaluate(yes, ROWS, ["f1", "latency"]).compare(before)
    assert "left out" not in repr(found)
    assert "Not compared" not in repr(found)


def test_a_diff_is_of_cases_that_ask_the_same_and_of_scores_that_are_the_same():
    def f1(case, answer):
        return 0.25

    before = evaluate(yes, ROWS[:3], [f1, "exact_match"])
    edited = [{**ROWS[0], "input": "another"}, *ROWS[1:3]]
    drawn = evaluate(lambda case: "no", edited, ["f1", "exact_match"]).diff(before).text
    assert "2 answers of" in drawn
    assert "1 case left out: what is asked has changed" in drawn
    assert "1.000 → 0.000" in drawn
    assert "0.250" not in drawn
