from __future__ import annotations

import copy
import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.canonical import to_plain
from nbkit.display.card import card_html, card_text
from nbkit.errors import NotebookError
from nbkit.recorded import RECORD_MIME, Retrieval, Retrieved
from nbkit.report.execute import execute, write
from nbkit.report.reading import read_notebook
from nbkit.testing.factories import record, request, response
from nbkit.testing.notebooks import compare, replay_notebook
from nbkit.types import CacheOutcome, Span, Timing, Verdict


def _run(*outputs, source="x"):
    return {"cells": [{"cell_type": "code", "source": source, "outputs": list(outputs)}]}


def _printed(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def _card(made):
    data = {RECORD_MIME: to_plain(made), "text/html": card_html(made), "text/plain": card_text(made)}
    return {"output_type": "display_data", "data": data, "metadata": {}}


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("1.24 s", "213 ms"), ("2 min 5 s", "<0.1 ms"), ("just now", "3 days ago"), ("1,234 tokens/s", "7 tokens/s"),
        ("(72 a second)", "(1,377 a second)"),
        ("total_s=0.25", "total_s=1e-05"), ("'total_s': 0.25", "'total_s': 3"),
        ("at 2026-01-02T03:04:05Z", "at 2027-01-02 03:04"),
        ("0123456789abcdef0123456789abcdef", "00000000-0000-0000-0000-000000000000"),
        ("<A at 0x7f0123456789>", "<A at 0x7fffffffffff>"),
        ("a   1 s", "a 10.0 s"),
    ],
)  # fmt: skip
def test_figures_that_change_from_run_to_run_are_left_out(one, two):
    assert compare(_run(_printed(one)), _run(_printed(two))) == []


@pytest.mark.parametrize(
    ("one", "two"), [("$0.01", "$0.02"), ("12 tokens", "13 tokens"), ("miss", "hit"), ("5 samples", "4 samples")]
)
def test_figures_that_mean_something_are_compared(one, two):
    assert len(compare(_run(_printed(one)), _run(_printed(two)))) == 1


@pytest.mark.parametrize(
    ("one", "two", "is_like"),
    [
        ("score 4.267", "score 4.268", True), ("score 4.267", "score 4.269", False), ("0.425654", "0.425653", True),
        ("-0.425654", "0.425654", False), ("0.425654", "0.425754", False), ("0.21", "0.22", False),
        ("0.004", "0.005", False), ("$1.2345", "$1.2346", False), ("12,345.678", "12,345.679", True),
        ("4.267 of a", "4.268 of b", False), ("1.000 2.000", "1.000", False), ("3.11.4", "3.11.5", False),
        ("9.9996", "10.0006", False),
    ],
)  # fmt: skip
def test_last_digit_of_a_fraction_may_differ_as_processors_do(one, two, is_like):
    assert (compare(_run(_printed(one)), _run(_printed(two))) == []) is is_like
    assert (compare(_run(_printed(two)), _run(_printed(one))) == []) is is_like


def test_record_that_is_older_than_a_field_is_the_same():
    older = _card(record())
    assert older["data"][RECORD_MIME].pop("tag") is None
    assert compare(_run(older), _run(_card(record()))) == []


def _looked_up(score, duration_s):
    found = Retrieved("e" * 64, "a.md", 3, 0, 9, score)
    return record(retrieval=Retrieval("docs", "hybrid", duration_s, (found,)))


def test_of_a_retrieval_all_but_its_time_is_compared():
    one = _run(_card(_looked_up(0.5, 0.001)))
    assert compare(one, _run(_card(_looked_up(0.5000001, 3.0)))) == []
    assert compare(one, _run(_card(_looked_up(0.501, 0.001))))


def _judged(*spans):
    return _run(_card(record(verdicts=(Verdict("citations", "output", "warn", spans=spans),))))


def test_of_what_a_guard_found_the_kind_is_compared_and_not_the_place():
    assert compare(_judged(Span(0, 97, "no source")), _judged(Span(0, 101, "no source"))) == []
    assert compare(_judged(Span(0, 97, "no source")), _judged(Span(0, 97, "secret")))
    assert compare(_judged(Span(0, 97, "no source")), _judged())


@given(st.text(), st.data())
def test_it_does_not_matter_in_which_pieces_text_was_printed(text, data):
    at = data.draw(st.integers(0, len(text)))
    assert compare(_run(_printed(text)), _run(_printed(text[:at]), _printed([text[at:]]))) == []


def test_of_a_card_the_record_is_compared():
    one = record(1, cache=CacheOutcome("hit", "k", 3.0, Timing(total_s=1)))
    other = record(9, cache=CacheOutcome("hit", "k", 0.1, Timing(total_s=9)), timing=Timing(total_s=0.001))
    assert compare(_run(_card(one)), _run(_card(other))) == []
    said = dataclasses.replace(one, response=response("else"))
    assert compare(_run(_card(one)), _run(_card(said)))[0].startswith(f"code cell 1, output 1: committed {RECORD_MIME}")


def test_a_list_of_records_is_compared_record_by_record():
    def drawn(*made):
        return {"output_type": "display_data", "data": {RECORD_MIME: [to_plain(one) for one in made]}}

    assert compare(_run(drawn(record(1), record(2))), _run(drawn(record(3), record(4)))) == []
    assert compare(_run(drawn(record(1), record(2))), _run(drawn(record(3))))


@pytest.mark.parametrize(
    "change",
    [
        lambda run: run["cells"].append({"cell_type": "code", "outputs": []}),
        lambda run: run["cells"][0]["outputs"].pop(),
        lambda run: run["cells"][0]["outputs"].append(_printed("more")),
        lambda run: run["cells"][0]["outputs"][1].update(ename="TypeError"),
    ],
)
def test_what_is_missing_or_more_is_a_difference(change):
    run = _run(_printed("a"), {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": []})
    other = copy.deepcopy(run)
    change(other)
    assert compare(run, run) == []
    assert compare(run, other)


def test_images_and_prose_are_not_compared():
    def drawn(image):
        run = _run({"output_type": "display_data", "data": {"image/png": image}})
        return {"cells": [{"cell_type": "markdown", "source": image}, *run["cells"]]}

    assert compare(drawn("AAAA"), drawn("BBBB")) == []


def _write(path, *sources, carried=(), tags=()):
    blank = {"cell_type": "code", "execution_count": None, "metadata": {"tags": list(tags)}}
    cells = [{**blank, "id": f"c{n}", "source": one, "outputs": []} for n, one in enumerate(sources)]
    cells[-1]["outputs"] = [_card(one) for one in carried]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def test_a_notebook_is_run_again_from_its_own_records(tmp_path):
    answered = record(request=request("Why?", provider="openai", model="gpt-x"), response=response("Because."))
    path = _write(tmp_path / "one.ipynb", "%load_ext nbkit", "%%llm\nWhy?", carried=[answered])
    before = path.read_text()
    again = replay_notebook(path, timeout_s=60)
    [found] = again["cells"][1]["outputs"][-1]["data"][RECORD_MIME]
    assert (found["response"]["text"], found["request"]["model"]) == ("Because.", "gpt-x")
    assert found["request_sha256"] == answered.request_sha256
    assert path.read_text() == before


def test_a_notebook_whose_prompt_was_changed_fails_with_the_fix(tmp_path):
    answered = record(request=request("Why?", provider="openai", model="gpt-x"))
    path = _write(tmp_path / "one.ipynb", "%load_ext nbkit", "%%llm\nWhy not?", carried=[answered])
    with pytest.raises(NotebookError, match="stopped at code cell 2"):
        replay_notebook(path, timeout_s=60)


def test_a_cell_that_is_meant_to_fail_does_not_stop_the_run(tmp_path):
    notebook = read_notebook(_write(tmp_path / "one.ipynb", "1 / 0", "print('after')", tags=["raises-exception"]))
    execute(notebook, name="one", cwd=tmp_path, timeout_s=60)
    assert notebook.cells[1].outputs[0].text == "after\n"


def test_the_kernel_gets_the_environment_and_the_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TO_BE_TAKEN_AWAY", "x")
    source = "import os\nprint(os.getcwd(), os.environ['ADDED'], 'TO_BE_TAKEN_AWAY' in os.environ)"
    notebook = read_notebook(_write(tmp_path / "one.ipynb", source))
    environment = {"ADDED": "y", "TO_BE_TAKEN_AWAY": ""}
    execute(notebook, name="one", cwd=tmp_path, environment=environment, timeout_s=60)
    assert notebook.cells[0].outputs[0].text == f"{tmp_path} y False\n"


def test_a_notebook_comes_back_from_disk_as_it_was_written(tmp_path):
    path = _write(tmp_path / "one.ipynb", "x = 1")
    notebook = read_notebook(path)
    write(notebook, path)
    assert read_notebook(path) == notebook
    assert [one.name for one in tmp_path.iterdir()] == ["one.ipynb"]


def test_of_a_cell_that_draws_timings_only_the_kinds_of_outputs_are_compared():
    one, two = _run(_printed("p95: 6 calls")), _run(_printed("p95: 9 calls, and a row more"))
    assert compare(one, two)
    for run in (one, two):
        run["cells"][0]["metadata"] = {"tags": ["timings"]}
    assert compare(one, two) == []
    assert compare(one, _run()) != []
    assert compare(one, _run(_printed("p95: 6 calls", name="stderr"))) != []
    assert compare(one, _run({"output_type": "display_data", "data": {"text/html": "x"}, "metadata": {}})) != []


def test_what_was_taken_out_of_an_answer_is_not_found_again_and_what_a_prompt_lost_is():
    def run(stage, action):
        return _run(_card(record(verdicts=(Verdict("canary", stage, action, reason="it was there"),))))

    assert compare(run("output", "redact"), _run(_card(record(verdicts=(Verdict("canary", "output", "allow"),))))) == []
    assert compare(run("output", "redact"), run("output", "warn")) != []
    assert compare(run("input", "redact"), run("input", "allow")) != []


def test_ids_of_runs_and_records_are_others_in_each_run_and_hashes_are_not():
    def said(run, sha):
        return _run(
            _printed(f"run {run} · data set ten {sha}\nWorst 2 answers of a ({run})\nnbkit.records(id='{run}')")
        )

    assert compare(said("b799f950", "1809a8bf"), said("6193dc2e", "1809a8bf")) == []
    assert compare(said("b799f950", "1809a8bf"), said("b799f950", "6193dc2e")) != []
