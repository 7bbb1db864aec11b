"""The card of a judge of pairs: what its two orders and the lengths of answers show of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from scipy import stats

from nbkit.display.evaluated import Evaluated
from nbkit.display.judges import pair_table
from nbkit.evals.cases import Answer, Case, Score
from nbkit.evals.pairs import pair_cards
from nbkit.evals.proportions import wilson
from nbkit.evals.runs import Graded, Pins, Run


def pair(first, second, *, longer=0):
    mean = (first + second) / 2
    return Score(mean, repeats=(first, second), longer_chars=longer, usd=Decimal("0.0002"), record_ids=("r",))


def run(*scores, clusters=()):
    graded = [
        Graded(Case(f"q{at}", "?", cluster=clusters[at] if clusters else None), 0, Answer("x"), {"better": score})
        for at, score in enumerate(scores)
    ]
    pins = Pins("p", "s", cases=len(graded), metrics=("better",))
    pins = replace(pins, settings={"judges": {"better": "hash"}, "pairs": {"better": "fake:m"}})
    return Run("id", "now", datetime.now(UTC), pins, tuple(graded))


FIRST_SHOWN = [pair(1.0, 0.0, longer=at) for at in range(6)]
STEADY = [pair(1.0, 1.0, longer=30 + at) for at in range(3)] + [pair(0.0, 0.0, longer=-at - 1) for at in range(3)]


def test_a_judge_that_takes_what_is_shown_first_is_found_out_with_interval_and_n():
    (card,) = pair_cards(run(*FIRST_SHOWN, *STEADY, Score(0.5), Score(None, "error", "silence")))
    place = card.by_position
    assert (place.flipped.mean, place.flipped.n) == (0.5, 12)
    assert (place.flipped.low, place.flipped.high) == pytest.approx(wilson(0.5, 12))
    assert (place.towards_first.mean, place.towards_first.n, place.towards_first.low) == (1, 6, wilson(1, 6)[0])
    assert place.p == pytest.approx(stats.binomtest(6, 6).pvalue)
    assert (card.same, card.failed) == (1, 1)
    assert card.usd_per_verdict == Decimal("0.0001")


def test_verdicts_that_go_with_length_show_it():
    (card,) = pair_cards(run(*STEADY))
    expected = stats.spearmanr([1, 1, 1, 0, 0, 0], [30, 31, 32, -1, -2, -3]).statistic
    assert card.by_length.correlation == pytest.approx(expected)
    assert card.by_length.n == 6


def test_pairs_of_one_cluster_count_as_fewer():
    alone = pair_cards(run(*FIRST_SHOWN, *STEADY))[0].by_position.flipped
    shared = pair_cards(run(*FIRST_SHOWN, *STEADY, clusters=["a"] * 6 + ["b"] * 3 + ["c"] * 3))[0].by_position.flipped
    assert shared.clusters == 3
    assert shared.high - shared.low > alone.high - alone.low


def test_the_card_stands_below_the_means_and_says_what_no_preference_is():
    drawn = repr(Evaluated(run(*FIRST_SHOWN, *STEADY), cards={"better": None}))
    assert "better  0.500  " in drawn
    assert "never set against labels; 0.5 is no preference" in drawn
    assert "Judge better, of pairs" in drawn
    assert "verdict changes with the order" in drawn
    assert "No gate may rest on it" in drawn
    assert re.search(r"of those, towards the answer shown first +1.000 +\[0.610, 1.000\] +6\n", drawn)
    assert "Judge better, of pairs" in Evaluated(run(*STEADY))._repr_mimebundle_()["text/html"]


def test_where_nothing_was_judged_the_card_claims_nothing():
    (card,) = pair_cards(run(Score(0.5), Score(0.5)))
    assert card.by_position.flipped.mean is None
    assert card.usd_per_verdict is None
    assert "same texts, not judged" in pair_table(card).text()
