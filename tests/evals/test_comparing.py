from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbkit.evals.comparing import compare
from nbkit.evals.proportions import mcnemar, paired_bounds, unpaired_bounds, unpaired_test
from nbkit.evals.sentences import sentence

units = st.floats(0, 1).map(lambda one: round(one, 3))
ids = st.sampled_from([f"q{n}" for n in range(12)])
runs = st.dictionaries(ids, units | st.sampled_from([0.0, 1.0]), max_size=12)
clustered = st.dictionaries(ids, st.sampled_from(["a", "b", "c", None]), max_size=12)


def named(values, start=0):
    return {f"q{place}": float(value) for place, value in enumerate(values, start)}


@given(st.lists(st.tuples(units, units), min_size=2, max_size=40).filter(lambda one: len(set(one)) > 1))
def test_scores_of_the_same_cases_are_compared_by_the_paired_t_test(pairs):
    a, b = zip(*pairs, strict=True)
    apart = np.subtract(b, a)
    found = compare(named(a), named(b))
    if apart.std() < 1e-9 or found.test == "mcnemar":
        return
    expected = stats.ttest_rel(b, a)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-6)
    assert found.low == pytest.approx(max(-1, interval.low), abs=1e-6)
    assert found.high == pytest.approx(min(1, interval.high), abs=1e-6)
    assert found.effect_size == pytest.approx(apart.mean() / apart.std(ddof=1))
    assert (found.test, found.n, found.is_paired) == ("paired t", len(pairs), True)
    assert found.is_decisive == (found.p <= 0.05)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50))
def test_passes_and_fails_of_the_same_cases_are_compared_by_mcnemar(pairs):
    gained, lost = pairs.count((False, True)), pairs.count((True, False))
    found = compare(*(named(side) for side in zip(*pairs, strict=True)))
    assert (found.p, found.test) == (mcnemar(gained, lost, len(pairs)), "mcnemar")
    assert (found.low, found.high) == paired_bounds(gained, lost, len(pairs))
    assert found.difference == pytest.approx((gained - lost) / len(pairs))


def test_clusters_have_the_robust_error():
    generator = np.random.default_rng(1)
    groups = np.repeat(np.arange(20), 5)
    a = generator.random(100) / 2
    b = a + np.repeat(generator.random(20) / 2, 5)
    found = compare(named(a), named(b), clusters=dict(zip(named(a), groups.tolist(), strict=True)))
    means = (b - a).reshape(20, 5).mean(axis=1)
    expected = stats.ttest_1samp(means, 0)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)), abs=1e-9)
    assert (found.test, found.clusters) == ("clustered t", 20)
    assert found.design_effect == pytest.approx(5, rel=0.1)


def test_clusters_have_the_error_of_statsmodels():
    api = pytest.importorskip("statsmodels.regression.linear_model")
    generator = np.random.default_rng(2)
    groups = np.repeat(np.arange(30), 4)
    a, b = ((generator.random(120) < np.repeat(generator.random(30), 4)).astype(float) for _ in range(2))
    found = compare(named(a), named(b), clusters=dict(zip(named(a), groups.tolist(), strict=True)))
    fitted = api.OLS(b - a, np.ones(120)).fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
    assert found.p == pytest.approx(fitted.pvalues[0], abs=1e-6)
    assert (found.low, found.high) == pytest.approx(tuple(fitted.conf_int()[0]), abs=1e-6)


@given(runs, runs, clustered)
def test_a_comparison_turns_round_with_its_runs_and_holds_what_was_seen(a, b, clusters):
    there, back = compare(a, b, clusters=clusters), compare(b, a, clusters=clusters)
    assert there.n == back.n
    assert there.left_out == back.left_out
    if there.difference is None:
        assert not (a and b)
        return
    assert back.difference == pytest.approx(-there.difference)
    assert (there.p is None) == (back.p is None)
    assert there.p is None or 0 <= there.p <= 1
    assert there.p is None or back.p == pytest.approx(there.p)
    if there.low is not None:
        assert -1 <= there.low <= there.difference + 1e-12
        assert there.difference - 1e-12 <= there.high <= 1
        assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-6)
    for number in (there.difference, there.low, there.high, there.p, there.effect_size, there.sd, there.std_error):
        assert number is None or math.isfinite(number)


def test_only_cases_that_both_runs_have_are_compared():
    found = compare({"q1": 0.1, "q2": 0.2, "q3": 0.3, "old": 1.0}, {"q3": 0.9, "q2": 0.4, "q1": 0.6, "new": 0.0})
    assert (found.n, found.left_out) == (3, 2)
    assert (found.mean_a, found.mean_b) == (pytest.approx(0.2), pytest.approx(19 / 30))


@given(st.lists(units, min_size=12, max_size=30), st.lists(units, min_size=12, max_size=30))
def test_scores_of_different_cases_are_compared_by_welch(first, second):
    found = compare(named(first), named(second, 100))
    if found.test != "welch" or np.std(first) < 1e-9 or np.std(second) < 1e-9:
        return
    expected = stats.ttest_ind(second, first, equal_var=False)
    interval = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-6)
    assert found.low == pytest.approx(max(-1, interval.low), abs=1e-6)
    assert found.high == pytest.approx(min(1, interval.high), abs=1e-6)
    assert (found.n, found.is_paired, found.left_out) == (len(first) + len(second), False, 0)


@pytest.mark.parametrize("rate", [0.7, 0.95])
@pytest.mark.parametrize(
    ("many", "few"), [((24, 3), (10, 1)), ((200, 10), (12, 1)), ((100, 5), (50, 5)), ((24, 1), (10, 1))]
)
def test_runs_that_share_no_case_are_rarely_found_to_differ_where_they_do_not(many, few, rate):
    generator, found, draws = np.random.default_rng(7), 0, 500

    def drawn(n, size):
        chance = generator.beta(rate, 1 - rate, n // size) if size > 1 else np.full(n, rate)
        return (generator.random(n) < np.repeat(chance, size)).astype(float)

    clusters = {f"q{at}": at // many[1] for at in range(many[0])} if many[1] > 1 else {}
    clusters |= {f"q{at + 1000}": 1000 + at // few[1] for at in range(few[0])} if few[1] > 1 else {}
    for _ in range(draws):
        found += compare(named(drawn(*many)), named(drawn(*few), 1000), clusters=clusters).is_decisive
    assert found <= 0.08 * draws


@pytest.mark.parametrize("few", [1, 3, 9])
def test_a_run_of_fewer_than_ten_cases_says_nothing_of_other_cases(few):
    found = compare(named([0.0] * 24), named([1.0] * few, 100))
    assert (found.difference, found.p, found.low, found.is_decisive) == (1.0, None, None, False)
    assert "fewer than ten cases" in sentence(found, "f1")


def test_one_cluster_says_nothing_of_another():
    a, b = named([0.1, 0.2, 0.3, 0.2, 0.1]), named([0.6, 0.8, 0.7, 0.5, 0.6])
    found = compare(a, b, clusters=dict.fromkeys(a, "doc"))
    assert "the cases do not say how sure that is" in sentence(found, "f1")


def test_passes_of_different_cases_are_compared_by_the_score_test():
    first, second = [1] * 48 + [0] * 32, [1] * 56 + [0] * 14
    found = compare(named(first), named(second, 100))
    assert (found.low, found.high) == unpaired_bounds(48, 80, passed_b=56, n_b=70)
    assert (found.p, found.test) == (unpaired_test(48, 80, passed_b=56, n_b=70), "score")


def test_clusters_widen_the_comparison_of_different_cases():
    generator = np.random.default_rng(3)
    a, b = np.repeat(generator.random(15), 6), np.repeat(generator.random(15), 6)
    clusters = {f"q{place}": place // 6 for place in range(200)}
    found = compare(named(a), named(b, 90), clusters=clusters)
    expected = stats.ttest_ind(b[::6], a[::6], equal_var=False)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-9)
    assert found.clusters == 30


def test_where_no_case_differs_the_interval_says_how_sure_that_is():
    same = named([0.3, 0.5, 0.7, 0.2, 0.8])
    found = compare(same, same)
    assert (found.difference, found.p, found.is_decisive) == (0.0, 1.0, False)
    assert (found.low, found.high) == pytest.approx(paired_bounds(0, 0, 5))
    seconds = compare(same, same, is_bounded=False)
    assert (seconds.p, seconds.low, seconds.high) == (1.0, None, None)


def test_where_all_cases_differ_by_the_same_signs_say_how_sure_that_is():
    a = named([1.5, 2.5, 3.5, 4.5, 5.5, 6.5])
    found = compare(a, {case: value + 1 for case, value in a.items()}, is_bounded=False)
    flips = [abs(sum(signs)) >= 6 for signs in itertools.product((1, -1), repeat=6)]
    assert found.p == sum(flips) / len(flips)
    assert (found.low, found.high, found.effect_size) == (None, None, None)


def test_one_pair_and_one_cluster_say_nothing():
    one = compare({"q1": 0.1}, {"q1": 0.9})
    assert (one.difference, one.low, one.p, one.test) == (pytest.approx(0.8), None, None, "none")
    shared = compare(named([0.1, 0.2]), named([0.5, 0.9]), clusters={"q0": "a", "q1": "a"})
    assert (shared.low, shared.p, shared.is_decisive) == (None, None, False)


def test_no_case_says_nothing():
    found = compare({"q1": 1.0}, {})
    assert (found.difference, found.n, found.left_out) == (None, 0, 1)


def test_seconds_are_not_cut_at_1():
    a, b = named([0.1, 0.9, 0.4]), named([0.2, 0.1, 0.9])
    assert compare(a, b, is_bounded=False).high > 1 == compare(a, b).high


def test_what_is_bounded_in_one_run_only_has_no_bounds():
    found = compare(named([0, 1, 0, 1]), named([5, 4, 3, 5]))
    assert found.test == "paired t"
    assert found.high > 1


def test_a_value_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="finite"):
        compare({"q1": 0.1, "q2": 0.5}, {"q1": math.nan, "q2": 0.3})
