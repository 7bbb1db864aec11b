from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from nbkit.evals.distributions import (
    beta_cdf,
    binomial_cdf,
    critical,
    normal_quantile,
    normal_tail,
    student_quantile,
    student_tail,
)

DEGREES = (0.5, 1, 2, 3, 4.3, 10, 100.5, 1e3, 1e4, 1e6)
chances = st.floats(1e-12, 1 - 1e-12)
degrees = st.floats(0.5, 1e6)


@pytest.mark.parametrize("df", DEGREES)
@pytest.mark.parametrize("t", [-30, -1, 0, 1e-9, 0.1, 1, 1.96, 2.5, 10, 100, 1e4])
def test_students_tail_is_scipys(df, t):
    expected = stats.cauchy.sf(t) if df == 1 else stats.t.sf(t, df)  # scipy's t with 1 df is off by 3e-10
    assert student_tail(t, df) == pytest.approx(expected, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("df", DEGREES)
@pytest.mark.parametrize("p", [1e-50, 1e-12, 1e-4, 0.025, 0.2, 0.499, 0.5, 0.6, 0.975, 1 - 1e-9])
def test_students_quantile_is_scipys(df, p):
    assert student_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-9, abs=1e-12)


@given(chances, degrees)
def test_a_quantile_has_the_tail_it_was_asked_for(p, df):
    tail = student_tail(student_quantile(p, df), df)
    assert tail == pytest.approx(1 - p, rel=1e-7, abs=1e-12)


@given(st.floats(-37, 37))
def test_the_normal_tail_is_scipys(x):
    assert normal_tail(x) == pytest.approx(stats.norm.sf(x), rel=1e-11)


@given(st.floats(1e-300, 1 - 1e-12))
def test_the_normal_quantile_is_scipys(p):
    assert normal_quantile(p) == pytest.approx(stats.norm.ppf(p), rel=1e-9, abs=1e-9)


@given(st.floats(1e-12, 1), st.floats(1e-2, 1e6), st.floats(1e-2, 1e6))
def test_the_incomplete_beta_function_is_scipys(x, a, b):
    assert beta_cdf(x, a, b=b) == pytest.approx(special.betainc(a, b, x), abs=1e-9)


@given(st.integers(-1, 3000), st.integers(1, 3000), st.floats(1e-6, 1 - 1e-6))
def test_the_binomial_is_scipys(k, n, p):
    assert binomial_cdf(k, n, p=p) == pytest.approx(stats.binom.cdf(k, n, p), abs=1e-10)


def test_infinite_degrees_of_freedom_are_the_normal_distribution():
    assert student_tail(1.5, math.inf) == normal_tail(1.5)
    assert critical(0.95) == normal_quantile(0.975) == pytest.approx(1.959963984540054)
    assert critical(0.95, 1e9) == pytest.approx(critical(0.95), abs=1e-8)


def test_a_value_too_large_to_square_has_no_tail_and_is_not_nan():
    assert student_tail(1e200, 5) == 0
    assert student_tail(-1e200, 5) == 1


@pytest.mark.parametrize("p", [0, 1, -0.1, 1.5, math.nan])
def test_a_chance_that_is_none_is_refused(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        student_quantile(p, 3)
    with pytest.raises(ValueError, match="between 0 and 1"):
        critical(p)


@pytest.mark.parametrize("df", [0, -1, math.nan])
def test_degrees_of_freedom_are_above_0(df):
    with pytest.raises(ValueError, match="above 0"):
        student_tail(1, df)
