from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nbkit.evals.bootstrap import bca_bounds

samples = st.lists(st.floats(0, 1).map(lambda one: round(one, 2)), min_size=2, max_size=12)


@settings(max_examples=30, deadline=None)
@given(samples.filter(lambda one: len(set(one)) > 2), st.integers(0, 5))
def test_the_interval_is_scipys(values, seed):
    generator = np.random.default_rng(seed)
    expected = stats.bootstrap((values,), np.mean, method="BCa", n_resamples=500, rng=generator).confidence_interval
    found = bca_bounds(values, draws=500, seed=seed)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_clusters_are_drawn_whole():
    generator = np.random.default_rng(1)
    means = generator.random(15)
    copied = np.repeat(means, 4).tolist()
    assert bca_bounds(copied, np.repeat(np.arange(15), 4).tolist()) == pytest.approx(bca_bounds(means.tolist()))


def test_draws_come_near_all_draws_there_are():
    values = [0.0, 0.2, 0.7, 1.0, 0.9]
    every = np.array([np.mean(chosen) for chosen in itertools.product(values, repeat=5)])
    seen = np.mean(values)
    shift = stats.norm.ppf(((every < seen).mean() + (every <= seen).mean()) / 2)
    without = np.array([np.mean(values[:place] + values[place + 1 :]) for place in range(5)])
    away = without.mean() - without
    bend = (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    levels = [stats.norm.cdf(shift + (shift + z) / (1 - bend * (shift + z))) for z in stats.norm.ppf([0.025, 0.975])]
    assert bca_bounds(values, draws=200_000) == pytest.approx(np.quantile(every, levels), abs=0.021)


def test_how_many_are_drawn_at_once_does_not_change_what_is_drawn(monkeypatch):
    values = np.random.default_rng(2).random(30).tolist()
    whole = bca_bounds(values, draws=1000)
    monkeypatch.setattr("nbkit.evals.bootstrap._AT_ONCE", 700)
    assert bca_bounds(values, draws=1000) == whole


@pytest.mark.parametrize(("values", "clusters"), [([0.5], None), ([0.5] * 4, None), ([0.1, 0.9], ["a", "a"])])
def test_where_all_draws_agree_there_is_no_interval(values, clusters):
    assert bca_bounds(values, clusters) is None


@given(samples)
def test_the_same_seed_draws_the_same(values):
    assert bca_bounds(values, seed=7, draws=100) == bca_bounds(values, seed=7, draws=100)
