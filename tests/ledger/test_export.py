from __future__ import annotations

import csv
import dataclasses
import json
import stat
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from nbkit.errors import BadSetting, NbkitError, StoreError
from nbkit.ledger.export import COLUMNS, CONTENT, flat, write_records
from nbkit.ledger.selection import Selection
from nbkit.ledger.sqlite import SqliteSink
from nbkit.ledger.summary import Rating
from nbkit.protocols import SinkOptions
from nbkit.testing import factories
from nbkit.types import CacheOutcome, Cost, Timing, Verdict

HOSTILE = ["'=1", "''", "-1", "+1", "@x", "\t", "\n=1", "\r=1", "\uff1dSUM(1)", "'"]


def test_a_row_has_what_the_record_has():
    record = factories.record(
        1,
        cost=Cost(Decimal(0), saved_usd=Decimal("0.5"), source="cache"),
        cache=CacheOutcome("hit", age_s=9.0, original=Timing(total_s=2.0)),
        verdicts=(Verdict("pii", "input", "redact"), Verdict("limits", "input", "allow")),
        tag="draft",
    )
    row = flat(record, Rating(0.5, "so so", datetime.now(UTC)))
    assert {name: row[name] for name in ("status", "provider", "model", "tag", "input_tokens", "attempts")} == {
        "status": "ok", "provider": "fake", "model": "fake-1", "tag": "draft", "input_tokens": 12, "attempts": 1,
    }  # fmt: skip
    assert (row["saved_usd"], row["cache_age_s"], row["original_latency_s"]) == (Decimal("0.5"), 9.0, 2.0)
    assert (row["guards"], row["rating"], row["rating_note"]) == ("pii.input.redact", 0.5, "so so")


def test_parquet_has_a_type_for_each_column(tmp_path):
    path = tmp_path / "calls.parquet"
    cost = Cost(Decimal("0.000000000001"), source="table")
    assert write_records(path, [factories.record(1, cost=cost), factories.record(2, cost=Cost(None))]) == 2
    table = parquet.read_table(path)
    assert table.column_names == [name for name in COLUMNS if name not in CONTENT]
    assert table.column("cost_usd").to_pylist() == [Decimal("0.000000000001"), None]
    assert table.column("started_at").to_pylist()[0] == factories.START
    kinds = {str(table.schema.field(name).type) for name in ("cost_usd", "latency_s", "started_at", "is_estimate")}
    assert kinds == {"decimal128(38, 12)", "double", "timestamp[us, tz=UTC]", "bool"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_no_records_make_a_file_with_no_rows(tmp_path, suffix):
    path = tmp_path / f"calls.{suffix}"
    assert write_records(path, []) == 0
    assert path.exists()


def test_what_a_spreadsheet_would_run_is_text(tmp_path):
    path = tmp_path / "calls.csv"
    record = factories.record(1, response=factories.response("=HYPERLINK(1)"), tag="@SUM(A1)")
    write_records(path, [record], has_content=True)
    with path.open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["answer"], row["tag"]) == ("'=HYPERLINK(1)", "'@SUM(A1)")
    assert row["latency_s"] == "0.5"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(HOSTILE), min_size=1, max_size=9))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_begins_as_a_formula_and_each_can_be_had_back(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("out") / "calls.csv"
    records = [factories.record(number, response=factories.response(text)) for number, text in enumerate(texts)]
    records[0] = dataclasses.replace(records[0], cost=Cost(Decimal("-0.5")))
    write_records(path, records, has_content=True)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = [row["answer"] for row in rows]
    assert not any(one.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")) for one in found)
    assert [one.removeprefix("'") for one in found] == texts
    assert rows[0]["cost_usd"] == "-0.5"


def test_every_text_is_redacted(tmp_path):
    path = tmp_path / "calls.jsonl"
    record = factories.record(1, tag="hunter2", response=factories.response("it is hunter2"))
    write_records(path, [record], has_content=True, redact=lambda text: text.replace("hunter2", "***"))
    assert "hunter2" not in path.read_text()


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text("before")

    def broken():
        yield factories.record(1)
        raise StoreError(what="a", why="b", fix="c")

    with pytest.raises(StoreError):
        write_records(path, broken())
    assert path.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["calls.csv"]


def test_what_cannot_be_written_is_said_in_three_sentences(tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        write_records(tmp_path / "none" / "calls.csv", [])
    with pytest.raises(BadSetting, match="records cannot be written"):
        write_records(tmp_path / "calls", [])


def test_parquet_without_the_extra_names_the_command(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NbkitError) as caught:
        write_records(tmp_path / "calls.parquet", [])
    assert "jupyter-nbkit[data]" in caught.value.fix


@given(st.lists(st.text(st.characters(), max_size=40), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None)
def test_any_answer_can_be_written_and_json_has_it_exactly(tmp_path_factory, answers):
    folder = tmp_path_factory.mktemp("out")
    records = [factories.record(n, response=factories.response(text)) for n, text in enumerate(answers)]
    for suffix in ("csv", "jsonl", "parquet"):
        write_records(folder / f"calls.{suffix}", records, has_content=True)
    lines = (folder / "calls.jsonl").read_text("ascii").splitlines()
    assert [json.loads(line)["answer"] for line in lines] == answers
    assert parquet.read_table(folder / "calls.parquet").num_rows == len(answers)


def test_records_are_read_one_after_the_other_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr("nbkit.ledger.sqlite._READ_AT_ONCE", 3)
    sink = SqliteSink(SinkOptions(tmp_path))
    for number in (5, 1, 9, 2, 7, 3, 8):
        sink.write(factories.record(number))
    sink.write(factories.record(99, started_at=factories.START))
    assert [*sink.each()] == sink.read()
    assert [*sink.each(Selection(session_id="none"))] == []
    sink.close()
