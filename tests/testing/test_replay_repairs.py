"""A notebook that holds a repair runs again from its own records."""

from __future__ import annotations

import json

from nbkit.canonical import to_plain
from nbkit.display.card import card_html, card_text
from nbkit.prompts.schema import shape_of
from nbkit.protocols import ProviderOptions
from nbkit.recorded import RECORD_MIME
from nbkit.report.reading import calls, read_notebook
from nbkit.session import Session
from nbkit.testing import FakeProvider, ReplayProvider, compare, record, replay_notebook

WRONG, RIGHT = '{"name": "Ada"}', '{"name": "Ada", "age": 36}'
FIELDS = "name, age int"


def recorded(tmp_path, *answers, runs=1):
    session = Session(
        home=tmp_path / "home", environment={}, folder=tmp_path, providers={"openai": FakeProvider(answers)}
    )
    try:
        settings = session.config({"model": "openai:gpt-4o-mini"}).settings
        asked = {"settings": settings, "variables": {}, "shape": shape_of(FIELDS)}
        return [[one.record for one in session.ask("Who?", **asked)] for _ in range(runs)][-1]
    finally:
        session.close()


def notebook(tmp_path, records, *, tags=()):
    path = tmp_path / "run.ipynb"
    card = {
        RECORD_MIME: [to_plain(one) for one in records],
        "text/html": card_html(records),
        "text/plain": card_text(records),
    }
    cells = [
        {"cell_type": "code", "source": "%load_ext nbkit", "outputs": []},
        {
            "cell_type": "code",
            "source": f"%%llm --schema '{FIELDS}'\nWho?",
            "outputs": [{"output_type": "display_data", "data": card, "metadata": {}}],
            "metadata": {"tags": list(tags)},
        },
        {
            "cell_type": "code",
            "source": "print(_llm.text, len(_llm.records), _llm.record.repairs is None)",
            "outputs": [],
        },
    ]
    for number, cell in enumerate(cells, 1):
        cell.update(execution_count=number, id=f"cell-{number}")
        cell.setdefault("metadata", {})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_repaired_answer_is_given_again_with_both_records(tmp_path):
    path = notebook(tmp_path, recorded(tmp_path, WRONG, RIGHT))
    executed = replay_notebook(path)
    (first, second) = [record for _, record in calls(executed)]
    assert (first.response.text, second.response.text) == (WRONG, RIGHT)
    assert second.repairs == first.id
    assert executed.cells[2].outputs[0].text == f"{RIGHT} 2 False\n"
    again = tmp_path / "again.ipynb"
    again.write_text(json.dumps(executed))
    assert compare(read_notebook(again), replay_notebook(again)) == []


def test_repair_that_came_from_the_cache_is_given_again(tmp_path):
    records = recorded(tmp_path, WRONG, RIGHT, runs=2)
    assert [one.cache.status for one in records] == ["hit", "hit"]
    path = notebook(tmp_path, records)
    executed = replay_notebook(path)
    (first, second) = [record for _, record in calls(executed)]
    assert (first.response.text, second.response.text, second.repairs) == (WRONG, RIGHT, first.id)
    again = tmp_path / "again.ipynb"
    again.write_text(json.dumps(executed))
    assert compare(read_notebook(again), replay_notebook(again)) == []


def test_what_repairs_what_is_compared_and_not_by_id():
    def drawn(*records):
        output = {"output_type": "display_data", "data": {RECORD_MIME: [to_plain(one) for one in records]}}
        return {"cells": [{"cell_type": "code", "source": "x", "outputs": [output]}]}

    repaired = drawn(record(1), record(2, repairs="record-0001"))
    assert compare(repaired, drawn(record(3), record(4, repairs="record-0003"))) == []
    assert compare(repaired, drawn(record(1), record(2)))


def test_answer_that_failed_twice_fails_again(tmp_path):
    records = recorded(tmp_path, WRONG)
    executed = replay_notebook(notebook(tmp_path, records, tags=("raises-exception",)))
    assert [record.status for _, record in calls(executed)] == ["ok", "error"]
    assert [record.response for _, record in calls(executed)] == [record.response for record in records]


def test_replayed_calls_are_found_one_by_one(tmp_path):
    records = recorded(tmp_path, WRONG, RIGHT)
    replay = ReplayProvider(ProviderOptions(tmp_path, base_url=str(notebook(tmp_path, records))))
    said = [replay.complete(one.request, on_text=lambda _: None, timeout_s=1).text for one in records]
    assert said == [WRONG, RIGHT]
