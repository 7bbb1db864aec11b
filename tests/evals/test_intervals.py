from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nbkit.evals.intervals import estimate, quantile
from nbkit.evals.proportions import score_bounds

units = st.floats(0, 1).map(lambda one: round(one, 3))
seconds = st.floats(0, 1000).map(lambda one: round(one, 3))
scored = st.lists(st.tuples(units | st.sampled_from([0.0, 1.0]), st.integers(0, 6)), min_size=1, max_size=40)


def hall(t, values):
    """Hall's transformation (1992) of a mean that is t standard errors from the truth, by the skewness seen."""
    n, skewness = len(values), stats.skew(values)
    w = t / math.sqrt(n)
    cubic = w + skewness * w**2 / 3 + skewness**2 * w**3 / 27 + skewness / (6 * n)
    return math.sqrt(n) * cubic


def test_symmetric_values_without_bounds_have_scipys_interval():
    values = [1.0, 2.0, 3.5, 5.0, 6.0]
    expected = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    found = estimate(values, is_bounded=False)
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)


def test_the_mean_of_skewed_seconds_is_covered_where_students_interval_misses_it():
    generator, true, ours, student = np.random.default_rng(1), math.exp(0.32), 0, 0
    for _ in range(2000):
        values = generator.lognormal(0, 0.8, 20)
        found = estimate(values.tolist(), is_bounded=False)
        ours += found.low <= true <= found.high
        student += abs(values.mean() - true) <= stats.t.ppf(0.975, 19) * stats.sem(values)
    assert student / 2000 < 0.91
    assert 0.925 <= ours / 2000 <= 0.955


@given(st.lists(seconds, min_size=2, max_size=40).filter(lambda one: max(one) - min(one) > 1e-6))
def test_what_has_no_bounds_has_students_interval_bent_by_its_skewness(values):
    found = estimate(values, is_bounded=False)
    n, error = len(values), stats.sem(values)
    reach = stats.t.ppf(0.975, 2 / (2 / (n - 1) + max(0.0, stats.kurtosis(values)) / n))
    for end, sign in ((found.low, 1), (found.high, -1)):
        assert hall((np.mean(values) - end) / error, values) == pytest.approx(sign * reach, abs=1e-5)
    assert found.method == "student"
    assert found.std_error == pytest.approx(stats.sem(values))


@given(st.lists(st.sampled_from([0, 1]), min_size=1, max_size=60), st.sampled_from([0.8, 0.95, 0.99]))
def test_independent_passes_and_fails_have_wilsons_interval(values, confidence):
    found = estimate(values, confidence=confidence)
    expected = stats.binomtest(sum(values), len(values)).proportion_ci(confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert found.method == "wilson"
    assert found.clusters is None


@given(scored, st.booleans())
def test_an_interval_of_what_runs_from_0_to_1_lies_within_without_a_cut(drawn, is_clustered):
    values, clusters = [one for one, _ in drawn], [cluster for _, cluster in drawn]
    found = estimate(values, clusters=clusters if is_clustered else None)
    assert found.n == len(values)
    if found.low is None:
        assert found.high is None
        assert found.method == "none"
        return
    assert 0 <= found.low <= found.mean + 1e-12
    assert found.mean - 1e-12 <= found.high <= 1
    assert found.high - found.low < 1
    if 0 < found.mean < 1:
        assert found.low > 0
        assert found.high < 1


@given(scored)
def test_turning_passes_into_fails_turns_the_interval_round(drawn):
    values, clusters = [one for one, _ in drawn], [cluster for _, cluster in drawn]
    there, back = estimate(values, clusters=clusters), estimate([1 - one for one in values], clusters=clusters)
    if there.low is None:
        assert back.low is None
        return
    assert (back.low, back.high) == pytest.approx((1 - there.high, 1 - there.low), abs=1e-6)


def effective_wilson(values, clusters, confidence=0.95):
    """The rule of the module, worked again with scipy."""
    y, n = np.array(values, dtype=float), len(values)
    names = sorted(set(clusters))
    sizes = np.array([clusters.count(name) for name in names])
    sums = np.array(
        [sum(one - y.mean() for one, own in zip(y, clusters, strict=True) if own == name) for name in names]
    )
    share = sizes / n
    variance = (sums**2 / (1 - share)).sum() / n**2
    weights = share**2 / (1 - share)
    df = 1 / ((share**2).sum() + weights.sum() ** 2 - (weights**2).sum())
    kurtosis = max(0.0, stats.kurtosis(np.concatenate([s := sums / np.sqrt(sizes * (1 - share)), -s])))
    fewer = 2 / (2 / df + kurtosis / len(names))
    level = (1 + confidence) / 2
    mean = y.mean()
    weight = min(
        stats.t.ppf(level, fewer) ** 2 * variance / (mean * (1 - mean)), stats.t.ppf(level, df) ** 2 * (share**2).sum()
    )
    middle, half = mean + weight / 2, math.sqrt(weight * mean * (1 - mean) + weight**2 / 4)
    return (middle - half) / (1 + weight), (middle + half) / (1 + weight)


def test_clustered_scores_have_wilsons_interval_over_an_effective_number():
    generator = np.random.default_rng(3)
    clusters = np.repeat(np.arange(12), generator.integers(1, 9, 12)).tolist()
    values = generator.beta(2, 0.5, len(clusters)).tolist()
    found = estimate(values, clusters=clusters)
    assert (found.low, found.high) == pytest.approx(effective_wilson(values, clusters), abs=1e-9)
    assert (found.method, found.clusters) == ("effective wilson", 12)
    alone = estimate(values)
    assert (alone.low, alone.high) == pytest.approx(effective_wilson(values, [*range(len(values))]), abs=1e-9)
    assert alone.method == "effective wilson"


def test_many_bounded_scores_have_students_interval_to_the_third_digit():
    values = np.random.default_rng(4).beta(4, 2, 5000).tolist()
    found, usual = estimate(values), estimate(values, is_bounded=False)
    assert (found.low, found.high) == pytest.approx((usual.low, usual.high), abs=1e-4)


def test_clusters_without_bounds_have_the_interval_of_their_means():
    generator = np.random.default_rng(5)
    groups = np.repeat(np.arange(20), 5)
    values = 5 + np.repeat(generator.normal(size=20), 5) + generator.normal(size=100)
    found = estimate(values.tolist(), clusters=groups.tolist())
    alone = estimate(values.reshape(20, 5).mean(axis=1).tolist(), is_bounded=False)
    assert (found.low, found.high) == pytest.approx((alone.low, alone.high), abs=1e-9)
    assert (found.method, found.clusters) == ("clustered student", 20)


def test_copies_of_passes_and_fails_claim_no_more_than_the_clusters():
    once = [1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1]
    copied, alone = estimate(once * 5, clusters=[*range(12)] * 5), estimate(once)
    assert copied.high - copied.low > alone.high - alone.low
    naive = estimate(once * 5)
    assert naive.high - naive.low < alone.high - alone.low


def test_clusters_that_pass_throughout_count_as_one_case_each():
    found = estimate([1] * 30, clusters=[*range(10)] * 3)
    known = stats.t.ppf(0.975, 9) ** 2
    assert (found.low, found.high) == pytest.approx((10 / (10 + known), 1.0))
    assert found.std_error == 0


def test_one_cluster_that_fails_claims_no_less_than_one_case_for_each():
    values, clusters = [0] * 5 + [1] * 95, [n // 5 for n in range(100)]
    found = estimate(values, clusters=clusters)
    assert (found.low, found.high) == pytest.approx(score_bounds(0.95, stats.t.ppf(0.975, 19) ** 2 / 20))


def test_clusters_with_one_mean_claim_no_more_than_independent_cases():
    found, alone = estimate([0, 1] * 10, clusters=[n // 2 for n in range(20)]), estimate([0, 1] * 10)
    assert found.high - found.low >= alone.high - alone.low


def test_no_value_gives_no_mean():
    found = estimate([])
    assert (found.mean, found.low, found.high, found.n, found.method) == (None, None, None, 0, "none")


def test_one_score_and_one_cluster_and_scores_all_alike_have_no_interval():
    for found in (
        estimate([0.4]),
        estimate([0.4, 0.9], clusters=["a", "a"]),
        estimate([1, 1, 0], clusters=["a"] * 3),
        estimate([0.7] * 9),
        estimate([2.5] * 9),
        estimate([0.0] * 9, is_bounded=False),
    ):
        assert found.mean is not None
        assert (found.low, found.high, found.method) == (None, None, "none")


def test_one_pass_says_little():
    found = estimate([1])
    assert (found.low, found.high) == pytest.approx((0.2065, 1.0), abs=1e-4)


def test_dollars_are_not_a_share_of_passes():
    free, some = estimate([0.0, 0.0, 1.0], is_bounded=False), estimate([0.0, 0.0, 1.0])
    assert free.low < 0 < some.low


@settings(deadline=None)
@given(scored)
def test_the_bootstrap_is_the_same_twice_and_holds_the_mean(drawn):
    values, clusters = [one for one, _ in drawn], [cluster for _, cluster in drawn]
    once, twice = (estimate(values, clusters=clusters, method="bootstrap", seed=3) for _ in range(2))
    assert once == twice
    if once.method == "bootstrap":
        assert min(values) - 1e-12 <= once.low <= once.high <= max(values) + 1e-12


def test_a_value_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="leave failed cases out"):
        estimate([0.5, math.nan])


@pytest.mark.parametrize("at", [0.5, 0.95])
@pytest.mark.parametrize("n", [1, 5, 20, 72, 73, 500])
def test_the_ends_of_a_quantiles_interval_are_the_narrowest_that_cover_it(n, at):
    found = quantile([float(one) for one in range(1, n + 1)], at)
    below = stats.binom(n, at)
    firsts = [rank for rank in range(1, n + 1) if below.cdf(rank - 1) <= 0.025]
    lasts = [rank for rank in range(1, n + 1) if below.sf(rank - 1) <= 0.025]
    assert found.low == (max(firsts) if firsts else None)
    assert found.high == (min(lasts) if lasts else None)


@given(st.lists(seconds, min_size=1, max_size=50), st.sampled_from([0.5, 0.9, 0.95]))
def test_a_quantile_is_numpys(values, at):
    found = quantile(values, at)
    assert found.value == pytest.approx(np.quantile(values, at), abs=1e-9)
    assert found.low is None or found.low <= found.value
    assert found.high is None or found.high >= found.value


def test_clusters_widen_a_quantiles_interval():
    generator = np.random.default_rng(6)
    groups = np.repeat(np.arange(40), 10)
    values = np.exp(np.repeat(generator.normal(size=40), 10) + 0.1 * generator.normal(size=400)).tolist()
    alone, shared = quantile(values, 0.5), quantile(values, 0.5, clusters=groups.tolist())
    assert shared.high - shared.low > 2 * (alone.high - alone.low)
    assert shared.clusters == 40


def test_no_value_and_one_cluster_give_no_quantile_interval():
    assert quantile([], 0.5).value is None
    found = quantile([1, 2, 3], 0.5, clusters=["a"] * 3)
    assert (found.value, found.low, found.high) == (2, None, None)


def test_a_quantile_lies_between_0_and_1():
    with pytest.raises(ValueError, match="not at 95"):
        quantile([1, 2], 95)


def test_values_may_be_of_any_sequence():
    for values, kind in itertools.product([(0.2, 0.4, 0.9), np.array([0.2, 0.4, 0.9])], [estimate]):
        assert kind(values) == estimate([0.2, 0.4, 0.9])
