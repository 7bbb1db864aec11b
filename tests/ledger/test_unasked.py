"""Calls of which nobody was asked: they are counted, and are neither live latencies nor misses."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from nbkit.canonical import canonical_json
from nbkit.display.totals import Totals
from nbkit.ledger import spread
from nbkit.ledger.impact import impact
from nbkit.ledger.metered import meter
from nbkit.ledger.rows import COLUMNS, SUMS, bin_of_us, row_of
from nbkit.ledger.schema import SCHEMA
from nbkit.ledger.selection import Selection
from nbkit.ledger.sqlite import SqliteSink
from nbkit.ledger.summary import cache_hit_rate
from nbkit.protocols import SinkOptions
from nbkit.recorded import Failure
from nbkit.store.database import Database
from nbkit.testing import factories
from nbkit.types import CacheOutcome, Cost, Timing, Usage

BASE = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
LATER = ("latency_bin", "first_token_us", "saved_us", "blocked_by", "is_refused", "project", "prompt_version")


@pytest.fixture
def sink(tmp_path):
    opened = SqliteSink(SinkOptions(tmp_path))
    yield opened
    opened.close()


def live(number, *, total_s=1.0, at=BASE):
    return factories.record(number, timing=Timing(total_s=total_s, attempts=1), started_at=at)


def not_found(number, *, at=BASE):
    """What `%%rag` records where the sources do not say."""
    return factories.record(
        number,
        response=factories.response("The sources do not say.", usage=Usage(0, 0, source="exact"), attempts=0),
        cache=CacheOutcome("skipped"),
        cost=Cost(Decimal(0), source="none"),
        timing=Timing(total_s=0.002),
        started_at=at,
    )


def refused(number, kind="BudgetExceeded", *, at=BASE):
    """A miss that a budget, or `--cache only`, ended."""
    return factories.record(
        number,
        status="blocked" if kind == "BudgetExceeded" else "error",
        response=None,
        cost=Cost(Decimal(0), source="none"),
        error=Failure(kind, "a", "b", "c"),
        timing=Timing(total_s=0.001),
        started_at=at,
    )


def hit(number, *, at=BASE):
    cost = Cost(Decimal(0), saved_usd=Decimal("0.25"), source="cache")
    return factories.record(number, cost=cost, cache=CacheOutcome("hit"), timing=Timing(total_s=0.001), started_at=at)


def some():
    return [
        live(1), live(2, total_s=3.0, at=BASE + timedelta(hours=7)), not_found(3),
        not_found(4, at=BASE + timedelta(hours=7)), hit(5), refused(6),
        refused(7, "CacheMiss", at=BASE + timedelta(hours=9)),
    ]  # fmt: skip


SELECTIONS = [Selection(), Selection(session_id="session-1"), Selection(since=BASE + timedelta(hours=1)),
              Selection(since=BASE - timedelta(minutes=3))]  # fmt: skip


@pytest.mark.parametrize("selection", SELECTIONS[::3])
def test_an_answer_for_which_nobody_was_asked_is_no_live_latency(sink, selection):
    for record in some():
        sink.write(record)
    found = sink.summary(selection)
    assert (found.calls, found.unasked, found.latency_live.n, found.latency_live.mean_s) == (7, 2, 2, 2.0)
    assert Totals(found, {}, caption="")["unasked_calls"] == 2
    assert sum(sink.ask(lambda file: spread.live_bins(file, selection.since)).values()) == 2
    assert sorted(sink.ask(lambda file: spread.live_seconds(file, None, selection))[None]) == [1.0, 3.0]


def test_monitoring_has_a_status_of_its_own_for_it(sink):
    sink.write(not_found(1))
    found = sink.ask(meter)
    assert [(one.status, one.calls) for one in found.counted] == [("unasked", 1)]
    assert found.distributions == []


def test_it_makes_live_answers_no_cheaper_and_no_less_often_refused(sink):
    sink.write(not_found(1))
    sink.write(live(2))
    assert [(one.is_answered, one.live_s) for one in sink.calls()] == [(False, None), (True, 1.0)]


def test_its_price_does_not_make_that_of_another_known(sink):
    sink.write(not_found(1))
    sink.write(dataclasses.replace(live(2), cost=Cost(None)))
    assert sink.summary().cost_usd is None


def test_hit_rate_is_the_same_wherever_it_is_shown(sink):
    for record in some():
        sink.write(record)
    summary, found = sink.summary(), sink.ask(lambda file: impact(file, Selection()))
    assert (summary.hits, summary.misses) == (found.hits, found.asked - found.hits) == (1, 2)
    assert summary.cache_hit_rate == found.cache_hit_rate == cache_hit_rate(1, 2)


def test_a_miss_of_which_a_provider_was_asked_counts_whatever_came_of_it(sink):
    sink.write(factories.record(1, status="error", response=None, timing=Timing(total_s=1.0, attempts=3)))
    assert sink.summary().misses == sink.ask(lambda file: impact(file, Selection())).asked == 1


def test_a_record_says_of_itself_what_it_said_before(sink):
    sink.write(not_found(1))
    assert sink.read() == [not_found(1)]


def test_a_call_that_a_guard_blocked_is_counted_to_its_model(sink):
    blocked = factories.record(1, status="blocked", request=None, response=None, asked="openai:gpt-4o:beta")
    sink.write(blocked)
    assert list(sink.summary_by("model")) == ["openai:gpt-4o:beta"]
    assert sink.read()[0].model == "gpt-4o:beta"


def old_row(record):
    row = dict(zip(COLUMNS, row_of(record, keeps_content=True), strict=True))
    kept = {"status": record.status, "cache_status": record.cache.status, "record": canonical_json(record)}
    return row | kept


def put(file, row, names):
    marks = ", ".join("?" * len(names))
    file.execute(f"INSERT INTO record ({', '.join(names)}) VALUES ({marks})", [row[name] for name in names])


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_store_of_an_earlier_version_tells_them_apart_too(tmp_path, version):
    old = Database(tmp_path / "records.sqlite", schema=SCHEMA[:version])
    names = [name for name in COLUMNS if version > 2 or name not in LATER[1:]]
    for record in some():
        put(old, old_row(record), names)
    old.execute("UPDATE record SET record = 'damaged' WHERE id = 'record-0001'")
    old.close()
    (tmp_path / "new").mkdir()
    opened, fresh = SqliteSink(SinkOptions(tmp_path)), SqliteSink(SinkOptions(tmp_path / "new"))
    for record in some():
        fresh.write(record)
    for chosen in SELECTIONS:
        assert opened.summary(chosen) == fresh.summary(chosen)
        assert opened.cost_by_hour(chosen) == fresh.cost_by_hour(chosen)
    hours = "SELECT * FROM hour ORDER BY hour"
    assert opened.ask(lambda file: file.execute(hours)) == fresh.ask(lambda file: file.execute(hours))
    bins = "SELECT * FROM latency ORDER BY hour, is_hit, bin"
    assert opened.ask(lambda file: file.execute(bins)) == fresh.ask(lambda file: file.execute(bins))
    opened.write(live(8))
    assert opened.summary().latency_live.n == 3
    opened.close()
    fresh.close()


def test_store_of_the_first_version_tells_them_apart_too(tmp_path):
    old = Database(tmp_path / "records.sqlite", schema=SCHEMA[:1])
    hour = int(BASE.timestamp()) // 3600
    for record in (live(1), not_found(2)):
        put(old, old_row(record), [name for name in COLUMNS if name not in LATER])
    first = [name for name in SUMS if name not in ("saved_us", "refused", "unasked")]
    sums = dict.fromkeys(first, 0) | {"calls": 2, "misses": 1, "priced": 2, "live_us": 1_002_000}
    marks = ", ".join("?" * len(sums))
    old.execute(f"INSERT INTO hour (hour, {', '.join(sums)}) VALUES (?, {marks})", (hour, *sums.values()))
    for total_us in (1_000_000, 2_000):
        old.execute("INSERT INTO latency VALUES (?, 0, ?, 1)", (hour, bin_of_us(total_us)))
    old.close()
    opened = SqliteSink(SinkOptions(tmp_path))
    for chosen in (Selection(), Selection(session_id="session-1"), Selection(since=BASE - timedelta(minutes=1))):
        found = opened.summary(chosen)
        assert (found.unasked, found.latency_live.n, found.latency_live.mean_s) == (1, 1, 1.0)
    opened.close()


def test_what_monitoring_counted_stays_when_the_store_is_brought_up_to_date(tmp_path):
    old = Database(tmp_path / "records.sqlite", schema=SCHEMA[:5])
    for record in some():
        put(old, old_row(record), COLUMNS)
    before = sum(one.calls for one in meter(old).counted)
    old.close()
    opened = SqliteSink(SinkOptions(tmp_path))
    opened.write(live(8))
    assert sum(one.calls for one in opened.metered().counted) == before + 1 == 8
    opened.close()
