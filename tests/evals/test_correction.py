from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbkit.evals.correction import corrected_rate, counted

labels = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60)


def labelled(*, right_of_passed, passed, right_of_failed, failed):
    return (
        [(True, True)] * right_of_passed
        + [(False, True)] * (passed - right_of_passed)
        + [(False, False)] * right_of_failed
        + [(True, False)] * (failed - right_of_failed)
    )


def test_the_rate_is_that_of_rogan_and_gladen():
    found = corrected_rate(0.3, 200, labelled=labelled(right_of_passed=45, passed=50, right_of_failed=80, failed=100))
    assert (found.sensitivity, found.specificity) == (0.9, 0.8)
    assert found.rate == pytest.approx((0.3 + 0.8 - 1) / (0.9 + 0.8 - 1))
    assert (found.observed, found.labels) == (0.3, 150)


@given(st.floats(0, 1), st.floats(0.6, 1), st.floats(0.6, 1))
def test_the_correction_undoes_the_judges_errors(rate, sensitivity, specificity):
    passed = failed = 10_000
    drawn = labelled(
        right_of_passed=round(sensitivity * passed),
        passed=passed,
        right_of_failed=round(specificity * failed),
        failed=failed,
    )
    observed = rate * sensitivity + (1 - rate) * (1 - specificity)
    assert corrected_rate(observed, 100, labelled=drawn).rate == pytest.approx(rate, abs=1e-3)


def test_the_interval_is_lang_and_reiczigels_worked_by_hand():
    z = 1.959963984540054
    n, se, sp = 200 + z**2, 46 / 52, 81 / 102
    p = (60 + z**2 / 2) / n
    j = se + sp - 1
    rate = (p + sp - 1) / j
    of_se, of_sp = se * (1 - se) / 52, sp * (1 - sp) / 102
    middle = rate + 2 * z**2 * (rate * of_se - (1 - rate) * of_sp)
    half = z * math.sqrt(p * (1 - p) / n + rate**2 * of_se + (1 - rate) ** 2 * of_sp) / j
    found = corrected_rate(0.3, 200, labelled=labelled(right_of_passed=45, passed=50, right_of_failed=80, failed=100))
    assert found.low == pytest.approx(max(0, middle - half))
    assert found.high == pytest.approx(middle + half)


@given(st.floats(0, 1), st.integers(1, 1000), labels)
def test_what_is_said_lies_between_0_and_1(observed, n, drawn):
    found = corrected_rate(observed, n, labelled=drawn)
    assert found.labels == len(drawn)
    if found.rate is None:
        assert found.low is found.high is None
        return
    assert 0 <= found.rate <= 1
    assert 0 <= found.low <= found.high <= 1


def test_more_labels_narrow_the_interval():
    few = labelled(right_of_passed=18, passed=20, right_of_failed=16, failed=20)
    narrow, wide = corrected_rate(0.5, 500, labelled=few * 10), corrected_rate(0.5, 500, labelled=few)
    assert narrow.high - narrow.low < wide.high - wide.low


@pytest.mark.parametrize(
    "drawn",
    [
        [],
        [(True, True)] * 60,
        [(False, False)] * 60,
        labelled(right_of_passed=10, passed=20, right_of_failed=10, failed=20),
        labelled(right_of_passed=5, passed=20, right_of_failed=10, failed=20),
    ],
)
def test_labels_that_cannot_say_give_no_rate(drawn):
    found = corrected_rate(0.5, 100, labelled=drawn)
    assert (found.rate, found.low, found.high) == (None, None, None)


def test_the_interval_covers_a_judge_that_errs():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        people = generator.random(60) < 0.7
        judged = np.where(generator.random(60) < 0.85, people, ~people)
        observed = generator.binomial(200, 0.7 * 0.85 + 0.3 * 0.15) / 200
        found = corrected_rate(observed, 200, labelled=[*zip(judged.tolist(), people.tolist(), strict=True)])
        covered += found.low <= 0.7 <= found.high
    assert 0.93 <= covered / 2000 <= 0.98


@pytest.mark.parametrize(("observed", "n"), [(-0.1, 10), (1.1, 10), (0.5, 0), (math.nan, 10)])
def test_what_is_no_rate_is_refused(observed, n):
    with pytest.raises(ValueError, match="a rate from 0 to 1"):
        corrected_rate(observed, n, labelled=[])


def test_labels_and_cases_that_share_clusters_count_as_fewer():
    drawn = labelled(right_of_passed=40, passed=50, right_of_failed=40, failed=50)
    alone = corrected_rate(0.5, 5000, labelled=drawn)
    shared = corrected_rate(0.5, 5000, labelled=drawn, clusters=[at // 5 for at in range(100)])
    assert shared.rate == alone.rate
    assert shared.high - shared.low > 1.5 * (alone.high - alone.low)


def test_where_all_pass_each_cluster_counts_once_and_few_clusters_less():
    clusters = [at // 10 for at in range(100)]
    few = (stats.norm.ppf(0.975) / stats.t.ppf(0.975, 9)) ** 2
    assert counted([1.0] * 100, clusters) == pytest.approx(10 * few)
    assert counted([1.0] * 100) == 100
    assert counted(([1.0] * 10 + [0.0] * 10) * 5, clusters) == pytest.approx(10 * few, rel=0.11)


@pytest.mark.parametrize(("documents", "cases"), [(3, 10), (5, 10), (8, 3)])
def test_rates_over_few_documents_are_covered_as_often_as_said(documents, cases):
    generator, covered, draws = np.random.default_rng(5), 0, 400
    clusters = [at // cases for at in range(documents * cases)]
    for _ in range(draws):
        chance = generator.beta(0.7, 0.3, documents)
        people = generator.random((documents, cases)) < chance[:, None]
        passed = np.where(people, generator.random(people.shape) < 0.95, generator.random(people.shape) >= 0.95).ravel()
        labels = [(bool(generator.random() < (0.95 if at % 2 else 0.05)), bool(at % 2)) for at in range(60)]
        found = corrected_rate(passed.mean(), counted(passed.astype(float).tolist(), clusters), labelled=labels)
        covered += found.low <= 0.7 <= found.high
    assert covered >= 0.92 * draws
