from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from nbkit.evals.distributions import critical
from nbkit.evals.proportions import mcnemar, paired_bounds, unpaired_bounds, unpaired_test, wilson

counts = st.integers(0, 60)


@st.composite
def two_runs(draw):
    n_a, n_b = draw(st.integers(1, 80)), draw(st.integers(1, 80))
    return draw(st.integers(0, n_a)), n_a, draw(st.integers(0, n_b)), n_b


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(n, share, confidence):
    passed = round(share * n)
    expected = stats.binomtest(passed, n).proportion_ci(confidence, method="wilson")
    assert wilson(passed / n, n, confidence=confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilson_is_statsmodels():
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for passed, n in ((0, 1), (1, 20), (50, 100), (499, 500)):
        expected = proportion.proportion_confint(passed, n, method="wilson")
        assert wilson(passed / n, n) == pytest.approx(expected, abs=1e-9)


def test_mcnemar_is_statsmodels_score_test_without_correction():
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    for gained, lost in ((5, 0), (4, 0), (12, 2), (30, 18), (1, 7)):
        theirs = tables.mcnemar([[10, gained], [lost, 5]], exact=False, correction=False).pvalue
        assert mcnemar(gained, lost, 15 + gained + lost) == pytest.approx(theirs, abs=1e-9)
    assert mcnemar(0, 0, 20) == mcnemar(9, 9, 20) == 1.0


@given(st.integers(0, 7), st.integers(0, 7))
def test_of_few_cases_mcnemar_is_exact_with_half_of_what_was_seen(gained, lost):
    flips = gained + lost
    if flips > 7:
        return
    exact = 1.0 if gained == lost else stats.binomtest(gained, flips).pvalue
    half = 0.0 if gained == lost else stats.binom.pmf(min(gained, lost), flips, 0.5)
    assert mcnemar(gained, lost, 7) == pytest.approx(exact - half, abs=1e-9)
    assert mcnemar(gained, lost, 7) == mcnemar(lost, gained, 7)


def rejecting(test, n, share):
    """The chance that a true null is rejected where this share of n cases flips, summed over all outcomes."""
    lost = [np.arange(flips + 1) for flips in range(n + 1)]
    each = [
        sum(stats.binom.pmf(one[[test(flips - k, k, n) <= 0.05 for k in one.tolist()]], flips, 0.5))
        for flips, one in enumerate(lost)
    ]
    return float(np.dot(stats.binom.pmf(np.arange(n + 1), n, share), each))


def by_exact(gained, lost, n):
    return stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0


def by_mid_p(gained, lost, n):
    return 1.0 if gained == lost else mcnemar(gained, lost, 7)


@pytest.mark.parametrize(
    ("n", "share", "ours", "mid_p", "exact"), [(50, 0.1, 0.047, 0.025, 0.009), (20, 0.1, 0.014, 0.002, 0.0003)]
)
def test_where_few_cases_flip_mcnemar_is_nearer_to_its_level_than_exact_tests(n, share, ours, mid_p, exact):
    found = [rejecting(test, n, share) for test in (mcnemar, by_mid_p, by_exact)]
    assert found == pytest.approx([ours, mid_p, exact], abs=6e-4)


def test_mcnemar_rejects_a_true_null_hardly_more_often_than_it_says():
    half = max(rejecting(mcnemar, n, share) for n in (8, 9, 20, 30, 48) for share in np.linspace(0.02, 0.5, 25))
    assert half == pytest.approx(0.0537, abs=2e-4)
    assert rejecting(mcnemar, 21, 1.0) == pytest.approx(0.0784, abs=1e-4)
    assert rejecting(by_mid_p, 16, 1.0) == pytest.approx(0.0768, abs=1e-4)


def most_likely_paired(gained, lost, n, shift):
    """The share only A passes that makes the counts most likely where B is better by `shift`, by search."""

    def unlikely(only_a):
        shares = (only_a + shift, only_a, 1 - 2 * only_a - shift)
        seen = (gained, lost, n - gained - lost)
        return -sum(k * math.log(max(share, 1e-300)) for k, share in zip(seen, shares, strict=True) if k)

    bounds = (max(0.0, -shift), (1 - shift) / 2)
    return optimize.minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x


@pytest.mark.parametrize(("gained", "lost", "n"), [(12, 2, 50), (1, 0, 44), (0, 1, 44), (20, 20, 60), (5, 0, 9)])
def test_each_end_of_the_paired_interval_is_as_far_as_the_confidence_reaches(gained, lost, n):
    for end in paired_bounds(gained, lost, n):
        only_a = most_likely_paired(gained, lost, n, end)
        variance = n * (2 * only_a + end * (1 - end))
        assert abs(gained - lost - n * end) / math.sqrt(variance) == pytest.approx(critical(0.95), abs=1e-4)


def test_the_paired_interval_where_nothing_flips_is_known_in_closed_form():
    z = critical(0.95)
    assert paired_bounds(0, 0, 50) == pytest.approx((-(z**2) / (50 + z**2), z**2 / (50 + z**2)), abs=1e-9)


@given(counts, counts, counts.map(lambda n: n + 1))
def test_the_paired_interval_holds_what_was_seen_and_turns_round_with_the_runs(gained, lost, same):
    n = gained + lost + same
    low, high = paired_bounds(gained, lost, n)
    assert -1 <= low <= (gained - lost) / n <= high <= 1
    assert paired_bounds(lost, gained, n) == pytest.approx((-high, -low), abs=1e-9)


def test_the_paired_interval_leaves_0_out_exactly_where_the_test_rejects():
    other = []
    for n in (4, 7, 8, 20, 90):
        for flips in range(1, n + 1):
            for lost in range(flips // 2 + 1):
                is_out = paired_bounds(flips - lost, lost, n)[0] > 0
                if is_out != (mcnemar(flips - lost, lost, n) <= 0.05):
                    other.append((flips - lost, lost, n))
    assert other == [(4, 0, 4), (4, 0, 7)]


def test_the_unpaired_interval_is_that_of_newcombes_table():
    # 56 of 70 and 48 of 80 by Miettinen & Nurminen, in Newcombe 1998, "Interval estimation for the difference between
    # independent proportions".
    assert unpaired_bounds(48, 80, passed_b=56, n_b=70) == pytest.approx((0.0528, 0.3382), abs=5e-5)


@pytest.mark.parametrize(("a", "n_a", "b", "n_b"), [(8, 122, 57, 114), (1, 192, 66, 98), (4, 5, 19, 154), (0, 9, 9, 9)])
def test_each_end_of_the_unpaired_interval_is_as_far_as_the_confidence_reaches(a, n_a, b, n_b):
    for end in unpaired_bounds(a, n_a, passed_b=b, n_b=n_b):
        if abs(end) == 1:
            continue

        def unlikely(rate_b, end=end):
            pairs = ((a, n_a, rate_b - end), (b, n_b, rate_b))
            return -sum(
                k * math.log(max(p, 1e-300)) * bool(k) + (n - k) * math.log(max(1 - p, 1e-300)) * bool(n - k)
                for k, n, p in pairs
            )

        bounds = (max(0.0, end), min(1.0, 1 + end))
        rate_b = optimize.minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-13}).x
        rate_a, n = rate_b - end, n_a + n_b
        variance = (rate_b * (1 - rate_b) / n_b + rate_a * (1 - rate_a) / n_a) * n / (n - 1)
        assert abs(b / n_b - a / n_a - end) / math.sqrt(variance) == pytest.approx(critical(0.95), abs=1e-3)


@given(two_runs())
def test_the_unpaired_interval_and_test_agree(runs):
    a, n_a, b, n_b = runs
    low, high = unpaired_bounds(a, n_a, passed_b=b, n_b=n_b)
    assert -1 <= low <= b / n_b - a / n_a + 1e-12
    assert b / n_b - a / n_a - 1e-12 <= high <= 1
    p = unpaired_test(a, n_a, passed_b=b, n_b=n_b)
    assert 0 <= p <= 1
    if abs(p - 0.05) > 1e-6:
        assert (low <= 0 <= high) == (p > 0.05)
    assert unpaired_bounds(b, n_b, passed_b=a, n_b=n_a) == pytest.approx((-high, -low), abs=1e-6)


@given(two_runs())
def test_the_unpaired_test_is_the_chi_squared_of_n_less_1(runs):
    a, n_a, b, n_b = runs
    table = np.array([[a, n_a - a], [b, n_b - b]])
    if not table.sum(axis=0).all():
        assert unpaired_test(a, n_a, passed_b=b, n_b=n_b) == 1.0
        return
    n = n_a + n_b
    chi = stats.chi2_contingency(table, correction=False).statistic * (n - 1) / n
    assert unpaired_test(a, n_a, passed_b=b, n_b=n_b) == pytest.approx(stats.chi2.sf(chi, 1), abs=1e-9)
