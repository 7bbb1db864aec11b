"""Gates: what makes an evaluation fail, and what cannot be a gate."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy import stats

from nbkit.errors import BadSetting, EvaluationFailed
from nbkit.evals.alike import told_apart
from nbkit.evals.cases import Answer, Case, Score
from nbkit.evals.correction import corrected_rate
from nbkit.evals.gates import check, limits, refuse_unmeasured
from nbkit.evals.runs import Graded, Pins, Run
from nbkit.recorded import Failure


def run(values, *, name="now", failed=0, **given):
    graded = [
        Graded(Case(f"q{number}", "?"), 0, Answer("x"), {"f1": Score(value)}) for number, value in enumerate(values)
    ]
    failure = Failure("Blocked", "it was blocked", "a key", "take it out")
    graded += [Graded(Case(f"e{number}", "?"), 0, None, error=failure) for number in range(failed)]
    pins = Pins("p", "s", cases=len(graded), metrics=("f1",))
    return Run("id", name, datetime.now(UTC), pins, tuple(graded), **given)


def test_limits_are_read_from_one_option_or_several():
    assert limits(["f1=0.7, em = .5", "recall@5=0.9"], option="--fail-under") == {"f1": 0.7, "em": 0.5, "recall@5": 0.9}


@pytest.mark.parametrize("text", ["f1", "f1=", "f1=high", "=0.5", "f1=nan", "f1=0.7;em=1"])
def test_a_limit_that_is_none_is_refused(text):
    with pytest.raises(BadSetting, match="METRIC=NUMBER"):
        limits([text], option="--fail-under")


def test_a_limit_on_what_is_not_measured_is_refused_with_the_nearest():
    with pytest.raises(BadSetting, match="use f1"):
        refuse_unmeasured(["f1", "latency"], {"f2": 0.5}, option="--fail-under")


def test_a_mean_at_its_least_passes_and_one_below_fails_with_its_n():
    check(run([0.5, 1.0]), least={"f1": 0.75})
    with pytest.raises(EvaluationFailed, match=r"f1 is 0.7 \[0.00699, 0.999\] \(n 2\), and at least 0.75 was asked"):
        check(run([0.4, 1.0]), least={"f1": 0.75})


def test_where_less_is_better_the_limit_is_the_most():
    check(run([1.0], lower_is_better=("f1",)), least={"f1": 2.0})
    with pytest.raises(EvaluationFailed, match="at most 2"):
        check(run([3.0], lower_is_better=("f1",)), least={"f1": 2.0})


def test_a_metric_without_a_value_fails():
    with pytest.raises(EvaluationFailed, match="f1 has no value"):
        check(run([]), least={"f1": 0.0})


def test_more_than_one_failed_answer_in_twenty_fails():
    check(run([1.0] * 19, failed=1), least={"f1": 0.5})
    with pytest.raises(EvaluationFailed, match="2 of 20 answers failed: it was blocked"):
        check(run([1.0] * 18, failed=2), least={"f1": 0.5})


def test_a_metric_that_failed_on_more_than_one_answer_in_twenty_fails():
    def scored(failed):
        graded = [
            Graded(
                Case(f"q{at}", "?"),
                0,
                Answer("x"),
                {"f1": Score(None, "error", "it broke") if at < failed else Score(1.0)},
            )
            for at in range(20)
        ]
        return Run("id", "now", datetime.now(UTC), Pins("p", "s", cases=20, metrics=("f1",)), tuple(graded))

    check(scored(1), least={"f1": 0.5})
    check(scored(2), least={})
    for gate in ({"least": {"f1": 0.5}}, {"least": {}, "baseline": scored(0), "tolerance": {"f1": 0.5}}):
        with pytest.raises(EvaluationFailed, match="f1 failed on 2 of 20 answers: it broke"):
            check(scored(2), **gate)


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), "0.5", True, None])
def test_a_limit_that_is_no_number_is_refused(limit):
    with pytest.raises(BadSetting, match="the limit of f1 cannot be"):
        refuse_unmeasured(["f1"], {"f1": limit}, option="--fail-under")


def test_a_case_that_asks_something_else_is_not_the_same_case():
    def asks(hashes):
        before = run([1.0, 0.0])
        return replace(
            before, graded=tuple(replace(one, asked=own) for one, own in zip(before.graded, hashes, strict=True))
        )

    check(asks(["a", "b"]), least={}, baseline=asks(["a", ""]), tolerance={"f1": 0.0})
    assert [one.case.id for one in told_apart(asks(["a", "b"]), asks(["a", "c"])).graded] == [
        "q0",
        "q1, asked otherwise",
    ]
    with pytest.raises(EvaluationFailed, match="share no case"):
        check(asks(["a", "b"]), least={}, baseline=asks(["c", "d"]), tolerance={"f1": 0.5})


def test_a_loss_beyond_what_is_tolerated_fails_and_is_taken_over_the_cases_of_both():
    then, now = run([0.5, 1.0], name="base"), run([0.5, 0.9, 0.0])
    check(now, least={}, baseline=then, tolerance={"f1": 0.05})
    with pytest.raises(
        EvaluationFailed,
        match=r"worse than 'base' by 0.05 \[-0.585, 0.685\] \(n 2, 1 left out\), and 0.02 is tolerated, decided by the",
    ):
        check(now, least={}, baseline=then, tolerance={"f1": 0.02})
    check(then, least={}, baseline=now, tolerance={"f1": 0.0})


def test_runs_that_share_no_case_cannot_pass_for_one_another():
    with pytest.raises(EvaluationFailed, match="share no case"):
        check(run([1.0]), least={}, baseline=run([]), tolerance={"f1": 0.5})


def test_of_a_judge_the_rate_that_its_errors_correct_has_to_reach_the_least():
    labels = [(True, True)] * 25 + [(True, False)] * 10 + [(False, False)] * 15
    judged = run([1.0] * 7 + [0.0] * 3)
    rate = corrected_rate(0.7, 10, labelled=labels)
    assert rate.rate == pytest.approx(0.5)
    check(judged, least={"f1": 0.6})
    with pytest.raises(EvaluationFailed, match=r"f1 is 0.5 \[0, 0.887\] \(n 10; the judge says 0.7, corrected by"):
        check(judged, least={"f1": 0.6}, rates={"f1": rate})


def test_what_passes_says_on_what_it_rests_and_whether_the_interval_holds_the_limit():
    sure, near = check(run([1.0] * 60), least={"f1": 0.9}), check(run([1.0] * 8 + [0.0] * 2), least={"f1": 0.7})
    assert sure == ["f1 is 1 [0.94, 1] (n 60), and at least 0.9 was asked"]
    said = "f1 is 0.8 [0.49, 0.943] (n 10), and at least 0.7 was asked"
    assert near == [f"{said}, decided by the mean: the interval holds the limit"]
    same = check(run([0.5, 1.0]), least={}, baseline=run([0.5, 1.0], name="base"), tolerance={"f1": 0.1})
    assert same[0].startswith("f1 is in the mean what it was in 'base' [-0.658, 0.658] (n 2), and 0.1 is tolerated")


def test_a_gain_is_said_as_one():
    found = check(run([0.9, 0.8, 1.0]), least={}, baseline=run([0.6, 0.5, 0.6], name="base"), tolerance={"f1": 0.0})
    assert found == ["f1 is better than 'base' by 0.333 [0.19, 0.477] (n 3), and 0 is tolerated"]


def test_a_loss_where_less_is_better_is_what_came_on_top():
    then, now = run([1.0, 2.0, 3.0], name="base"), run([2.0, 3.0, 4.1], lower_is_better=("f1",), units={"f1": "s"})
    with pytest.raises(EvaluationFailed, match=r"than 'base' by 1.03 \[0.89, 1.18\] \(n 3\), and 0.5 is tolerated\n"):
        check(now, least={}, baseline=then, tolerance={"f1": 0.5})


def test_a_judges_loss_is_corrected_by_its_errors():
    # A judge right on 80 % of both kinds shows .6 of what people would see: .06 by it are .1.
    labels = [(True, True)] * 80 + [(False, True)] * 20 + [(True, False)] * 20 + [(False, False)] * 80
    then, now = run([1.0] * 60 + [0.0] * 40, name="base"), run([1.0] * 54 + [0.0] * 46)
    rates = {"f1": corrected_rate(0.54, 100, labelled=labels)}
    check(now, least={}, baseline=then, tolerance={"f1": 0.08})
    with pytest.raises(EvaluationFailed, match=r"by 0.1 \[.*corrected by the judge's errors on labels\), and 0.08"):
        check(now, least={}, baseline=then, tolerance={"f1": 0.08}, rates=rates)


def test_what_another_judge_gave_is_no_baseline():
    def judged(identity):
        one = run([1.0, 0.0])
        return replace(one, pins=replace(one.pins, settings={"judges": {"f1": identity}}))

    check(judged("a"), least={}, baseline=judged("a"), tolerance={"f1": 0.0})
    with pytest.raises(EvaluationFailed, match=r"f1: another judge gave that of now \(id\)"):
        check(judged("b"), least={}, baseline=judged("a"), tolerance={"f1": 0.5})


def test_a_gate_by_the_interval_would_pass_a_loss_or_fail_none():
    generator, n, tolerance = np.random.default_rng(1), 50, 0.02
    reach, fails = stats.t.ppf(0.975, n - 1), {}
    for true in (0.1, 0.0):
        losses = generator.normal(true, 0.5, (40_000, n))
        means, half = losses.mean(axis=1), reach * losses.std(axis=1, ddof=1) / np.sqrt(n)
        rules = (means > tolerance, means - half > tolerance, means + half > tolerance)
        fails[true] = [float(one.mean()) for one in rules]
    assert fails[0.1][:2] == pytest.approx([0.87, 1 - 0.81], abs=0.012)
    assert [fails[0.0][0], fails[0.0][2]] == pytest.approx([0.39, 0.96], abs=0.012)
