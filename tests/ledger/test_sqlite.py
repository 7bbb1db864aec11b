from __future__ import annotations

import dataclasses
import json
import math
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbkit.ledger.rows import SUMS, bin_of_us
from nbkit.ledger.sqlite import _SCHEMA, SqliteSink
from nbkit.protocols import SinkOptions
from nbkit.recorded import Failure, Record
from nbkit.store.database import Database
from nbkit.testing import factories
from nbkit.testing.contracts import SinkContract
from nbkit.types import CacheOutcome, Cost, Timing, Usage

BASE = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


class TestSqliteSink(SinkContract):
    def sink(self, folder):
        return SqliteSink(SinkOptions(folder))


@pytest.fixture
def sink(tmp_path):
    opened = SqliteSink(SinkOptions(tmp_path))
    yield opened
    opened.close()


def live(number, *, usd="0.5", total_s=1.0, at=BASE, **fields):
    cost = Cost(None if usd is None else Decimal(usd), source="unknown" if usd is None else "table")
    return factories.record(number, cost=cost, timing=Timing(total_s=total_s, attempts=1), started_at=at, **fields)


def hit(number, *, saved="0.25", total_s=0.001, at=BASE, **fields):
    cost = Cost(Decimal(0), saved_usd=None if saved is None else Decimal(saved), source="cache")
    return factories.record(
        number, cost=cost, cache=CacheOutcome("hit"), timing=Timing(total_s=total_s), started_at=at, **fields
    )


def failed(number, status="error"):
    return factories.record(
        number, status=status, response=None, cost=Cost(), error=Failure("RateLimited", "a", "b", "c"), started_at=BASE
    )


def test_record_is_found_by_its_id(sink):
    first, second = live(1), live(2)
    sink.write(first)
    sink.write(second)
    assert sink.find("record-0002") == second
    assert sink.find("record-0003") is None


def test_records_are_read_by_session_time_and_number(sink):
    records = [
        live(number, at=BASE + timedelta(minutes=number), session_id=f"session-{number % 2}") for number in range(6)
    ]
    for record in reversed(records):
        sink.write(record)
    assert sink.read() == records
    assert sink.read(limit=2) == records[-2:]
    assert sink.read(session_id="session-1") == records[1::2]
    assert sink.read(since=BASE + timedelta(minutes=4)) == records[4:]
    assert sink.read(session_id="session-1", since=BASE + timedelta(minutes=2), limit=1) == records[5:]


def test_same_id_is_counted_once(sink):
    sink.write(live(1))
    sink.write(live(1))
    assert (len(sink.read()), sink.summary().calls) == (1, 1)


def test_file_is_its_owners_alone(sink):
    sink.write(live(1))
    assert stat.S_IMODE(sink.path.stat().st_mode) == 0o600


def test_content_that_is_not_kept_is_nowhere_in_the_file(tmp_path):
    sink = SqliteSink(SinkOptions(tmp_path, keeps_content=False))
    request = factories.request("the zebra prompt")
    record = live(1, request=request, response=factories.response("the walrus answer"))
    sink.write(record)
    kept = sink.find(record.id)
    sink.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"zebra" not in content
    assert b"walrus" not in content
    assert (kept.prompt_sha256, kept.prompt_chars) == (record.prompt_sha256, len("the zebra prompt"))
    assert (kept.request_sha256, kept.cost, kept.response.usage) == (
        record.request_sha256,
        record.cost,
        record.response.usage,
    )


@pytest.mark.parametrize("filters", [{}, {"session_id": "session-1"}, {"since": BASE}, {"since": BASE - timedelta(9)}])
def test_summary_counts_each_kind_of_call(sink, filters):
    for record in (live(1), live(2), hit(3), failed(4), failed(5, "blocked"), failed(6, "interrupted")):
        sink.write(record)
    found = sink.summary(**filters)
    assert (found.calls, found.failures, found.blocked, found.interrupted) == (6, 1, 1, 1)
    usage = factories.response().usage
    assert (found.input_tokens, found.output_tokens) == (2 * usage.input_tokens, 2 * usage.output_tokens)
    assert (found.cost_usd, found.saved_usd) == (Decimal(1), Decimal("0.25"))
    assert (found.hits, found.unknown_prices, found.unknown_savings) == (1, 0, 0)
    assert found.cache_hit_rate == pytest.approx(1 / 6)


@pytest.mark.parametrize("filters", [{}, {"session_id": "session-1"}, {"since": BASE}])
def test_live_and_hits_are_never_averaged_together(sink, filters):
    for number, total_s in enumerate((1.0, 2.0, 4.0)):
        sink.write(live(number, total_s=total_s))
    for number in range(10, 15):
        sink.write(hit(number, total_s=0.001))
    found = sink.summary(**filters)
    assert (found.latency_live.n, found.latency_hits.n) == (3, 5)
    assert found.latency_live.mean_s == pytest.approx(7 / 3)
    assert found.latency_live.p50_s == pytest.approx(2.0, rel=0.006)
    assert found.latency_live.p95_s == pytest.approx(4.0, rel=0.006)
    assert found.latency_hits.p95_s == pytest.approx(0.001, rel=0.006)


def test_failed_call_says_nothing_of_latency(sink):
    sink.write(failed(1))
    assert sink.summary().latency_live.n == 0
    assert sink.summary().latency_live.mean_s is None


def test_unknown_price_is_counted_and_is_not_zero(sink):
    sink.write(live(1, usd=None))
    assert (sink.summary().cost_usd, sink.summary().unknown_prices) == (None, 1)
    sink.write(live(2, usd="0.25"))
    assert (sink.summary().cost_usd, sink.summary().unknown_prices) == (Decimal("0.25"), 1)


def test_blocked_call_does_not_make_the_unknown_price_of_another_known(sink):
    sink.write(live(1, usd=None))
    sink.write(factories.record(2, status="blocked", request=None, response=None, cost=Cost(Decimal(0), source="none")))
    assert (sink.summary().cost_usd, sink.summary().unknown_prices) == (None, 1)


def test_unknown_saving_is_counted_and_is_not_zero(sink):
    sink.write(hit(1, saved=None))
    assert (sink.summary().saved_usd, sink.summary().unknown_savings) == (None, 1)


def test_failed_call_has_no_price_to_be_unknown(sink):
    sink.write(failed(1))
    assert (sink.summary().cost_usd, sink.summary().unknown_prices) == (Decimal(0), 0)


def test_money_adds_exactly(sink):
    for number in range(1000):
        sink.write(live(number, usd="0.0000000375"))
    assert sink.summary().cost_usd == Decimal("0.0000375")


def test_summary_of_no_calls(sink):
    found = sink.summary(since=BASE)
    assert (found.calls, found.cost_usd, found.cache_hit_rate, found.latency_live.n) == (0, Decimal(0), None, 0)


@given(
    st.lists(st.tuples(st.integers(0, 6 * 60), st.booleans(), st.floats(1e-6, 1e4)), max_size=40),
    st.integers(-10, 6 * 60 + 10),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_hourly_sums_equal_the_sums_of_the_records(tmp_path_factory, calls, since_minute):
    sink = SqliteSink(SinkOptions(tmp_path_factory.mktemp("home")))
    for number, (minute, is_hit, total_s) in enumerate(calls):
        make = hit if is_hit else live
        sink.write(make(number, total_s=total_s, at=BASE + timedelta(minutes=minute)))
    since = BASE + timedelta(minutes=since_minute)
    by_hour = sink.summary(since=since)
    by_record = sink.summary(session_id="session-1", since=since)
    sink.close()
    for field in dataclasses.fields(by_hour):
        if not field.name.startswith("latency"):
            assert getattr(by_hour, field.name) == getattr(by_record, field.name)
    for name in ("latency_live", "latency_hits"):
        fast, exact = getattr(by_hour, name), getattr(by_record, name)
        assert fast.n == exact.n
        for part in ("mean_s", "p50_s", "p95_s") if exact.n else ():
            assert math.isclose(getattr(fast, part), getattr(exact, part), rel_tol=0.006, abs_tol=1e-5)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_record_comes_back_as_it_went(tmp_path_factory, data):
    record = data.draw(records())
    sink = SqliteSink(SinkOptions(tmp_path_factory.mktemp("home")))
    sink.write(record)
    assert sink.find(record.id) == record
    sink.summary()
    sink.close()


def records():
    text = st.text(st.characters(), max_size=20)
    usd = st.none() | st.decimals(0, 10**9, allow_nan=False, allow_infinity=False)
    seconds = st.floats(0, 1e6)
    usage = st.builds(Usage, st.integers(0, 10**12), st.integers(0, 10**30))
    response = st.builds(factories.response, text, usage=usage, model=text)
    return st.builds(
        factories.record,
        st.integers(0, 9999),
        session_id=text,
        started_at=st.datetimes(timezones=st.just(UTC)),
        status=st.sampled_from(["ok", "error", "blocked", "interrupted"]),
        request=st.none() | st.builds(factories.request, text),
        response=st.none() | response,
        cache=st.builds(CacheOutcome, st.sampled_from(["hit", "miss", "off", "skipped"])),
        cost=st.builds(Cost, usd, usd),
        timing=st.builds(Timing, seconds),
        tag=st.none() | text,
        notes=st.lists(text, max_size=2).map(tuple),
    )


def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path):
    code = (
        "import sys, pathlib\n"
        "from nbkit.ledger.sqlite import SqliteSink\n"
        "from nbkit.protocols import SinkOptions\n"
        "from nbkit.testing import factories\n"
        "sink = SqliteSink(SinkOptions(pathlib.Path(sys.argv[1])))\n"
        "start = int(sys.argv[2])\n"
        "[sink.write(factories.record(number)) for number in range(start, start + 100)]\n"
        "sink.close()\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    writers = [subprocess.Popen([*arguments, str(start)]) for start in (0, 100)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    sink = SqliteSink(SinkOptions(tmp_path))
    assert {record.id for record in sink.read()} == {f"record-{number:04d}" for number in range(200)}
    assert sink.summary().calls == 200
    assert sink.summary().latency_live.n == 200
    sink.close()


def test_second_kernel_reads_what_the_first_wrote(sink, tmp_path):
    sink.write(live(1))
    other = SqliteSink(SinkOptions(tmp_path))
    assert other.read() == sink.read()
    other.write(live(2))
    assert sink.summary().calls == 2
    other.close()


def test_record_with_fields_of_a_later_version_is_read(sink):
    sink.write(live(1))
    plain = json.loads(sink._database.execute("SELECT record FROM record")[0][0])
    sink._database.execute("UPDATE record SET record = ?", (json.dumps(plain | {"mood": "fine"}),))
    assert sink.find("record-0001") == live(1)


def test_record_that_only_a_later_version_can_read_is_left_out_with_a_warning(sink):
    for number in (1, 2):
        sink.write(live(number))
    sink._database.execute("""UPDATE record SET record = replace(record, '"ok"', '"dreamt"') WHERE number = 1""")
    with pytest.warns(UserWarning, match="1 records of another version"):
        assert [record.id for record in sink.read()] == ["record-0002"]
    assert sink.summary().calls == 2


def test_store_of_the_first_version_keeps_its_sums_and_is_added_to(tmp_path):
    first = Database(tmp_path / "records.sqlite", schema=_SCHEMA[:1])
    hour = int(BASE.timestamp()) // 3600
    kept = dict.fromkeys(SUMS, 0) | {"calls": 1, "live_us": 3_000_000}
    marks = ", ".join("?" * len(kept))
    first.execute(f"INSERT INTO hour (hour, {', '.join(kept)}) VALUES (?, {marks})", (hour, *kept.values()))
    first.execute("INSERT INTO latency VALUES (?, 0, ?, 1)", (hour, bin_of_us(3_000_000)))
    first.close()
    sink = SqliteSink(SinkOptions(tmp_path))
    sink.write(live(1, total_s=1.0))
    found = sink.summary()
    sink.close()
    assert (found.calls, found.latency_live.n, found.latency_live.mean_s) == (2, 2, 2.0)


@pytest.mark.parametrize("year", [1950, 1969, 1970, 2026])
def test_hour_of_a_record_is_the_one_it_was_made_in(sink, year):
    at = datetime(year, 1, 1, 5, 59, 59, 999_999, tzinfo=UTC)
    sink.write(live(1, at=at))
    ((hour,),) = sink._database.execute("SELECT hour FROM hour")
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour) == at.replace(minute=0, second=0, microsecond=0)


def test_given_path_is_used(tmp_path):
    sink = SqliteSink(SinkOptions(tmp_path / "home", path=tmp_path / "elsewhere.db"))
    sink.write(Record("a", "b", BASE, "chat", "ok", None, "c", 1))
    sink.close()
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "home").exists()
