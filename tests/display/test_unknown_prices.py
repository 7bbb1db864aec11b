"""Where prices that nobody knows stand beside calls that cost nothing, no sum reads as nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from nbkit.display.board import Choice, board
from nbkit.display.dashboard import dashboard_bundle
from nbkit.display.impact import impact_table
from nbkit.display.panel import panel_bundle
from nbkit.display.tiles import tiles
from nbkit.display.totals import Totals, TotalsBy
from nbkit.figures import known_part, sum_of
from nbkit.ledger.prometheus import exposition
from nbkit.ledger.selection import Selection
from nbkit.report.summary import summarise
from nbkit.report.tables import cost, saved
from nbkit.session import Session
from nbkit.testing import factories
from nbkit.types import CacheOutcome, Cost, Timing

NOW = datetime.now(UTC)
NOTHING = re.compile(r"\$0(?![.\d])")


def calls(*, has_local):
    """Answers without a price and a hit on one of them; besides, perhaps, a local answer and a hit on it."""
    unpriced = [
        factories.record(0, cost=Cost(None)),
        factories.record(1, cost=Cost(None)),
        factories.record(2, cost=Cost(Decimal(0), None, source="cache"), cache=CacheOutcome("hit")),
    ]
    free = [
        factories.record(3, cost=Cost(Decimal(0), source="local")),
        factories.record(4, cost=Cost(Decimal(0), Decimal(0), source="cache"), cache=CacheOutcome("hit")),
    ]
    given = [*unpriced, *free] if has_local else unpriced
    return [factories.record(one, started_at=NOW - timedelta(minutes=9), timing=Timing(0.2, attempts=1), tag="t",
                             cost=record.cost, cache=record.cache) for one, record in enumerate(given)]  # fmt: skip


@pytest.fixture(params=[True, False], ids=["with a local call", "alone"])
def records(request):
    return calls(has_local=request.param)


@pytest.fixture
def session(tmp_path, records):
    opened = Session(home=tmp_path, environment={})
    for record in records:
        opened.ledger.write(record)
    yield opened
    opened.close()


@pytest.mark.parametrize("choice", [Choice("24h"), Choice("24h", by="tag"), Choice("all", by="day")])
def test_dashboard_says_that_the_cost_is_not_known(session, choice):
    bundle = dashboard_bundle(board(session, choice))
    for mime in ("text/plain", "text/html"):
        assert not NOTHING.findall(bundle[mime])
        assert "nothing was paid" not in bundle[mime]
    assert "no price is known" in bundle["text/plain"]


def test_panel_says_that_the_cost_is_not_known(session):
    bundle = panel_bundle(session.ledger.summary(Selection()), (), model="m", temperature=0)
    assert not NOTHING.findall(bundle["text/plain"])


def test_totals_and_their_mapping_do_not_hold_nothing(session):
    found = session.ledger.summary(Selection())
    totals = Totals(found, {}, caption="x")
    assert (totals["total_cost_usd"], totals["saved_usd"]) == (None, None)
    by_tag = TotalsBy("tag", session.ledger.summary_by("tag", Selection()), {}, caption="x")
    assert not NOTHING.findall(f"{totals!r}{by_tag!r}")


def test_impact_says_that_the_cost_is_not_known(session):
    table = impact_table(session.ledger.impact(Selection()), caption="x")
    assert not NOTHING.findall(table.text())


def test_metrics_hold_no_cost_where_none_is_known(session):
    text = exposition(session.ledger.metered())
    assert "nbkit_unpriced_answers_total{" in text
    assert not re.findall(r"^nbkit_(?:cost|saved)_usd_total\b.* 0$", text, re.MULTILINE)


def test_report_says_that_the_cost_is_not_known(records):
    found = summarise(records)
    assert (cost(found), saved(found)) == ("?", "?")


def test_card_says_that_the_cost_is_not_known(records):
    (tile, *_) = tiles(records)
    assert not NOTHING.findall(" ".join([tile.value, *tile.details]))


@pytest.mark.parametrize(
    ("usd", "unknown", "words"),
    [("0", 0, "$0"), ("0", 1, "?"), (None, 0, "?"), (None, 3, "?"), ("1.5", 0, "~$1.50"), ("1.5", 2, "≥ ~$1.50")],
)
def test_a_sum_in_words_says_what_it_lacks(usd, unknown, words):
    amount = None if usd is None else Decimal(usd)
    assert sum_of(amount, unknown, about="~") == words
    assert (known_part(amount, unknown) is None) == (words == "?")
