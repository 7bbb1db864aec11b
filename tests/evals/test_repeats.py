from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbkit.evals.intervals import estimate
from nbkit.evals.repeats import case_means, split_variance

samples = st.lists(
    st.lists(st.floats(0, 1).map(lambda one: round(one, 3)), min_size=1, max_size=6), min_size=1, max_size=15
)


def test_the_split_is_that_of_a_table_worked_by_hand():
    # Shrout & Fleiss 1979, "Intraclass correlations", table 2: six targets, four judges; ICC(1, 1) is .17.
    table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = split_variance(table)
    assert found.within == pytest.approx(6.26, abs=0.01)
    assert found.between == pytest.approx((11.24 - 6.26) / 4, abs=0.01)
    assert found.icc == pytest.approx(0.17, abs=0.005)
    assert (found.n, found.samples) == (6, 24)


def test_unequal_repeats_are_split_as_by_hand():
    # Squares: within .02 + .18 + 0 over 3; between 2(.1 - .4)² + 3(.5 - .4)² + .7 - .4 squared, over 2.
    found = split_variance([[0.0, 0.2], [0.2, 0.5, 0.8], [0.7]])
    assert found.within == pytest.approx((0.02 + 0.18) / 3)
    squares = 2 * (0.1 - 0.4) ** 2 + 3 * (0.5 - 0.4) ** 2 + (0.7 - 0.4) ** 2
    usual = (6 - (4 + 9 + 1) / 6) / 2
    assert found.between == pytest.approx(max(0, (squares / 2 - 0.2 / 3) / usual))
    assert found.mean == pytest.approx((0.1 + 0.5 + 0.7) / 3)


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=2, max_size=10))
def test_mean_squares_are_those_of_scipys_one_way_test(table):
    found = split_variance(table)
    values = np.array(table)
    within = values.var(axis=1, ddof=1).mean()
    assert found.within == pytest.approx(within, abs=1e-12)
    if within > 1e-9 and found.between:
        f = stats.f_oneway(*table).statistic
        assert (found.between * 3 + found.within) / found.within == pytest.approx(f, rel=1e-6)


@given(samples)
def test_the_standard_error_is_that_of_the_cases(drawn):
    found = split_variance(drawn)
    assert found.mean == pytest.approx(np.mean(case_means(drawn)))
    if len(drawn) > 1:
        assert found.std_error == pytest.approx(stats.sem(case_means(drawn)), abs=1e-12)
        assert found.std_error == pytest.approx(estimate(case_means(drawn), is_bounded=False).std_error, abs=1e-9)
    assert found.noise is None or 0 <= found.noise <= 1
    assert found.icc is None or 0 <= found.icc <= 1
    assert found.worth is None or found.worth >= 1


def test_the_split_finds_what_the_population_has():
    generator = np.random.default_rng(1)
    cases = generator.normal(0, 2, (4000, 1))
    found = split_variance((cases + generator.normal(0, 1, (4000, 3))).tolist())
    assert found.within == pytest.approx(1, rel=0.05)
    assert found.between == pytest.approx(4, rel=0.08)
    assert found.noise == pytest.approx((1 / 3) / (4 + 1 / 3), rel=0.1)
    assert found.std_error_with(3) == pytest.approx(found.std_error, rel=1e-3)
    assert found.worth == 2


def test_repeats_are_worth_it_until_noise_adds_a_tenth():
    found = split_variance([[0.1, 0.9], [0.2, 1.0], [0.6, 0.2], [0.9, 0.7], [0.3, 0.1], [1.0, 0.8], [0.0, 0.2]])
    least = math.sqrt(found.between / found.n)
    assert found.std_error_with(found.worth) <= 1.1 * least + 1e-12
    assert found.std_error_with(found.worth - 1) > 1.1 * least


def test_one_answer_a_case_says_nothing_of_noise():
    found = split_variance([[0.1], [0.5], [0.7]])
    assert (found.within, found.between, found.noise, found.icc, found.worth) == (None,) * 5
    assert found.std_error == pytest.approx(stats.sem([0.1, 0.5, 0.7]))
    assert found.std_error_with(2) is None


def test_one_case_says_nothing_of_cases():
    found = split_variance([[0.1, 0.5]])
    assert found.within == pytest.approx(0.08)
    assert (found.between, found.std_error, found.noise) == (None, None, None)


def test_cases_that_do_not_differ_want_no_number_of_repeats():
    found = split_variance([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    assert (found.between, found.icc, found.worth) == (0.0, 0.0, None)
    assert split_variance([[0.5, 0.5], [0.5, 0.5]]).icc is None


@pytest.mark.parametrize(("drawn", "said"), [([], "no cases"), ([[0.1], []], "no values")])
def test_what_is_empty_is_refused(drawn, said):
    with pytest.raises(ValueError, match=said):
        split_variance(drawn)
