from __future__ import annotations

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook, new_output

from nbkit.errors import NotebookError
from nbkit.report.execute import preview
from nbkit.report.reading import calls, read_notebook
from nbkit.report.running import inject, parse_value, run


def texts(path):
    outputs = [output for cell in nbformat.read(path, as_version=4).cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


def test_notebook_runs_with_its_parameters_and_reports_progress(write, tmp_path):
    first = new_code_cell("n = 1\nname = 'x'", metadata={"tags": ["parameters"]})
    path = write(first, new_code_cell("print(n * 2, name)"))
    seen = []
    out = run(path, out=tmp_path / "new" / "done.ipynb", parameters={"n": "21"}, on_cell=lambda *one: seen.append(one))
    assert texts(out) == "42 x\n"
    assert seen == [(1, 3, "n = 1"), (2, 3, "# Parameters of this run"), (3, 3, "print(n * 2, name)")]
    assert texts(path) == ""


PRICED = """
[tool.nbkit]
model = "echo"
[tool.nbkit.price.echo]
input = 1000
output = 1000
[tool.nbkit.budget]
notebook = 0.093
"""


def test_runs_of_one_notebook_share_its_budget_and_the_file_does_not_say_where_it_is(write, tmp_path):
    (tmp_path / "pyproject.toml").write_text(PRICED)
    path = write(new_code_cell("%load_ext nbkit"), new_code_cell("%%llm --cache off --max-tokens 10\nhi"))
    out = tmp_path / "done.ipynb"
    assert "sample.ipynb" in run(path, out=out).read_text()
    assert str(tmp_path) not in out.read_text()
    with pytest.raises(NotebookError, match="BudgetExceeded"):
        run(path, out=out)


def test_a_record_knows_its_cell(write):
    asked = new_code_cell("%%llm -m echo\nhi", id="asked")
    path = run(write(new_code_cell("%load_ext nbkit"), asked, new_code_cell("%cost --by cell")))

    (record,) = [record for _, record in calls(read_notebook(path))]
    assert record.origin.cell_id == "asked"


def test_failing_cell_keeps_what_ran_and_names_the_cell(write, tmp_path):
    long = "\n".join(["x = 1"] * 300 + ["raise ValueError('no ' * 1000)"])
    path = write(new_code_cell("print('before')"), new_code_cell(long), new_code_cell("print('after')"))
    with pytest.raises(NotebookError) as raised:
        run(path, out=tmp_path / "done.ipynb")
    assert texts(tmp_path / "done.ipynb") == "before\n"
    assert "code cell 2" in raised.value.what
    assert "raise ValueError" in raised.value.what
    assert raised.value.why.startswith("ValueError: no no")
    assert len(str(raised.value)) < 3000


def test_unknown_kernel_is_an_error_on_purpose(write, tmp_path):
    path = write(new_code_cell("1"), kernelspec={"name": "no-such-kernel", "display_name": "x"})
    with pytest.raises(NotebookError, match="not installed"):
        run(path, out=tmp_path / "done.ipynb")


def test_executed_notebook_stands_beside_its_source_and_never_replaces_it(write, tmp_path):
    path = write(new_code_cell("print(1)"))
    assert run(path) == tmp_path / "sample.executed.ipynb"
    assert texts(path) == ""


def test_outputs_of_an_earlier_run_do_not_pass_for_this_ones(write, tmp_path):
    cells = [new_code_cell("1 / 0"), new_code_cell("2", outputs=[new_output("stream", text="old")])]
    with pytest.raises(NotebookError):
        run(write(*cells), out=tmp_path / "done.ipynb")
    assert texts(tmp_path / "done.ipynb") == ""


def test_cell_that_runs_too_long_stops_the_run(write, tmp_path):
    with pytest.raises(NotebookError, match="longer than 1 s"):
        run(write(new_code_cell("while True: pass")), out=tmp_path / "done.ipynb", timeout_s=1)


def test_parameters_of_an_earlier_run_are_replaced():
    document = new_notebook(cells=[new_code_cell("a = 1", metadata={"tags": ["parameters"]}), new_code_cell("b")])
    inject(inject(document, {"a": "2"}), {"a": "3"})
    assert [cell.source for cell in document.cells] == ["a = 1", "# Parameters of this run\na = 3", "b"]


def test_parameters_stand_on_top_where_no_cell_is_tagged():
    document = inject(new_notebook(cells=[new_code_cell("b")]), {"a": "x y"})
    assert document.cells[0].source.endswith("a = 'x y'")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('["info", "nancy"]', ["info", "nancy"]),
        ('{"finance": {"inf": 1}}', {"finance": {"inf": 1}}),
        ('"nan"', "nan"),
        ("[NaN]", "[NaN]"),
        ("[1, 1e999]", "[1, 1e999]"),
        ("[" * 300 + "]" * 300, "[" * 300 + "]" * 300),
    ],
)
def test_value_is_text_only_when_it_has_no_literal(text, expected):
    assert parse_value(text) == expected


@pytest.mark.parametrize("name", ["1a", "a b", "class", "", "a;b"])
def test_parameter_that_is_no_name_is_refused(name):
    with pytest.raises(NotebookError):
        inject(new_notebook(cells=[]), {name: "1"})


@given(st.text(max_size=40))
def test_injected_code_holds_the_value_and_nothing_else(text):
    source = inject(new_notebook(cells=[]), {"a": text}).cells[0].source
    names: dict[str, object] = {}
    exec(source, {"__builtins__": {}}, names)
    assert names == {"a": parse_value(text)}


@given(st.text(max_size=3000))
def test_preview_is_bounded(text):
    assert len(preview(text)) < 13 * 140
