from __future__ import annotations

import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nbkit.evals.biases import length_bias, position_bias
from nbkit.evals.proportions import wilson

winners = st.sampled_from(["a", "b", "tie"])
verdicts = st.lists(st.tuples(winners, winners), max_size=40)
scored = st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.integers(-50, 50)), max_size=40)


@given(verdicts)
def test_the_share_of_flips_has_wilsons_interval_and_the_places_a_binomial_test(drawn):
    found = position_bias(drawn)
    flips = sum(before != after for before, after in drawn)
    assert found.first + found.second == flips
    if not drawn:
        assert found.flipped.mean is None
        return
    assert found.flipped.mean == pytest.approx(flips / len(drawn))
    assert (found.flipped.low, found.flipped.high) == pytest.approx(wilson(flips / len(drawn), len(drawn)))
    assert found.p == pytest.approx(stats.binomtest(found.first, flips).pvalue if flips else 1.0, abs=1e-9)


@given(verdicts)
def test_turning_the_order_round_turns_the_places_round(drawn):
    there, back = position_bias(drawn), position_bias([(after, before) for before, after in drawn])
    assert (there.first, there.second) == (back.second, back.first)


def test_a_judge_that_takes_whatever_is_first_is_found_out():
    found = position_bias([("a", "b")] * 10)
    assert (found.flipped.mean, found.first, found.second) == (1.0, 10, 0)
    assert found.p == pytest.approx(2 * 0.5**10)


def test_a_judge_that_keeps_its_mind_has_no_place_it_prefers():
    found = position_bias([("a", "a"), ("b", "b"), ("tie", "tie")])
    assert (found.flipped.mean, found.p) == (0.0, 1.0)


@pytest.mark.parametrize("moved", [("a", "tie"), ("tie", "b"), ("a", "b")])
def test_a_tie_is_half_way(moved):
    found = position_bias([moved])
    assert (found.first, found.second) == (1, 0)


@given(scored)
def test_the_correlation_is_scipys(drawn):
    given_verdicts, lengths = [one for one, _ in drawn], [length for _, length in drawn]
    found = length_bias(given_verdicts, lengths)
    assert found.n == len(drawn)
    if len(set(given_verdicts)) < 2 or len(set(lengths)) < 2:
        assert found.correlation is None
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = stats.spearmanr(given_verdicts, lengths)
    assert found.correlation == pytest.approx(expected.statistic, abs=1e-9)
    if len(drawn) > 2:
        assert found.p == pytest.approx(expected.pvalue, abs=1e-9)
    if found.low is not None:
        assert -1 <= found.low <= found.correlation <= found.high <= 1


def test_the_interval_of_the_correlation_is_that_of_bonett_and_wright():
    lengths = [10, 20, 30, 40, 50, 60, 70, 80]
    found = length_bias([-1, 1, -1, 1, 1, -1, 1, 1], lengths)
    half = stats.norm.ppf(0.975) * math.sqrt((1 + found.correlation**2 / 2) / 5)
    expected = [math.tanh(math.atanh(found.correlation) + sign * half) for sign in (-1, 1)]
    assert (found.low, found.high) == pytest.approx(expected)


def test_a_judge_that_follows_length_is_found_out():
    found = length_bias([1, -1] * 30, [50, -40] * 30)
    assert found.correlation == 1.0
    assert found.p == 0.0
    assert found.low is None


def test_verdicts_and_lengths_belong_together():
    with pytest.raises(ValueError, match="2 verdicts and 1 lengths"):
        length_bias([1, 0], [3])


def test_pairs_that_share_clusters_count_as_fewer():
    drawn = [("a", "b")] * 10 + [("a", "a")] * 10
    alone, shared = position_bias(drawn), position_bias(drawn, clusters=[at // 5 for at in range(20)])
    assert shared.flipped.clusters == 4
    assert shared.flipped.high - shared.flipped.low > alone.flipped.high - alone.flipped.low
    assert (shared.towards_first.mean, shared.towards_first.n) == (1.0, 10)
    assert shared.towards_first.low < alone.towards_first.low
