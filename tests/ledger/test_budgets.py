from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbkit.ledger.budgets import SCOPES, Spender
from nbkit.ledger.schema import SCHEMA
from nbkit.ledger.sqlite import SqliteSink
from nbkit.protocols import SinkOptions
from nbkit.recorded import Origin
from nbkit.store.database import Database
from nbkit.testing import factories
from nbkit.types import Cost

NOW = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)
ME = Spender("session-1", "project", "a.ipynb")
DOLLAR = Decimal(1)


@pytest.fixture
def sink(tmp_path):
    opened = SqliteSink(SinkOptions(tmp_path, project="project"))
    yield opened
    opened.close()


def spend(sink, number, usd, *, at=NOW, notebook="a.ipynb", session_id="session-1"):
    cost = Cost(Decimal(usd), source="table")
    origin = Origin(notebook=notebook)
    sink.write(factories.record(number, cost=cost, started_at=at, origin=origin, session_id=session_id))


def reserve(sink, name, usd, limits, *, of=ME, at=NOW):
    return sink.budgets.reserve(name, Decimal(usd), limits, of=of, at=at)


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_what_is_spent_and_what_is_reserved_leave_no_room(sink, scope):
    spend(sink, 1, "0.5")
    assert reserve(sink, "one", "0.3", {scope: DOLLAR}) is None
    found = reserve(sink, "two", "0.3", {scope: DOLLAR})
    assert (found.scope, found.spent_usd, found.reserved_usd, found.left_usd) == (
        scope, Decimal("0.5"), Decimal("0.3"), Decimal("0.2"),
    )  # fmt: skip
    assert reserve(sink, "three", "0.2", {scope: DOLLAR}) is None


@pytest.mark.parametrize(
    ("scope", "other"),
    [
        ("session", Spender("session-2", "project", "a.ipynb")),
        ("notebook", Spender("session-1", "project", "b.ipynb")),
        ("project", Spender("session-1", "other", "a.ipynb")),
    ],
)
def test_others_have_budgets_of_their_own(sink, scope, other):
    spend(sink, 1, "0.9")
    assert reserve(sink, "one", "0.5", {scope: DOLLAR}) is not None
    assert reserve(sink, "two", "0.5", {scope: DOLLAR}, of=other) is None


def test_a_day_is_everybodys_and_begins_at_local_midnight(sink):
    half_east = timezone(timedelta(hours=5, minutes=30))
    today = datetime(2026, 3, 1, 9, 0, tzinfo=half_east)
    midnight = today.replace(hour=0)
    spend(sink, 1, "0.5", at=midnight - timedelta(microseconds=1))
    spend(sink, 2, "0.7", at=midnight, session_id="session-9", notebook="z.ipynb")
    (found,) = sink.budgets.standings({"day": DOLLAR}, of=ME, at=today)
    assert found.spent_usd == Decimal("0.7")


def test_the_record_takes_the_place_of_its_reservation(sink):
    assert reserve(sink, "record-0001", "0.9", {"session": DOLLAR}) is None
    spend(sink, 1, "0.1")
    (found,) = sink.budgets.standings({"session": DOLLAR}, of=ME, at=NOW)
    assert (found.spent_usd, found.reserved_usd) == (Decimal("0.1"), Decimal(0))


def test_a_free_record_gives_back_its_reservation_too(sink):
    assert reserve(sink, "record-0001", "0.9", {"session": DOLLAR}) is None
    spend(sink, 1, "0")
    assert reserve(sink, "record-0002", "1", {"session": DOLLAR}) is None


def test_a_second_reservation_of_a_record_replaces_the_first(sink):
    for usd in ("0.4", "0.8", "0.1"):
        assert reserve(sink, "one", usd, {"session": DOLLAR}) is None
    (found,) = sink.budgets.standings({"session": DOLLAR}, of=ME, at=NOW)
    assert found.reserved_usd == Decimal("0.1")


def test_a_call_that_never_came_back_stays_reserved_until_it_is_released(sink):
    assert reserve(sink, "killed", "0.9", {"session": DOLLAR}) is None
    assert reserve(sink, "next", "0.9", {"session": DOLLAR}) is not None
    assert sink.budgets.release(before=NOW) == 0
    assert sink.budgets.release(before=NOW + timedelta(hours=1)) == Decimal("0.9")
    assert reserve(sink, "next", "0.9", {"session": DOLLAR}) is None


def test_nothing_is_reserved_when_one_of_several_budgets_has_no_room(sink):
    assert reserve(sink, "one", "0.5", {"session": DOLLAR, "day": Decimal("0.1")}).scope == "day"
    (found,) = sink.budgets.standings({"session": DOLLAR}, of=ME, at=NOW)
    assert found.reserved_usd == 0


def test_where_the_notebook_is_not_known_it_is_the_session(sink):
    spend(sink, 1, "0.9", notebook=None)
    assert reserve(sink, "one", "0.5", {"notebook": DOLLAR}, of=Spender("session-1")) is not None
    assert reserve(sink, "two", "0.5", {"notebook": DOLLAR}, of=Spender("session-2")) is None


def test_what_was_spent_before_there_were_budgets_counts(tmp_path):
    old = SqliteSink(SinkOptions(tmp_path))
    old._database = Database(tmp_path / "records.sqlite", schema=SCHEMA[:3])
    spend(old, 1, "0.5")
    spend(old, 2, "0.25", notebook=None)
    old.close()
    sink = SqliteSink(SinkOptions(tmp_path))
    found = sink.budgets.standings({"session": DOLLAR, "notebook": DOLLAR}, of=ME, at=NOW)
    assert [one.spent_usd for one in found] == [Decimal("0.75"), Decimal("0.5")]
    sink.close()


def test_what_was_spent_stays_spent_when_old_records_go(sink):
    spend(sink, 1, "0.5")
    sink.drop_before(NOW + timedelta(1))
    found = sink.budgets.standings(dict.fromkeys(SCOPES, DOLLAR), of=ME, at=NOW)
    assert {one.spent_usd for one in found} == {Decimal("0.5")}


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.integers(1, 60)), max_size=30))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spending_never_exceeds_a_budget_whatever_comes_in_between(tmp_path_factory, calls):
    sink = SqliteSink(SinkOptions(tmp_path_factory.mktemp("home")))
    spent, open_calls = Decimal(0), {}
    for number, (session, ends, cents) in enumerate(calls):
        most = Decimal(cents) / 100
        who = Spender(f"session-{session}", "project", "a.ipynb")
        if reserve(sink, f"record-{number:04d}", most, {"day": DOLLAR}, of=who) is None:
            open_calls[number] = most
        if ends and open_calls:
            done, most = open_calls.popitem()
            spend(sink, done, most / 2)
            spent += most / 2
        (found,) = sink.budgets.standings({"day": DOLLAR}, of=who, at=NOW)
        assert (found.spent_usd, found.reserved_usd) == (spent, sum(open_calls.values()))
        assert found.spent_usd + found.reserved_usd <= DOLLAR
    sink.close()


RACE = """
import pathlib, sys
from datetime import UTC, datetime
from decimal import Decimal
from nbkit.ledger.budgets import Spender
from nbkit.ledger.sqlite import SqliteSink
from nbkit.protocols import SinkOptions
from nbkit.testing import factories
from nbkit.types import Cost
sink, me = SqliteSink(SinkOptions(pathlib.Path(sys.argv[1]))), sys.argv[2]
made = 0
for number in range(40):
    record = factories.record(number, id=f"{me}-{number}", session_id=me, cost=Cost(Decimal("0.004"), source="table"))
    limits = {"day": Decimal("0.10")}
    at = record.started_at
    if sink.budgets.reserve(record.id, Decimal("0.005"), limits, of=Spender(me), at=at) is None:
        sink.write(record)
        made += 1
print(made)
"""


def test_four_processes_racing_for_ten_cents_do_not_overrun(tmp_path):
    racers = [
        subprocess.Popen([sys.executable, "-c", RACE, str(tmp_path), f"s{number}"], stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    made = sum(int(racer.communicate(timeout=120)[0]) for racer in racers)
    sink = SqliteSink(SinkOptions(tmp_path))
    spent = sink.summary().cost_usd
    sink.close()
    assert spent == made * Decimal("0.004")
    assert Decimal("0.095") < spent <= Decimal("0.10")
