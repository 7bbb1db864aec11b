import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from nbkit.ledger import spread
from nbkit.ledger.selection import Selection
from nbkit.ledger.sqlite import SqliteSink
from nbkit.ledger.summary import bin_of
from nbkit.protocols import SinkOptions
from nbkit.testing import factories
from nbkit.types import CacheOutcome, Cost, Timing, Verdict

BASE = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


@pytest.fixture
def sink(tmp_path):
    opened = SqliteSink(SinkOptions(tmp_path))
    for number in range(60):
        at = BASE + timedelta(minutes=37 * number)
        fields = {"tag": ("a", "b", None)[number % 3], "timing": Timing(0.1 * (1 + number % 7), attempts=1)}
        if number % 4 == 0:
            fields |= {"cache": CacheOutcome("hit"), "cost": Cost(Decimal(0), Decimal("0.5"), source="cache")}
        elif number % 5 == 0:
            verdicts = (Verdict(("pii", "secrets")[number % 2], "input", "block"),)
            fields |= {"status": "blocked", "response": None, "verdicts": verdicts, "cost": Cost(Decimal(0))}
        elif number % 7 == 0:
            fields |= {"cost": Cost(None)}
        opened.write(factories.record(number, started_at=at, **fields))
    yield opened
    opened.close()


def together(cells):
    found = spread.Sums()
    for cell in cells:
        found = found.plus(cell.sums)
    return found


@pytest.mark.parametrize("hours_ago", [None, 3.3, 20])
def test_hours_of_the_sums_are_those_of_the_records(sink, hours_ago):
    since = None if hours_ago is None else BASE + timedelta(hours=37 - hours_ago)
    summed = sink.ask(lambda file: spread.hour_cells(file, since))
    read = sink.ask(lambda file: spread.cells(file, None, Selection(since=since)))
    hours: dict = {}
    for cell in read:
        hours[cell.hour] = hours.get(cell.hour, spread.Sums()).plus(cell.sums)
    assert {cell.hour: cell.sums for cell in summed} == hours


@pytest.mark.parametrize("since", [None, BASE + timedelta(hours=9, minutes=14)])
def test_bins_of_the_sums_are_those_of_the_records(sink, since):
    seconds = sink.ask(lambda file: spread.live_seconds(file, None, Selection(since=since)))[None]
    bins = sink.ask(lambda file: spread.live_bins(file, since))
    assert sum(bins.values()) == len(seconds)
    assert set(bins) == {bin_of(one) for one in seconds}


def test_groups_hours_and_guards_add_up_to_the_summary(sink):
    cells = sink.ask(lambda file: spread.cells(file, "tag", Selection()))
    sums, summary = together(cells), sink.summary()
    assert (sums.calls, sums.blocked, sums.hits, sums.misses, sums.unpriced) == (
        summary.calls, summary.blocked, summary.hits, summary.misses, summary.unknown_prices,
    )  # fmt: skip
    assert (sums.cost_usd, sums.saved_usd) == (summary.cost_usd, summary.saved_usd)
    assert {cell.own for cell in cells} == {"a", "b", None}


def test_days_hold_what_their_hours_hold(sink):
    hours = sink.ask(lambda file: spread.cells(file, None, Selection()))
    days = sink.ask(lambda file: spread.cells(file, None, Selection(), is_by_day=True))
    assert together(days) == together(hours)
    assert {cell.hour for cell in days} == {cell.hour.replace(hour=0) for cell in hours}


def test_blocked_calls_are_counted_by_guard(sink):
    with contextlib.closing(sqlite3.connect(sink.path)) as file:
        expected = dict(
            file.execute("SELECT blocked_by, COUNT(*) FROM record WHERE status = 'blocked' GROUP BY blocked_by")
        )
    assert sink.ask(lambda file: spread.blocked_by(file, Selection())) == expected
    assert set(expected) == {"pii", "secrets"}


def test_names_and_the_first_moment_are_those_of_the_selection(sink):
    chosen = Selection(tag="b")
    assert sink.ask(lambda file: spread.models_and_tags(file, chosen)) == (["fake:fake-1"], ["b"])
    assert sink.ask(lambda file: spread.first_moment(file, chosen)) == BASE + timedelta(minutes=37)
    assert sink.ask(lambda file: spread.first_moment(file, Selection(tag="none"))) is None
