from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from nbkit.ledger.compared import MEASURES, Call, Limits, compare, dealt, fisher, mean, quantile
from nbkit.ledger.summary import exact_latency

LIVE = Call("ok", "miss", True, False, 0.01, 1.0, "openai:m", "/w/a.ipynb", "c1")


def calls(n, **fields):
    return [dataclasses.replace(LIVE, **fields)] * n


def failed(n, **fields):
    return calls(n, status="error", is_answered=False, live_s=None, usd=0.0, **fields)


def changed(before, now, limits=None):
    found = compare(before, now, limits or Limits())
    assert [one.measure for one in found] == [measure.name for measure in MEASURES]
    return {one.measure: one for one in found if one.verdict == "changed"}


def test_the_same_calls_are_no_change():
    same = calls(500) + failed(20)
    assert changed(same, same) == {}


def test_free_answers_beside_answers_of_unknown_price_are_no_cost_of_nothing():
    mixed = calls(30, usd=0.0) + calls(30, usd=None)
    (cost, *_) = compare(mixed, mixed)
    assert (cost.before, cost.now, cost.n_now) == (None, None, 0)
    (free, *_) = compare(calls(30, usd=0.0), calls(30, usd=0.0))
    assert (free.before, free.n_now) == (0.0, 30)


def test_a_share_that_grew_is_named_with_who_did_it():
    before = calls(50) + calls(50, model="openai:other", cell="c2", notebook="/w/b.ipynb")
    now = calls(50) + calls(30, model="openai:other", cell="c2") + failed(20, model="openai:other", cell="c2")
    found = changed(before, now)
    assert {*found} == {"error rate"}
    one = found["error rate"]
    assert (one.before, one.now, one.n_before, one.n_now, one.is_worse) == (0.0, 0.2, 100, 100, True)
    assert [(cause.kind, cause.name, cause.share) for cause in one.causes] == [
        ("model", "openai:other", 1.0),
        ("notebook", "/w/a.ipynb", 1.0),
        ("cell", "a.ipynb#c2", 1.0),
    ]


@pytest.mark.parametrize(("old", "new"), [(0, 3), (1, 5), (3, 0)])
def test_few_calls_that_differ_by_chance_alarm_nobody(old, new):
    before, now = calls(20 - old) + failed(old), calls(20 - new) + failed(new)
    assert changed(before, now) == {}


def test_fewer_calls_than_the_least_are_not_compared():
    found = compare(calls(200), failed(19), Limits())
    by_name = {one.measure: one for one in found}
    assert by_name["error rate"].verdict == "too few calls"
    assert changed(calls(200), failed(19), Limits(least_calls=19))["error rate"].now == 1.0


def test_a_difference_that_matters_to_nobody_is_none():
    before, now = calls(98_000) + failed(2_000), calls(97_000) + failed(3_000)
    (one,) = [one for one in compare(before, now) if one.measure == "error rate"]
    assert (one.verdict, one.p_value) == ("steady", None)
    assert changed(before, now, Limits(rate=0.005))["error rate"].is_worse


def test_cost_is_that_of_live_answers():
    before = calls(40, usd=0.01) + calls(400, cache_status="hit", usd=0.0, live_s=None)
    found = changed(before, calls(40, usd=0.02))
    assert (found["cost per live answer"].before, found["cost per live answer"].now) == (0.01, 0.02)
    assert found["cache hit rate"].causes != ()
    assert changed(calls(40, usd=0.01), calls(40, usd=0.012)) == {}
    assert changed(calls(40, usd=None), calls(40, usd=0.012)) == {}


def test_latency_is_the_95th_percentile_and_not_of_a_few_slow_ones():
    chance = random.Random(1)
    usual = [dataclasses.replace(LIVE, live_s=chance.lognormvariate(0, 0.4)) for _ in range(400)]
    slow = [dataclasses.replace(LIVE, live_s=chance.uniform(8, 12), cell="slow") for _ in range(40)]
    found = changed(usual, usual[40:] + slow)["latency p95, live"]
    assert found.is_worse
    assert found.causes[-1].name == "a.ipynb#slow"
    assert changed(usual[:100], usual[100:190] + slow[:4]) == {}


def test_milliseconds_are_no_change():
    assert changed(calls(100, live_s=0.002), calls(100, live_s=0.02)) == {}


def test_better_is_a_change_too_but_not_worse():
    found = changed(failed(60) + calls(40), calls(100))["error rate"]
    assert not found.is_worse
    hits = calls(100, cache_status="hit", usd=0.0, live_s=None)
    assert not changed(calls(100), hits)["cache hit rate"].is_worse
    assert changed(hits, calls(100))["cache hit rate"].is_worse


def test_refusals_are_of_answers_and_blocked_calls_of_those_that_ended():
    refused = changed(calls(100), calls(70) + calls(30, is_refused=True))
    assert {*refused} == {"refusal rate"}
    stopped = calls(300, status="interrupted", is_answered=False, live_s=None)
    blocked = calls(30, status="blocked", is_answered=False, live_s=None, cache_status="skipped", model=None)
    found = changed(calls(100), calls(70) + blocked + stopped)
    assert (found["blocked rate"].now, found["blocked rate"].n_now) == (0.3, 100)


def test_alarms_without_a_cause_are_rare():
    chance = random.Random(7)

    def drawn():
        return [
            dataclasses.replace(
                LIVE,
                usd=chance.lognormvariate(-5, 1.0),
                live_s=chance.lognormvariate(0, 0.8),
                is_refused=chance.random() < 0.1,
                cache_status="hit" if chance.random() < 0.3 else "miss",
            )
            for _ in range(40)
        ]

    assert sum(bool(changed(drawn(), drawn())) for _ in range(60)) <= 3


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_fishers_test_is_scipys(a, b, c, d):
    own = fisher(a, a + b, c, c + d)
    assert own == pytest.approx(stats.fisher_exact([[a, b], [c, d]]).pvalue, rel=1e-6, abs=1e-9)


def test_dealing_agrees_with_scipys_permutation_test():
    chance = random.Random(3)
    old, new = [[chance.gauss(at, 1) for _ in range(30)] for at in (0, 0.5)]
    theirs = stats.permutation_test(
        (old, new), lambda x, y: abs(x.mean() - y.mean()), n_resamples=20_000, alternative="greater",
        rng=5,
    ).pvalue  # fmt: skip
    assert dealt(old, new, mean) == pytest.approx(theirs, abs=0.02)
    assert dealt(old, new, mean) == dealt(old, new, mean)


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=60))
def test_the_percentile_is_the_summaries(values):
    import numpy as np

    assert quantile(np.asarray(values)) == exact_latency(values).p95_s
