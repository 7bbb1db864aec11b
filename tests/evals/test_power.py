from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from nbkit.evals.clustering import spread
from nbkit.evals.power import cases_needed, detectable, deviation_bounds, known_with, power_of


@settings(deadline=None)
@given(st.floats(0.01, 3), st.integers(2, 3000), st.sampled_from([0.9, 0.95, 0.999]))
def test_power_is_that_of_the_t_test_by_integration(effect, n, confidence):
    reach, df = stats.t.ppf((1 + confidence) / 2, n - 1), n - 1
    moved = effect * math.sqrt(n)

    def beyond(scale):
        # A noncentral t is a normal over a scale whose square is chi-squared.
        chance = stats.norm.sf(reach * scale - moved) + stats.norm.cdf(-reach * scale - moved)
        return chance * stats.chi.pdf(scale * math.sqrt(df), df) * math.sqrt(df)

    width = 12 / math.sqrt(2 * df)
    # With few cases all of it happens within a narrow stretch of scales, which an even search would step over.
    ends = sorted(
        {max(0.0, 1 - width), min(1 + width, moved / reach), min(1 + width, 2 * moved / reach), 1.0, 1 + width}
    )
    pieces = itertools.pairwise(end for end in ends if end >= max(0.0, 1 - width))
    expected = sum(integrate.quad(beyond, *piece, limit=400, epsabs=1e-10)[0] for piece in pieces)
    assert power_of(1, effect, n, confidence=confidence) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("effect", [0.05, 0.1, 0.2, 0.5, 0.8, 1.5])
@pytest.mark.parametrize("power", [0.8, 0.9, 0.95])
def test_power_and_cases_are_statsmodels_paired_t_test(effect, power):
    solver = pytest.importorskip("statsmodels.stats.power").TTestPower()
    assert cases_needed(1, effect, power=power) == math.ceil(solver.solve_power(effect, power=power, alpha=0.05))
    for n in (5, 33, 60):
        expected = solver.power(effect, n, 0.05)
        if math.isfinite(expected):
            assert power_of(1, effect, n) == pytest.approx(expected, abs=1e-6)
    # Its own solver stops 2e-6 away, so the difference is asked back.
    assert solver.power(detectable(1, 50, power=power), 50, 0.05) == pytest.approx(power, abs=1e-6)


@settings(deadline=None)
@given(st.floats(0.05, 2), st.floats(0.05, 0.99), st.floats(1, 6))
def test_the_cases_needed_suffice_and_one_fewer_does_not(effect, power, design_effect):
    n = cases_needed(1, effect, power=power, design_effect=design_effect)
    assert power_of(1, effect, n, design_effect=design_effect) >= power
    if (n - 1) / design_effect >= 2:
        assert power_of(1, effect, n - 1, design_effect=design_effect) < power


@settings(deadline=None)
@given(st.floats(0.1, 5), st.integers(3, 1000))
def test_what_is_detectable_is_detected_as_often_as_asked(sd, n):
    assert power_of(sd, detectable(sd, n), n) == pytest.approx(0.8, abs=1e-9)


def test_a_difference_of_nothing_is_shown_as_often_as_the_error_allows():
    assert power_of(1, 0, 30) == pytest.approx(0.05, abs=1e-9)
    assert power_of(1, -0.5, 30) == power_of(1, 0.5, 30)


def test_large_samples_are_normal_without_a_step():
    for n in (9_999_990, 10_000_100):
        moved = math.sqrt(n) * 0.001
        z = stats.norm.ppf(0.975)
        assert power_of(1, 0.001, n) == pytest.approx(stats.norm.sf(z - moved) + stats.norm.cdf(-z - moved), abs=1e-6)
    assert cases_needed(1, 1e-6) == pytest.approx(7.8489e12, rel=1e-4)
    assert power_of(1, 5, 100_000) == pytest.approx(1, abs=1e-8)


def test_clusters_multiply_the_cases_needed():
    assert cases_needed(1, 0.1, design_effect=7) == pytest.approx(7 * cases_needed(1, 0.1), abs=7)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cases_needed(1, 0), "no number of cases"),
        (lambda: cases_needed(1, 1e-12), "no number of cases"),
        (lambda: cases_needed(0, 0.1), "sd is above 0"),
        (lambda: cases_needed(1, 0.1, power=1), "between 0 and 1"),
        (lambda: power_of(1, 0.1, 1), "count as 1.00"),
        (lambda: power_of(1, 0.1, 20, design_effect=0), "design_effect is above 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize("df", [4, 9, 49, 500])
def test_a_deviation_is_known_as_chi_squared_says(df):
    expected = [math.sqrt(df / stats.chi2.ppf(p, df)) for p in (0.975, 0.025)]
    assert deviation_bounds(1.0, df) == pytest.approx(expected, rel=0.04 if df < 9 else 0.01)


def test_the_deviation_of_skewed_differences_is_known_less_well():
    generator, covered = np.random.default_rng(1), [0, 0]
    for _ in range(1000):
        values = np.where(generator.random(60) < 0.6, 0.0, generator.normal(0, 1, 60)) * generator.random(60)
        seen = spread(values.tolist())
        for at, df in enumerate((seen.df, known_with(seen))):
            ends = deviation_bounds(seen.sd, df)
            covered[at] += ends is None or ends[0] <= math.sqrt(0.4 / 3) <= ends[1]
    assert covered[0] / 1000 < 0.8
    assert covered[1] / 1000 > 0.88
