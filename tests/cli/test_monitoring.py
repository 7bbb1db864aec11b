from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nbkit.cli import main
from nbkit.session import current
from nbkit.testing import factories
from nbkit.types import Cost


def keep(number, *, hours_ago=1.0, **fields):
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    current().ledger.write(factories.record(number, started_at=at, **fields))


def test_metrics_are_what_prometheus_reads(capsys, monkeypatch, tmp_path):
    keep(1)
    monkeypatch.setenv("NBKIT_BUDGET_DAY", "2")
    assert main(["metrics"]) == 0
    said = capsys.readouterr().out
    found = {family.name: family for family in text_string_to_metric_families(said)}
    assert found["nbkit_calls"].samples[0].value == 1
    assert [one.value for one in found["nbkit_budget_limit_usd"].samples] == [2]
    assert main(["metrics", "--out", str(tmp_path / "nbkit.prom")]) == 0
    assert (tmp_path / "nbkit.prom").read_text() == said


@pytest.mark.parametrize("words", [["metrics"], ["watch"], ["records", "--out", "calls.csv"]])
def test_a_home_that_is_not_there_is_not_made(words, nbkit_home, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    assert capsys.readouterr().out
    assert not nbkit_home.exists()


def test_records_are_written_without_what_was_said(tmp_path, capsys):
    keep(1, request=factories.request("zebra"), response=factories.response("walrus"))
    keep(2, hours_ago=30)
    for suffix in ("csv", "jsonl", "parquet"):
        path = tmp_path / f"calls.{suffix}"
        assert main(["records", "--out", str(path), "--since", "24h"]) == 0
        said = capsys.readouterr()
        assert (said.out.strip(), said.err.strip()) == (str(path), "1 record, without prompts and answers")
        content = path.read_bytes()
        assert b"zebra" not in content
        assert b"walrus" not in content


def test_content_is_there_when_it_is_asked_for(tmp_path):
    keep(1, request=factories.request("zebra"), response=factories.response("walrus"))
    path = tmp_path / "calls.jsonl"
    assert main(["records", "--out", str(path), "--content"]) == 0
    (row,) = map(json.loads, path.read_text().splitlines())
    assert (row["prompt"], row["answer"]) == ("user: zebra", "walrus")


def test_a_suffix_or_a_time_that_is_none_is_an_error(tmp_path, capsys):
    assert main(["records", "--out", str(tmp_path / "calls.xls")]) == 1
    assert "--out calls.parquet" in capsys.readouterr().err
    assert main(["records", "--out", str(tmp_path / "calls.csv"), "--since", "soon"]) == 1
    assert list(tmp_path.iterdir()) == []


def test_watch_ends_with_1_when_something_has_changed_and_names_it(capsys):
    for number in range(60):
        is_new = number < 30
        status = {"status": "error", "response": None} if is_new and number < 20 else {}
        keep(number, hours_ago=1 if is_new else 25, cost=Cost(Decimal("0.01"), source="table"), **status)
    assert main(["watch", "--last", "24h", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    changed = [one for one in found["measures"] if one["verdict"] == "changed"]
    assert [one["measure"] for one in changed] == ["error rate"]
    assert changed[0]["causes"][0] == {"kind": "model", "name": "fake:fake-1", "share": 1.0}
    assert main(["watch"]) == 1
    assert "✗ worse" in capsys.readouterr().out
    assert main(["watch", "--last", "10m"]) == 0


def test_watch_ends_with_2_when_it_cannot_say(capsys, nbkit_home):
    assert main(["watch", "--last", "soon"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
    nbkit_home.mkdir()
    (nbkit_home / "records.sqlite").mkdir()
    assert main(["watch"]) == 2


def test_rows_of_all_forms_are_the_same(tmp_path):
    from pyarrow import parquet

    for number in range(3):
        keep(number, cost=Cost(Decimal("0.1") + number, source="table"))
    paths = [tmp_path / f"calls.{suffix}" for suffix in ("csv", "jsonl", "parquet")]
    for path in paths:
        assert main(["records", "--out", str(path)]) == 0
    with paths[0].open(newline="") as file:
        in_csv = [row["cost_usd"] for row in csv.DictReader(file)]
    in_json = [json.loads(line)["cost_usd"] for line in paths[1].read_text().splitlines()]
    in_parquet = parquet.read_table(paths[2]).column("cost_usd").to_pylist()
    assert in_csv == in_json == ["0.1", "1.1", "2.1"]
    assert in_parquet == [Decimal(usd) for usd in in_csv]
