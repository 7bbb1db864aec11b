"""One output at the end of a cell for all its calls that drew nothing of their own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import nbformat
import pytest

import nbkit
from nbkit.canonical import from_plain
from nbkit.display import unshown as module
from nbkit.recorded import RECORD_MIME, Record
from nbkit.report import report
from nbkit.testing import FakeProvider, replay_notebook, shell
from nbkit.testing.interactive import NotebookShell
from nbkit.testing.replay import read_records


@pytest.fixture
def notebook() -> Iterator[NotebookShell]:
    with shell() as loaded:
        loaded.run("import nbkit")
        yield loaded


def carried(cell) -> list[Record]:
    outputs = [output["data"] for output in cell.outputs if RECORD_MIME in output.get("data", {})]
    assert len(outputs) == 1
    return [from_plain(Record, row) for row in outputs[0][RECORD_MIME]]


def test_a_loop_of_calls_leaves_one_output_with_all_its_records(notebook):
    cell = notebook.run("for n in range(50):\n    nbkit.ask(f'question {n % 40}')")
    [output] = cell.outputs
    assert set(output["data"]) == {RECORD_MIME, "text/html", "text/plain"}
    assert output["data"]["text/plain"] == "nbkit · 50 calls · $0 · 10 hits"
    records = carried(cell)
    assert [record.request.messages[0].content for record in records] == [f"question {n % 40}" for n in range(50)]
    assert records[0].response.text == "question 0"


def test_a_cell_without_calls_leaves_nothing(notebook):
    notebook.run("nbkit.ask('one')")
    assert notebook.run("two = 1 + 1").outputs == []


def test_quiet_lines_are_one_output_that_draws_nothing(notebook):
    cell = notebook.run("for n in range(5):\n    %llm --quiet question {{ n }}")
    assert [set(output["data"]) for output in cell.outputs] == [{RECORD_MIME}]
    assert len(carried(cell)) == 5


def test_a_cell_that_fails_keeps_the_calls_it_made_before(notebook):
    cell = notebook.run("nbkit.ask('before')\n1 / 0")
    assert isinstance(cell.error, ZeroDivisionError)
    assert [record.response.text for record in carried(cell)] == ["before"]


def test_a_cell_that_is_interrupted_keeps_the_calls_it_made_before(notebook):
    cell = notebook.run("nbkit.ask('before')\nraise KeyboardInterrupt")
    assert isinstance(cell.error, KeyboardInterrupt)
    assert [record.response.text for record in carried(cell)] == ["before"]


def test_a_call_that_fails_is_among_them_and_in_the_line(notebook):
    cell = notebook.run("nbkit.ask('fine')\nnbkit.ask('a word', model='opnai:x')")
    assert cell.error is not None
    cell = notebook.run("nbkit.ask('fine')\nnbkit.ask('x' * 3_000_000)")
    assert cell.error is not None
    assert [record.status for record in carried(cell)] == ["ok", "blocked"]
    assert "2 calls" in cell.outputs[-1]["data"]["text/plain"]
    assert "1 blocked" in cell.outputs[-1]["data"]["text/plain"]


def test_threads_print_nothing_and_their_records_come_with_the_cell(notebook):
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    answers = [one.text for one in pool.map(nbkit.ask, [f'question {n}' for n in range(64)])]"
    )
    records = carried(notebook.run(code))
    assert {record.response.text for record in records} == {f"question {n}" for n in range(64)}
    assert len(records) == 64


def test_a_thread_that_ends_later_leaves_its_record_with_the_next_cell(notebook):
    gate = threading.Event()
    notebook.user_ns["gate"] = gate
    code = "import threading\nlate = threading.Thread(target=lambda: (gate.wait(10), nbkit.ask('late')))\nlate.start()"
    assert notebook.run(code).outputs == []
    gate.set()
    assert [record.response.text for record in carried(notebook.run("late.join()"))] == ["late"]


def test_content_that_is_not_to_be_kept_is_not_carried(notebook):
    notebook.run("%config NbKit.records_content = False")
    [record] = carried(notebook.run("nbkit.ask('a word')"))
    assert record.response.text == ""
    assert record.prompt_chars == 6


def test_text_mode_draws_the_line_as_text(notebook):
    notebook.run("%config NbKit.ui = 'text'")
    [output] = notebook.run("x = nbkit.ask('a word')").outputs
    assert set(output["data"]) == {RECORD_MIME, "text/plain"}


def test_unloading_asks_the_shell_no_more(notebook):
    notebook.run("x = nbkit.ask('a word')")
    assert module.draw_unshown in notebook.events.callbacks["post_run_cell"]
    notebook.run("%unload_ext nbkit")
    assert module.draw_unshown not in notebook.events.callbacks["post_run_cell"]


def test_outside_of_a_notebook_nothing_gathers():
    nbkit.ask("a word", model="echo")
    assert nbkit.session.current().unshown.take() == []


def _saved(cells, path, **metadata):
    made = [
        nbformat.v4.new_code_cell(
            source, outputs=[_plain(one) for one in cell.outputs], metadata={"tags": ["raises-exception"]}
        )
        for source, cell in cells
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return path


def _plain(output):
    data = json.loads(json.dumps(output["data"]))
    return nbformat.v4.new_output("display_data", data)


def test_saved_notebook_is_reported_and_run_again_without_its_model(tmp_path):
    codes = [
        "import nbkit\n%load_ext nbkit",
        "answers = [nbkit.ask(f'question {n}').text for n in range(3)]",
        "for n in range(3, 5):\n    %llm --quiet question {{ n }}\nnbkit.ask('before'); 1 / 0",
    ]
    answering = FakeProvider(lambda asked: f"answer to {asked.messages[0].content}")
    with shell(providers={"openai": answering}, environment={"NBKIT_MODEL": "openai:gpt-4o-mini"}) as notebook:
        path = _saved([(code, notebook.run(code)) for code in codes], tmp_path / "loop.ipynb")
    said = [f"answer to question {n}" for n in range(5)] + ["answer to before"]

    assert [record.response.text for record in read_records(path)] == said
    assert "nbkit · 3 calls" in report(path).read_text(encoding="utf-8")
    executed = replay_notebook(path)
    nbformat.write(executed, tmp_path / "again.ipynb")
    assert [record.response.text for record in read_records(tmp_path / "again.ipynb")] == said
    assert [len(cell.outputs) for cell in executed.cells] == [0, 1, 2]
    assert "ZeroDivisionError" in [one.get("ename") for one in executed.cells[2].outputs]
