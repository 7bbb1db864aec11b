from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from nbkit.ledger.budgets import Standing
from nbkit.ledger.metered import Counted, Metered
from nbkit.ledger.prometheus import exposition
from nbkit.ledger.sqlite import SqliteSink
from nbkit.protocols import SinkOptions
from nbkit.testing import factories
from nbkit.types import CacheOutcome, Cost, Timing, Verdict


@pytest.fixture
def sink(tmp_path):
    opened = SqliteSink(SinkOptions(tmp_path))
    yield opened
    opened.close()


def samples(text):
    """Each sample by name and labels, as Prometheus' own parser reads them."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        assert family.type in ("counter", "gauge", "histogram")
        for one in family.samples:
            key = (one.name, frozenset(one.labels.items()))
            assert key not in found, f"{one.name} has the same labels twice"
            found[key] = one.value
    return found


def total(found, name, **labels):
    wanted = {*labels.items()}
    return sum(value for (own, has), value in found.items() if own == name and wanted <= has)


def blocked(number, guard="secrets"):
    return factories.record(
        number, status="blocked", request=None, response=None, verdicts=(Verdict(guard, "input", "block"),),
        cache=CacheOutcome(), cost=Cost(Decimal(0), source="none"),
    )  # fmt: skip


def hit(number, **fields):
    original = CacheOutcome("hit", original=Timing(total_s=2.0))
    cost = Cost(Decimal(0), saved_usd=Decimal("0.25"), source="cache")
    return factories.record(number, cache=original, cost=cost, timing=Timing(total_s=0.5), **fields)


def test_calls_tokens_cost_and_saving_are_those_of_the_records(sink):
    for number in range(3):
        sink.write(factories.record(number, cost=Cost(Decimal("0.000123"), source="table")))
    sink.write(factories.record(3, cost=Cost(None, source="unknown")))
    sink.write(hit(4))
    sink.write(blocked(5))
    sink.write(factories.record(6, status="error", response=None, cost=Cost(Decimal(0), source="none")))
    found = samples(exposition(sink.metered()))
    model = {"gen_ai_provider_name": "fake", "gen_ai_request_model": "fake-1", "gen_ai_operation_name": "chat"}
    assert total(found, "nbkit_calls_total", **model, nbkit_status="ok", nbkit_cache_status="miss") == 4
    assert total(found, "nbkit_calls_total", **model, nbkit_status="ok", nbkit_cache_status="hit") == 1
    assert total(found, "nbkit_calls_total", nbkit_status="error") == 1
    assert total(found, "nbkit_calls_total") == 7
    assert total(found, "nbkit_tokens_total", gen_ai_token_type="input") == 4 * 12
    assert total(found, "nbkit_tokens_total", gen_ai_token_type="output") == 4 * 5
    assert total(found, "nbkit_cost_usd_total", **model) == pytest.approx(0.000369)
    assert total(found, "nbkit_unpriced_answers_total") == 1
    assert total(found, "nbkit_saved_usd_total") == 0.25
    assert total(found, "nbkit_saved_seconds_total") == 1.5
    assert total(found, "nbkit_blocked_calls_total", nbkit_guard="secrets") == 1


def test_money_has_all_its_digits(sink):
    sink.write(factories.record(1, cost=Cost(Decimal("12345.000000000001"), source="table")))
    assert "nbkit_cost_usd_total{" in (text := exposition(sink.metered()))
    assert " 12345.000000000001\n" in text


def test_latency_is_a_histogram_of_live_answers_and_hits_have_their_own(sink):
    for number, seconds in enumerate((0.01, 0.011, 1.0, 100.0)):
        sink.write(factories.record(number, timing=Timing(total_s=seconds, first_token_s=0.005, attempts=1)))
    sink.write(hit(9))
    found = samples(exposition(sink.metered()))
    name = "gen_ai_client_operation_duration_seconds"
    bounds = {"0.01": 1, "0.02": 2, "0.64": 2, "1.28": 3, "81.92": 3, "+Inf": 4}
    assert {le: total(found, f"{name}_bucket", le=le) for le in bounds} == bounds
    assert total(found, f"{name}_count") == 4
    assert total(found, f"{name}_sum") == pytest.approx(101.021)
    assert total(found, "gen_ai_client_operation_time_to_first_chunk_seconds_bucket", le="0.01") == 4
    assert total(found, "nbkit_cache_hit_duration_seconds_sum") == 0.5
    assert total(found, "gen_ai_client_token_usage_sum", gen_ai_token_type="input") == 48
    assert total(found, "gen_ai_client_token_usage_bucket", gen_ai_token_type="output", le="4") == 0
    assert total(found, "gen_ai_client_token_usage_bucket", gen_ai_token_type="output", le="16") == 4


def test_counters_never_fall_whatever_is_deleted(sink):
    now = datetime.now(UTC)
    for number in range(4):
        sink.write(factories.record(number, started_at=now - timedelta(days=number)))
    assert total(samples(exposition(sink.metered())), "nbkit_calls_total") == 4
    sink.write(factories.record(4, started_at=now - timedelta(days=9)))
    # Record 4 is deleted before anybody asked for it.
    assert sink.drop_before(now - timedelta(hours=36)) == 3
    assert total(samples(exposition(sink.metered())), "nbkit_calls_total") == 5
    sink.drop_before(now + timedelta(days=1))
    # The numbers of deleted rows are given again.
    for number in range(10, 13):
        sink.write(factories.record(number, started_at=now))
    found = samples(exposition(sink.metered()))
    assert total(found, "nbkit_calls_total") == 8
    assert total(found, "gen_ai_client_operation_duration_seconds_count") == 8


def test_a_store_that_nobody_monitors_counts_nothing_as_it_deletes(sink):
    sink.write(factories.record(1))
    sink.drop_before(datetime.now(UTC))
    assert sink._database.execute("SELECT COUNT(*) FROM metered") == [(0,)]
    sink.write(factories.record(2))
    assert total(samples(exposition(sink.metered())), "nbkit_calls_total") == 1


def test_two_processes_that_ask_count_each_record_once(sink, tmp_path):
    other = SqliteSink(SinkOptions(tmp_path))
    for number in range(6):
        sink.write(factories.record(number))
        (sink, other)[number % 2].metered()
    assert total(samples(exposition(other.metered())), "nbkit_calls_total") == 6
    other.close()


def test_budgets_are_gauges():
    standings = [Standing("day", Decimal("1.50"), Decimal("0.25"), Decimal("0.05"))]
    found = samples(exposition(Metered(), standings))
    amounts = [
        total(found, f"nbkit_budget_{name}_usd", nbkit_budget="day") for name in ("limit", "spent", "reserved", "left")
    ]
    assert amounts == [1.5, 0.25, 0.05, 1.2]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_model_name_comes_back_from_the_parser(model):
    one = Counted("chat", "own", model, "ok", "miss", "", 2, *[0] * 10)
    found = samples(exposition(Metered([one])))
    assert total(found, "nbkit_calls_total", gen_ai_request_model=model) == 2


def test_many_records_are_added_in_parts_and_a_part_at_a_time_when_some_are_deleted(sink, monkeypatch):
    monkeypatch.setattr("nbkit.ledger.metered._AT_ONCE", 3)
    for number in range(10):
        sink.write(factories.record(number))
    assert total(samples(exposition(sink.metered())), "nbkit_calls_total") == 10
    for number in range(10, 20):
        sink.write(factories.record(number))
    sink.drop_before(datetime.now(UTC))
    assert total(samples(exposition(sink.metered())), "nbkit_calls_total") == 20


def test_asking_when_nothing_is_new_writes_nothing(sink):
    sink.write(factories.record(1))
    sink.metered()
    before = sink._database.execute("SELECT total_changes()")
    sink.metered()
    assert sink._database.execute("SELECT total_changes()") == before
