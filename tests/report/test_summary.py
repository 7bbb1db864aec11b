from __future__ import annotations

import statistics
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from nbkit.report.summary import by_model, latency, summarise


def test_live_calls_and_hits_are_never_mixed(make):
    total = summarise([make.record(1), make.record(3), make.hit(5), make.failed(7)])
    assert (total.live.n, total.cached.n) == (2, 1)
    assert total.cached.p50_s == 0.004
    assert (total.input_tokens, total.output_tokens) == (2000, 100)
    assert (total.cost_usd, total.saved_usd) == (Decimal("0.002"), Decimal("0.001"))


def test_failures_are_errors_and_blocks_but_not_interrupts(make):
    total = summarise([make.failed(1), make.failed(2, "blocked"), make.failed(3, "interrupted")])
    assert (total.failures, total.interrupted) == (2, 1)


def test_models_keep_the_order_in_which_they_were_asked(make):
    names = [name for name, _ in by_model([make.failed(1, "blocked"), make.record(2), make.record(3)])]
    assert names == ["blocked before sending", "openai:gpt-4o-mini"]


@given(st.lists(st.floats(0, 1000), min_size=1))
def test_percentiles_are_durations_that_were_measured(seconds):
    found = latency(seconds)
    assert found.n == len(seconds)
    assert found.p50_s == statistics.median_low(seconds)
    assert found.p95_s in seconds
    assert sum(one <= found.p95_s for one in seconds) >= 0.95 * len(seconds)
