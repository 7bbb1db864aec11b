from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.evals.differences import Difference, holm, together
from nbkit.evals.power import cases_needed

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@settings(deadline=None)
@given(p_values)
def test_holm_is_statsmodels(p):
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    assert holm(p) == pytest.approx(multitest.multipletests(p, method="holm")[1], abs=1e-12)


@given(p_values.filter(lambda one: len(one) < 7), st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_rejects_what_closed_testing_by_bonferroni_rejects(p, level):
    places = range(len(p))
    subsets = [set(one) for size in range(1, len(p) + 1) for one in itertools.combinations(places, size)]
    for place, adjusted in enumerate(holm(p)):
        closed = max(min(1.0, len(one) * min(p[other] for other in one)) for one in subsets if place in one)
        assert adjusted == pytest.approx(closed)
        assert (adjusted <= level) == (closed <= level) or adjusted == pytest.approx(level)


def test_no_p_values_are_none():
    assert holm([]) == []
    assert together({}) == {}


def test_metrics_together_are_corrected_and_say_how_many_they_are():
    found = together(
        {
            "f1": Difference(0.1, 0.02, 0.18, p=0.03, p_adjusted=0.03, n=50, sd=0.3),
            "latency": Difference(0.5, 0.1, 0.9, p=0.001, p_adjusted=0.001, n=50, sd=1.0),
            "judge": Difference(0.2, n=1),
        }
    )
    assert (found["f1"].p_adjusted, found["latency"].p_adjusted) == (0.03, 0.002)
    assert found["f1"].is_decisive
    assert [one.compared for one in found.values()] == [2, 2, 1]
    assert found["judge"].p_adjusted is None
    assert not found["judge"].is_decisive


def test_one_that_holm_undecides_keeps_its_interval():
    found = together({name: Difference(0.1, 0.01, 0.19, p=0.03, p_adjusted=0.03, n=40, sd=0.3) for name in "abc"})
    assert not found["a"].is_decisive
    assert found["a"].low == 0.01


def test_more_cases_are_those_needed_at_this_metrics_share_of_the_error():
    alone = Difference(0.05, -0.03, 0.13, p=0.2, p_adjusted=0.2, n=50, sd=0.3)
    assert alone.more_cases() == cases_needed(0.3, 0.05) - 50
    beside = Difference(0.05, -0.03, 0.13, p=0.2, p_adjusted=0.6, n=50, sd=0.3, compared=3)
    assert beside.more_cases() == cases_needed(0.3, 0.05, confidence=1 - 0.05 / 3) - 50
    clusters = Difference(0.05, -0.1, 0.2, p=0.5, p_adjusted=0.5, n=50, sd=0.3, design_effect=4.0)
    assert clusters.more_cases(power=0.9) == cases_needed(0.3, 0.05, power=0.9, design_effect=4.0) - 50


@pytest.mark.parametrize(
    "found",
    [
        Difference(),
        Difference(0.1, p=0.01, p_adjusted=0.01, n=50, sd=0.3),
        Difference(0.0, -0.1, 0.1, p=1.0, p_adjusted=1.0, n=50, sd=0.3),
        Difference(0.1, p=0.125, p_adjusted=0.125, n=4, sd=0.0),
    ],
)
def test_where_more_cases_are_no_question_there_is_no_number(found):
    assert found.more_cases() is None


def test_a_difference_of_rounding_needs_no_cases():
    assert Difference(1e-17, -0.1, 0.1, p=1.0, p_adjusted=1.0, n=50, sd=0.3).more_cases() is None


def test_more_cases_do_not_shrink_where_holm_reaches_1():
    capped = Difference(0.05, -0.1, 0.2, p=0.5, p_adjusted=1.0, n=50, sd=0.3, compared=4)
    assert capped.more_cases() == cases_needed(0.3, 0.05, confidence=1 - 0.05 / 4) - 50
