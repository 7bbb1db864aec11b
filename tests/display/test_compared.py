"""Two runs beside one another: what is compared, how many metrics p counts, and which run is which."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from nbkit.display.compared import Comparison
from nbkit.display.evaluated import Evaluated
from nbkit.display.power import Power
from nbkit.display.repeats import repeats_table
from nbkit.evals.cases import Answer, Case, Score
from nbkit.evals.runs import Graded, Pins, Run

UNITS = {"latency": "s", "cost": "USD"}


def run(name, values, *, run_id="id-of-it-1", start=0, units=UNITS, **settings):
    """A run whose metrics have these values, one for each case."""
    count = len(next(iter(values.values())))
    graded = [
        Graded(
            Case(f"q{start + at}", "?", metadata={"kind": "ab"[at % 2]}),
            0,
            Answer("x"),
            {
                metric: Score(given[at]) if given[at] is not None else Score(None, "none")
                for metric, given in values.items()
            },
        )
        for at in range(count)
    ]
    pins = Pins("p", "s", cases=count, metrics=tuple(values), settings=settings, dataset_sha256="a" * 64)
    lower = tuple(one for one in values if one in units)
    return Run(run_id, name, datetime.now(UTC), pins, tuple(graded), units=units, lower_is_better=lower)


GAIN = [0.1] * 12 + [0.0, 0.3, -0.1, 0.6, -0.2, 0.4, 0.2, 0.5]
BEFORE = [0.3] * 20
AFTER = [old + gain for old, gain in zip(BEFORE, GAIN, strict=True)]
SECONDS = [1.0 + at / 7 for at in range(20)]


def test_what_answers_take_does_not_make_a_claim_about_the_answers_weaker():
    scores = {"f1": BEFORE}, {"f1": AFTER}
    alone = Comparison(run("a", scores[0]), run("b", scores[1]))["f1"]
    taken = {"latency": SECONDS, "cost": [one / 1000 for one in SECONDS]}
    beside = Comparison(run("a", scores[0] | taken), run("b", scores[1] | taken))
    assert beside["f1"].p_adjusted == alone.p_adjusted == alone.p
    assert (beside["f1"].compared, beside["latency"].compared) == (1, 2)
    assert [*beside] == ["f1", "latency", "cost"]
    other = Comparison(run("a", {"f1": BEFORE, "em": BEFORE}), run("b", {"f1": AFTER, "em": AFTER}))
    assert other["f1"].p_adjusted == pytest.approx(2 * alone.p)


def test_the_table_says_what_p_counts_and_what_more_cases_mean():
    said = repr(Comparison(run("a", {"f1": BEFORE, "em": SECONDS}), run("b", {"f1": AFTER, "em": SECONDS[::-1]})))
    assert "Each interval is of its metric alone; p counts that 2 scores are compared (Holm), and decides." in said
    first = run("a", {"f1": [0.1, 0.5, 0.3, 0.9], "latency": [1.0, 2.0, 3.0, 4.0]})
    second = run("b", {"f1": [0.2, 0.4, 0.5, 0.9], "latency": [2.0, 2.1, 2.0, 4.0]})
    drawn = Comparison(first, second)
    assert "p counts" not in repr(drawn)
    assert "found in 4 of 5 samples. Decide on the number first" in repr(drawn)
    assert "found in 4 of 5 samples" in drawn._repr_html_()


def test_cases_of_one_run_alone_are_counted_in_the_caption_and_in_their_row():
    first, second = run("a", {"f1": BEFORE}), run("b", {"f1": [*AFTER[:17], None, 0.5, 0.5]}, start=3)
    said = repr(Comparison(first, second))
    assert "b against a, paired by case, over the 17 cases of both; 3 of a alone and 3 of b alone left out" in said
    assert "17, 5 left out" in said
    apart = repr(Comparison(first, run("b", {"f1": AFTER}, start=50)))
    assert "b against a, which share no case: of different cases, unpaired" in apart


def test_runs_of_one_name_are_told_apart_by_their_ids():
    first, second = run("plain", {"f1": BEFORE}), run("plain", {"f1": AFTER}, run_id="other-id-2")
    found = Comparison(first, second)
    assert "plain (other-id) against plain (id-of-it), paired by case" in repr(found)
    assert found.sentence("f1").startswith("plain (other-id) is better on f1 by ")


def test_data_sets_that_differ_are_said_to():
    first, second = run("a", {"f1": BEFORE}), run("b", {"f1": AFTER})
    other = replace(second, pins=replace(second.pins, dataset_sha256="b" * 64))
    assert "The data sets differ (aaaaaaaa, bbbbbbbb)" in repr(Comparison(first, other))
    assert "data sets differ" not in repr(Comparison(first, second))


def test_what_another_judge_gave_is_not_compared():
    first = run("a", {"f1": BEFORE, "right": BEFORE}, judges={"right": "one"})
    second = run("b", {"f1": AFTER, "right": AFTER}, judges={"right": "two"})
    found = Comparison(first, second)
    assert [*found] == ["f1"]
    assert "Not compared, since another judge gave it then: right." in repr(found)
    assert "right" in Comparison(first, replace(second, pins=replace(second.pins, settings=first.pins.settings)))


def test_groups_say_their_n_where_it_is_not_the_number_of_their_cases_and_flag_judges():
    values = [1.0, 0.5, None, 0.5, 0.2, 0.1, 0.9, 0.3]
    found = Evaluated(run("a", {"f1": values, "right": [1.0] * 8}), cards={"right": None})
    drawn = found.by("kind")
    assert "(n 3)" in drawn.text
    assert "(n 4)" not in drawn.text
    assert "right: a judge that was never set against labels." in drawn.text
    for one in (found.worst(), found.case("q0"), found.diff(run("b", {"right": [0.0] * 8}))):
        assert "right: a judge that was never set against labels." in one.text
        assert "right: a judge that was never set against labels." in one.html


def test_power_says_how_far_the_cases_tell_the_spread():
    found = Power.of(
        Evaluated(run("b", {"f1": AFTER}), baseline=run("a", {"f1": BEFORE})), delta=0.05, metric=None, power=0.8
    )
    assert found.between[0] < found.needed < found.between[1]
    assert f"it may take {found.between[0]:,} to {found.between[1]:,}" in repr(found)
    assert "two-sided at 5 %" in repr(found)
    few = Power.of(Evaluated(run("b", {"f1": AFTER[-4:]})), delta=0.05, metric=None, power=0.8)
    assert few.between is None
    assert "too few to tell" in repr(few)


def test_repeats_say_how_many_cases_and_answers_they_are_of():
    one = run("a", {"f1": BEFORE})
    twice = [replace(one.graded[0], sample=sample, scores={"f1": Score(sample / 2)}) for sample in (0, 1)]
    drawn = repeats_table(replace(one, graded=(*twice, *one.graded[1:])))
    assert drawn.rows[0][-1] == "20, 21 answers"
