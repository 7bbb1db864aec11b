from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

import nbkit
from nbkit.errors import BadSetting, UnknownSetting
from nbkit.ledger.budgets import Spender
from nbkit.session import current
from nbkit.testing import factories
from nbkit.testing.interactive import shell
from nbkit.types import Cost


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with shell() as loaded:
        yield loaded


def said(cell):
    assert cell.error is None, cell.error
    return "\n".join(cell.bundles("text/plain")) + cell.text


def rows(cell):
    return dict(line.split("  ", 1) for line in said(cell).splitlines() if "  " in line)


def keep(number, *, usd="0.5", hours_ago=1.0, **fields):
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    current().ledger.write(factories.record(number, cost=Cost(Decimal(usd), source="table"), started_at=at, **fields))


def test_it_sums_the_last_day_unless_told_otherwise(notebook):
    for number, hours_ago in enumerate((1, 23, 25)):
        keep(number, hours_ago=hours_ago)
    assert rows(notebook.run("%cost"))["calls"].strip() == "2"
    assert rows(notebook.run("%cost"))["cost"].strip() == "$1.00"
    assert rows(notebook.run("%cost --since 2d"))["cost"].strip() == "$1.50"
    assert rows(notebook.run("%cost --since=all"))["calls"].strip() == "3"
    assert rows(notebook.run("%cost --since session"))["calls"].strip() == "0"


def test_groups_stand_in_rows_the_dearest_first(notebook):
    for number, (tag, usd) in enumerate([("cheap", "0.1"), ("dear", "2"), (None, "0")]):
        keep(number, tag=tag, usd=usd)
    lines = said(notebook.run("%cost --by tag")).splitlines()
    assert lines[0] == "Calls of the last 24h, by tag"
    assert [line.split()[0] for line in lines[2:]] == ["dear", "cheap", "(none)"]
    assert lines[2].split()[1:3] == ["1", "$2.00"]


def test_a_call_that_a_guard_blocked_stands_with_its_model(notebook):
    cell = notebook.run("%%llm -m echo\nMy key is sk-" + "proj-" + "a1B2c3D4e5F6g7H8" * 3)
    assert cell.error is not None
    lines = said(notebook.run("%cost --by model")).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["echo:echo"]
    assert "echo" in str(nbkit.records()[["provider", "model"]].iloc[0].tolist())


def test_both_tables_have_the_same_hit_rate(notebook):
    notebook.run("%%llm -m echo\nHello")
    notebook.run("%%llm -m echo\nHello")
    assert notebook.run("%%llm -m echo --cache only\nNot asked yet").error is not None
    assert "(50% of 2)" in rows(notebook.run("%cost"))["cache"]
    impact = [line for line in said(notebook.run("%cache impact")).splitlines() if line.startswith("hit rate")]
    assert "50% (1 of 2)" in impact[0]


def test_only_calls_that_have_what_is_asked_for_count(notebook):
    keep(1, tag="draft")
    keep(2, tag="final")
    assert rows(notebook.run("%cost --tag draft"))["calls"].strip() == "1"
    assert rows(notebook.run("%cost --model fake:fake-1"))["calls"].strip() == "2"
    assert rows(notebook.run("%cost --model other"))["calls"].strip() == "0"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("%cost --by mood", BadSetting),
        ("%cost --since yesterday", BadSetting),
        ("%cost --since", BadSetting),
        ("%cost --bye tag", UnknownSetting),
        ("%cost 'open", BadSetting),
        ("%cost rate", BadSetting),
        ("%cost budgets free", UnknownSetting),
        ("%cost rate 2", BadSetting),
        ("%cost rate nan", BadSetting),
        ("%cost rate 1", BadSetting),
        ("%cost prune", BadSetting),
        ("%cost prune -1d", BadSetting),
    ],
)
def test_what_cannot_be_read_is_said_and_the_next_cell_works(notebook, line, kind):
    keep(1)
    assert isinstance(notebook.run(line).error, kind)
    assert rows(notebook.run("%cost"))["calls"].strip() == "1"


@pytest.mark.parametrize(("word", "score"), [("👍", 1.0), ("👎🏽", 0.0), ("0.75", 0.75)])
def test_a_rating_is_kept_beside_the_record_of_the_last_answer(notebook, word, score):
    pytest.importorskip("pandas")
    notebook.run("%%llm -m echo\nhello")
    assert "rated" in said(notebook.run(f"%cost rate {word} clear and short"))
    found = nbkit.records(this_session=True)
    assert found[["rating", "rating_note"]].values.tolist() == [[score, "clear and short"]]


def test_the_note_of_a_rating_holds_no_more_than_a_prompt_may(notebook):
    notebook.run("%%llm -m echo\nhello")
    assert "rated" in said(notebook.run("%cost rate 1 mail gina.i@corp.example"))
    key = "AKIA" + "Q3EGRIRBT7KWN5XZ"
    refused = notebook.run(f"%cost rate 0 it shows {key}").error
    assert isinstance(refused, BadSetting)
    (rating,) = current().ledger.ratings().values()
    assert (rating.score, rating.note) == (1.0, "mail ⟦EMAIL_1⟧")
    assert key not in str(refused)


def test_budgets_say_how_many_answers_they_do_not_count(notebook):
    cost = Cost(None, source="unknown")
    current().ledger.write(factories.record(1, cost=cost, session_id=current().id, started_at=datetime.now(UTC)))
    notebook.run("%config NbKit.budget_day = 1")
    assert "Not in it: 1 answer of this session, whose price is not known." in said(notebook.run("%cost budgets"))


def test_budgets_say_that_a_notebook_without_a_name_pays_nothing(notebook, monkeypatch):
    notebook.run("%config NbKit.budget_notebook = 1")
    assert "This notebook has no name" in said(notebook.run("%cost budgets"))
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/a.ipynb")
    assert "has no name" not in said(notebook.run("%cost budgets"))


def test_budgets_say_what_is_left(notebook):
    assert "No budget is in force" in said(notebook.run("%cost budgets"))
    keep(1, usd="0.25")
    notebook.run("%config NbKit.budget_day = 1")
    lines = [line.split() for line in said(notebook.run("%cost budgets")).splitlines()]
    assert lines[2] == ["day", "$1.00", "$0.25", "$0", "$0.75"]


def test_what_calls_reserved_that_never_came_back_can_be_freed(notebook):
    long_ago = datetime.now(UTC) - timedelta(hours=2)
    for name, at in (("lost", long_ago), ("going on", datetime.now(UTC))):
        current().ledger.budgets.reserve(name, Decimal("0.5"), {}, of=Spender(current().id), at=at)
    assert "$0.50 is free again" in said(notebook.run("%cost budgets release"))
    assert "$0 is free again" in said(notebook.run("%cost budgets release"))


def test_pruned_records_are_gone_and_their_cost_stays(notebook):
    keep(1, hours_ago=24 * 100)
    keep(2, hours_ago=1)
    assert "1 record deleted" in said(notebook.run("%cost prune 90d"))
    assert [record.id for record in current().ledger.read()] == ["record-0002"]
    assert rows(notebook.run("%cost --since all"))["cost"].strip() == "$1.00"


def test_summary_has_every_figure_by_its_name_and_draws(notebook):
    keep(1, tag="a", usd="0.25")
    keep(2, tag="b", usd="0.75")
    found = nbkit.summary()
    assert set(found) >= {
        *("total_calls", "success_rate", "total_cost_usd", "saved_usd", "saved_s", "latency_mean_s"),
        *("latency_p50_s", "latency_p95_s", "latency_n", "input_tokens", "output_tokens", "cache_hit_rate"),
        *("blocked_calls", "cost_usd_by_hour"),
    }
    assert (found["total_calls"], found["total_cost_usd"], found["success_rate"]) == (2, Decimal(1), 1.0)
    assert sum(found["cost_usd_by_hour"].values()) == Decimal(1)
    assert "$1.00" in repr(found)
    assert "<caption" in found._repr_html_()
    by_tag = nbkit.summary(by="tag")
    assert list(by_tag) == ["b", "a"]
    assert sum(by_tag["a"]["cost_usd_by_hour"].values()) == Decimal("0.25")
    assert nbkit.summary(tag="a")["total_calls"] == 1


def test_summary_as_a_frame(notebook):
    pytest.importorskip("pandas")
    keep(1, tag="a")
    assert nbkit.summary().to_frame()["total_calls"].tolist() == [1]
    assert nbkit.summary(by="tag").to_frame()[["tag", "total_calls"]].values.tolist() == [["a", 1]]


@pytest.mark.parametrize("asked", [{"by": "mood"}, {"last_n_hours": 0}, {"last_n_hours": float("nan")}])
def test_summary_refuses_what_cannot_be(notebook, asked):
    with pytest.raises(BadSetting):
        nbkit.summary(**asked)
