from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.display.impact import impact_table
from nbkit.ledger.selection import Selection
from nbkit.ledger.sqlite import SqliteSink
from nbkit.protocols import SinkOptions
from nbkit.testing import factories
from nbkit.types import CacheOutcome, Cost, Timing

BASE = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


@pytest.fixture
def sink(tmp_path):
    opened = SqliteSink(SinkOptions(tmp_path))
    yield opened
    opened.close()


def miss(number, *, usd="0.5", total_s=2.0, at=BASE, **fields):
    cost = Cost(None if usd is None else Decimal(usd), source="table")
    return factories.record(
        number, cost=cost, timing=Timing(total_s=total_s), started_at=at, cache=CacheOutcome("miss"), **fields
    )


def hit(number, *, saved="0.5", total_s=0.25, original_s=2.0, at=BASE):
    original = None if original_s is None else Timing(total_s=original_s)
    cost = Cost(Decimal(0), None if saved is None else Decimal(saved), source="cache")
    cache = CacheOutcome("hit", original=original)
    return factories.record(number, cost=cost, timing=Timing(total_s=total_s), started_at=at, cache=cache)


def test_hits_count_without_the_cache_as_the_calls_they_stand_for(sink):
    for record in (miss(1), hit(2), hit(3), miss(4, total_s=1.0)):
        sink.write(record)
    found = sink.impact()
    assert (found.without.latency.mean_s, found.with_cache.latency.mean_s) == (7 / 4, 3.5 / 4)
    assert (found.without.cost_usd, found.with_cache.cost_usd) == (Decimal(2), Decimal(1))
    assert (found.hits, found.asked, found.cache_hit_rate) == (2, 4, 0.5)


def test_a_hit_whose_original_is_not_known_is_on_neither_side(sink):
    for record in (miss(1), hit(2, original_s=None)):
        sink.write(record)
    found = sink.impact()
    assert (found.without.latency.n, found.with_cache.latency.n, found.left_out) == (1, 1, 1)
    assert "1 hit left out" in impact_table(found, caption="x").note


def test_calls_that_failed_are_left_out(sink):
    sink.write(miss(1, status="error", response=None))
    assert sink.impact().without.latency.n == 0


def test_prices_that_are_not_known_are_counted(sink):
    for record in (miss(1, usd=None), hit(2, saved=None), miss(3)):
        sink.write(record)
    found = sink.impact()
    assert (found.without.cost_usd, found.with_cache.cost_usd, found.unpriced) == (Decimal("0.5"), Decimal("0.5"), 2)
    assert impact_table(found, caption="x").rows[3] == ("cost", "≥ $0.50", "≥ $0.50", "—")


def test_sums_of_which_no_price_is_known_are_not_zero(sink):
    sink.write(miss(1, usd=None))
    assert impact_table(sink.impact(), caption="x").rows[3] == ("cost", "?", "?", "—")


def test_cost_by_day_is_over_the_days_there_were_calls(sink):
    sink.write(miss(1))
    sink.write(hit(2, at=BASE + timedelta(days=4)))
    found = sink.impact()
    assert (found.without.cost_usd_by_day, found.with_cache.cost_usd_by_day) == (Decimal("0.25"), Decimal("0.125"))


def test_only_what_is_selected_counts(sink):
    sink.write(miss(1))
    sink.write(hit(2, at=BASE + timedelta(days=2)))
    assert sink.impact(Selection(since=BASE + timedelta(days=1))).without.latency.n == 1


def test_no_calls_have_no_impact(sink):
    found = sink.impact()
    assert (found.cache_hit_rate, found.without.latency.mean_s, found.first_at) == (None, None, None)
    assert impact_table(found, caption="x").rows[0] == ("latency, mean", "—", "—", "—")


calls = st.lists(st.tuples(st.booleans(), st.integers(1, 5000), st.integers(0, 5000)), min_size=1, max_size=40)


@given(calls)
@settings(max_examples=30, deadline=None)
def test_sides_are_the_mean_and_p95_of_the_calls(tmp_path_factory, calls):
    sink = SqliteSink(SinkOptions(tmp_path_factory.mktemp("home")))
    without, with_cache = [], []
    for number, (is_hit, ms, more_ms) in enumerate(calls):
        took = ms / 1000
        original = took + more_ms / 1000
        sink.write(hit(number, total_s=took, original_s=original) if is_hit else miss(number, total_s=took))
        without.append(original if is_hit else took)
        with_cache.append(took)
    found = sink.impact()
    sink.close()
    for side, seconds in ((found.without, without), (found.with_cache, with_cache)):
        assert side.latency.mean_s == pytest.approx(statistics.mean(seconds))
        rank = -(-95 * len(seconds) // 100)
        assert side.latency.p95_s == pytest.approx(sorted(seconds)[rank - 1])
