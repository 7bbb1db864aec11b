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

from nbkit.ledger.rows import COLUMNS, SUMS, bin_of_us, row_of
from nbkit.ledger.schema import SCHEMA
from nbkit.ledger.selection import GROUPS, Selection
from nbkit.ledger.sqlite import SqliteSink
from nbkit.ledger.summary import Rating
from nbkit.protocols import SinkOptions
from nbkit.recorded import Failure, Record
from nbkit.store.database import Database
from nbkit.testing import factories
from nbkit.testing.contracts import SinkContract
from nbkit.types import CacheOutcome, Cost, Span, Timing, Usage, Verdict

BASE = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
NEWEST_COLUMNS = ("first_token_us", "saved_us", "blocked_by", "is_refused", "project", "prompt_version")
FIRST_SUMS = [name for name in SUMS if name not in ("saved_us", "refused", "unasked")]


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


def hit(number, *, saved="0.25", total_s=0.001, at=BASE, original=None, **fields):
    cost = Cost(Decimal(0), saved_usd=None if saved is None else Decimal(saved), source="cache")
    return factories.record(
        number,
        cost=cost,
        cache=CacheOutcome("hit", original=original),
        timing=Timing(total_s=total_s),
        started_at=at,
        **fields,
    )


def blocked(number):
    verdicts = (Verdict("pii", "input", "redact"), Verdict("secrets", "input", "block"))
    return factories.record(
        number, status="blocked", request=None, response=None, verdicts=verdicts, cost=Cost(Decimal(0)), started_at=BASE
    )


def refused(number):
    spans = (Span(0, 9, "refusal"),)
    return live(number, verdicts=(Verdict("labels", "output", "warn", "the model refused to answer", spans),))


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
    assert sink.read(Selection(session_id="session-1")) == records[1::2]
    assert sink.read(Selection(since=BASE + timedelta(minutes=4))) == records[4:]
    assert sink.read(Selection(session_id="session-1", since=BASE + timedelta(minutes=2)), limit=1) == records[5:]


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
    found = sink.summary(Selection(**filters))
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
    found = sink.summary(Selection(**filters))
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
    found = sink.summary(Selection(since=BASE))
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
    by_hour = sink.summary(Selection(since=since))
    by_record = sink.summary(Selection(session_id="session-1", since=since))
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
    first = Database(tmp_path / "records.sqlite", schema=SCHEMA[:1])
    hour = int(BASE.timestamp()) // 3600
    kept = dict.fromkeys(FIRST_SUMS, 0) | {"calls": 1, "live_us": 3_000_000}
    marks = ", ".join("?" * len(kept))
    first.execute(f"INSERT INTO hour (hour, {', '.join(kept)}) VALUES (?, {marks})", (hour, *kept.values()))
    first.execute("INSERT INTO latency VALUES (?, 0, ?, 1)", (hour, bin_of_us(3_000_000)))
    first.close()
    sink = SqliteSink(SinkOptions(tmp_path))
    sink.write(live(1, total_s=1.0))
    found = sink.summary()
    sink.close()
    assert (found.calls, found.latency_live.n, found.latency_live.mean_s) == (2, 2, 2.0)


def test_store_of_the_second_version_learns_what_it_held(tmp_path):
    records = [
        live(1, at=BASE, prompt_version="abc"),
        hit(2, total_s=0.5, at=BASE, original=Timing(total_s=2.0)),
        hit(3, total_s=0.5, at=BASE + timedelta(hours=3), original=Timing(total_s=0.25)),
        blocked(4),
        refused(5),
    ]
    old = Database(tmp_path / "records.sqlite", schema=SCHEMA[:2])
    names = [name for name in COLUMNS if name not in NEWEST_COLUMNS]
    for record in records:
        row = dict(zip(COLUMNS, row_of(record, keeps_content=True), strict=True))
        marks = ", ".join("?" * len(names))
        old.execute(f"INSERT INTO record ({', '.join(names)}) VALUES ({marks})", [row[name] for name in names])
    old.close()
    (tmp_path / "new").mkdir()
    fresh, opened = SqliteSink(SinkOptions(tmp_path / "new")), SqliteSink(SinkOptions(tmp_path))
    for record in records:
        fresh.write(record)
    for by in (Selection(), Selection(session_id="session-1"), Selection(since=BASE + timedelta(hours=1))):
        assert opened.summary(by) == fresh.summary(by)
    assert (opened.summary().saved_s, opened.summary().refused) == (1.5, 1)
    assert opened.summary_by("guard").keys() == fresh.summary_by("guard").keys() == {None, "secrets"}
    assert opened.summary_by("prompt").keys() == fresh.summary_by("prompt").keys() == {None, "abc"}
    opened.close()
    fresh.close()


def test_groups_have_the_figures_that_their_records_have_alone(sink):
    for number in range(12):
        make = hit if number % 3 == 0 else live
        sink.write(make(number, tag=[None, "a", "b"][number % 3 - 1], total_s=0.1 * number, at=BASE))
    found = sink.summary_by("tag")
    assert found.keys() == {None, "a", "b"}
    for tag in ("a", "b"):
        assert found[tag] == sink.summary(Selection(tag=tag))
    assert sum(one.calls for one in found.values()) == 12


def test_groups_come_dearest_first_and_hours_in_order(sink):
    for number, (tag, usd) in enumerate([("low", "0.1"), ("high", "0.9"), ("low", "0.2"), ("none", None)]):
        sink.write(live(number, tag=tag, usd=usd, at=BASE - timedelta(hours=number)))
    assert list(sink.summary_by("tag")) == ["high", "low", "none"]
    assert list(sink.summary_by("hour")) == [f"2026-03-01 {hour:02d}:00" for hour in (7, 8, 9, 10)]


@pytest.mark.parametrize("by", sorted(GROUPS))
@pytest.mark.parametrize("selection", [Selection(), Selection(since=BASE), Selection(model="fake:fake-1", tag="x")])
def test_every_group_of_every_selection_can_be_asked_for(sink, by, selection):
    for number in range(3):
        sink.write(live(number, tag="x"))
    assert sum(one.calls for one in sink.summary_by(by, selection).values()) == 3


def test_cost_by_hour_is_that_of_the_records(sink):
    for number in range(6):
        sink.write(live(number, usd="0.5", at=BASE + timedelta(minutes=25 * number)))
    hours = [BASE.replace(minute=0) + timedelta(hours=number) for number in range(3)]
    whole = dict.fromkeys(hours, Decimal(1))
    assert sink.cost_by_hour() == sink.cost_by_hour(Selection(session_id="session-1")) == whole
    cut = whole | {hours[0]: Decimal("0.5")}
    since = BASE + timedelta(minutes=1)
    assert sink.cost_by_hour(Selection(since=since)) == cut
    assert sink.cost_by_hour(Selection(since=since, session_id="session-1")) == cut


def test_until_is_the_first_moment_that_does_not_count(sink):
    sink.write(live(1, at=BASE))
    assert sink.summary(Selection(until=BASE)).calls == 0
    assert sink.summary(Selection(until=BASE + timedelta(microseconds=1))).calls == 1


def test_records_are_of_the_project_that_they_were_made_for(tmp_path):
    for number, project in enumerate(("here", "there", "here")):
        sink = SqliteSink(SinkOptions(tmp_path, project=project))
        sink.write(live(number))
        sink.close()
    assert sink.summary(Selection(project="here")).calls == 2
    sink.close()


def test_newest_rating_of_an_answer_counts(sink):
    sink.rate("record-0001", 0.0, at=BASE)
    sink.rate("record-0002", 1.0, note="clear", at=BASE)
    sink.rate("record-0001", 0.5, note="so so", at=BASE + timedelta(1))
    assert sink.ratings() == {
        "record-0001": Rating(0.5, "so so", BASE + timedelta(1)),
        "record-0002": Rating(1.0, "clear", BASE),
    }


def test_what_was_spent_stays_spent_when_old_records_go(sink):
    for number in range(4):
        sink.write(live(number, usd="0.5", at=BASE + timedelta(days=number)))
    before = sink.summary()
    assert sink.drop_before(BASE + timedelta(days=2)) == 2
    assert [record.id for record in sink.read()] == ["record-0002", "record-0003"]
    assert sink.summary() == before
    assert sink.drop_before(BASE) == 0


def test_records_are_kept_as_long_as_the_settings_say(tmp_path):
    now = datetime.now(UTC)
    keeping = SqliteSink(SinkOptions(tmp_path))
    for number, days in enumerate((100, 91, 89)):
        keeping.write(live(number, usd="0.5", at=now - timedelta(days=days)))
    keeping.close()
    sink = SqliteSink(SinkOptions(tmp_path, keep_s=90 * 86_400))
    assert len(sink.read()) == 3
    sink.write(live(9, usd="0.5", at=now))
    assert [record.id for record in sink.read()] == ["record-0002", "record-0009"]
    assert (sink.summary().calls, sink.summary().cost_usd) == (4, Decimal(2))
    sink.close()


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
