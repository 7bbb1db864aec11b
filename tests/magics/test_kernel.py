import sys

import nbclient
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbkit.recorded import RECORD_MIME


def run(
    monkeypatch, tmp_path, *sources: str
) -> tuple[nbformat.NotebookNode, nbclient.exceptions.CellExecutionError | None]:
    """A notebook run by a real kernel, up to the cell that fails."""
    monkeypatch.setenv("NBKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NBKIT_MODEL", "echo")
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.create_kernel_manager().kernel_spec.argv[0] = sys.executable
    try:
        client.execute()
    except nbclient.exceptions.CellExecutionError as error:
        return notebook, error
    return notebook, None


def mimes(cell) -> list[set[str]]:
    return [set(output.get("data", {})) for output in cell.outputs]


def test_a_notebook_runs_and_its_failing_cell_stops_it(monkeypatch, tmp_path):
    notebook, error = run(
        monkeypatch,
        tmp_path,
        "%load_ext nbkit",
        "name = 'ann'",
        '%%llm -o answer\nhello {{ name }} {"a": {"b": 1}} $x',
        "print(answer.text); value = %llm what is RAG?\nvalue.record.origin.execution_count",
        "%reload_ext nbkit",
        "%%llm -p fail=RateLimited -p fail_after=1\none two three",
        "print('never')",
    )
    load, _, ask, line, again, failing, never = notebook.cells
    assert load.outputs == []
    assert again.outputs == []
    assert mimes(ask) == [{"text/markdown", "text/plain"}, {"text/html", "text/plain", RECORD_MIME}]
    assert 'hello ann {"a": {"b": 1}} $x' in line.outputs[0]["text"]
    assert line.outputs[-1]["data"]["text/plain"] == "4"
    assert error is not None
    assert failing.outputs[-1]["output_type"] == "error"
    assert failing.outputs[-1]["ename"] == "RateLimited"
    assert len(failing.outputs[-1]["traceback"]) == 3
    assert RECORD_MIME in mimes(failing)[-2]
    assert never.outputs == []


@pytest.mark.parametrize("source", ["%%llm --temprature 3\nhi", "%%llm\n{{ nobody }}", "%config NbKit.seed = 'x'"])
def test_an_error_at_the_door_leaves_an_error_output(monkeypatch, tmp_path, source):
    notebook, error = run(monkeypatch, tmp_path, "%load_ext nbkit", source)
    assert error is not None
    (output,) = notebook.cells[1].outputs
    assert output["output_type"] == "error"
    assert output["evalue"].count("\n") == 2
