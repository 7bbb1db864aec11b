from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbkit.evals.clustering import places, spread

values = st.lists(st.floats(-100, 100).map(lambda one: round(one, 3)), min_size=2, max_size=30)
grouped = st.lists(
    st.tuples(st.floats(-10, 10).map(lambda one: round(one, 3)), st.integers(0, 5)), min_size=3, max_size=40
)


def cr2(values, clusters):
    """CR2 for a regression on a constant, and its degrees of freedom after Bell & McCaffrey, with whole matrices."""
    y, n = np.array(values, dtype=float), len(values)
    x = np.ones((n, 1))
    hat = x @ x.T / n
    rest = np.eye(n) - hat
    variance, rows = 0.0, []
    for cluster in sorted(set(clusters)):
        inside = np.array([one == cluster for one in clusters])
        own = np.eye(inside.sum()) - hat[np.ix_(inside, inside)]
        eigenvalues, vectors = np.linalg.eigh(own)
        root = vectors @ np.diag(eigenvalues**-0.5) @ vectors.T
        row = (x[inside, 0] / n) @ root @ rest[inside]
        variance += float(row @ y) ** 2
        rows.append(row)
    cross = np.array(rows) @ np.array(rows).T
    return variance, np.trace(cross) ** 2 / (cross**2).sum()


@given(grouped)
def test_variance_and_degrees_of_freedom_are_those_of_cr2_by_whole_matrices(drawn):
    numbers, clusters = [one for one, _ in drawn], [cluster for _, cluster in drawn]
    found = spread(numbers, clusters)
    if len(set(clusters)) == 1:
        assert found.variance is None
        assert found.df is None
        return
    variance, df = cr2(numbers, clusters)
    assert found.variance == pytest.approx(variance, abs=1e-9, rel=1e-9)
    assert found.df == pytest.approx(df, rel=1e-9)
    assert 1 - 1e-9 <= found.df <= found.groups - 1 + 1e-9


@given(values)
def test_values_of_their_own_have_the_usual_standard_error(numbers):
    found = spread(numbers)
    assert found.std_error == pytest.approx(stats.sem(numbers), abs=1e-9)
    assert found.df == pytest.approx(len(numbers) - 1)
    assert found.alone == pytest.approx(len(numbers))
    assert not found.is_clustered
    assert spread(numbers, [None] * len(numbers)) == spread(numbers, [*range(len(numbers))]) == found


def test_clusters_of_one_size_have_the_usual_robust_error():
    api = pytest.importorskip("statsmodels.regression.linear_model")
    generator = np.random.default_rng(1)
    groups = np.repeat(np.arange(12), 5)
    numbers = generator.normal(size=60) + np.repeat(generator.normal(size=12), 5)
    fitted = api.OLS(numbers, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": groups})
    found = spread(numbers.tolist(), groups.tolist())
    assert found.std_error == pytest.approx(fitted.bse[0], abs=1e-9)
    assert found.df == pytest.approx(11)


def test_the_design_effect_of_copies_is_how_many_there_are():
    once = [0.1, 0.4, 0.2, 0.9, 0.6]
    found = spread([one for one in once for _ in range(3)], [name for name in "abcde" for _ in range(3)])
    assert found.std_error == pytest.approx(stats.sem(once))
    assert found.design_effect == pytest.approx(3 * (1 - 1 / 15) / (1 - 1 / 5))
    assert found.alone == pytest.approx(5)


def test_one_large_cluster_counts_for_more_than_its_number():
    found = spread([1, 2, 3, 4, 5, 9], ["a", "a", "a", "a", "b", "c"])
    assert found.alone == pytest.approx(36 / (16 + 1 + 1))
    assert found.df < 2


def test_a_case_without_a_cluster_is_apart_from_every_name():
    assert places([1, 1, 1, 1, 1], [None, 0, "", None, 0]) == [0, 1, 2, 3, 1]


def test_rounding_is_no_spread():
    assert spread([0.1 + 0.2, 0.3, 0.3]).variance == 0.0
    assert spread([0.1 + 0.2 - 0.3 + 1e-30, 0.0]).mean >= 0
    assert spread([0.7, -0.1 - 0.6]).mean == 0.0


@pytest.mark.parametrize("numbers", [[math.nan, 1], [math.inf, 1], []])
def test_what_is_no_number_is_refused(numbers):
    with pytest.raises(ValueError, match=r"finite|no values"):
        spread(numbers)


def test_clusters_of_another_number_are_refused():
    with pytest.raises(ValueError, match="2 values and 1 clusters"):
        spread([1, 2], ["a"])
