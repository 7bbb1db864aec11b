"""What a saved notebook holds after a cell was drawn in a real kernel."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from nbkit.recorded import RECORD_MIME
from nbkit.report.execute import execute

CELL = """
from datetime import UTC, datetime
import time
from nbkit.setting import Settings
from nbkit.display.live import Cell
from nbkit.display.result import Result
from nbkit.recorded import Outcome, Record
from nbkit.types import Message, Request, Response, Usage

cell = Cell(Settings(ui={ui!r}), model="m")
cell.on_phase("provider")
for piece in {pieces}:
    cell.on_text(0, piece)
    time.sleep(0.14)
response = Response("".join({pieces}), "m", Usage(1, 1)) if {pieces} else None
record = Record("r", "s", datetime(2026, 1, 1, tzinfo=UTC), "chat", "ok", Request("p", "m", (Message("user", "q"),)),
                "0" * 64, 1, response=response)
outcomes = [Outcome(record)]
cell.finish(outcomes, Result(outcomes))
import sys
print([name for name in ("ipywidgets", "matplotlib", "httpx") if name in sys.modules], file=sys.stderr)
"""


def outputs(tmp_path: Path, ui: str, *pieces: str):
    notebook = new_notebook(cells=[new_code_cell(CELL.format(ui=ui, pieces=list(pieces)))])
    execute(notebook, name="drawn.ipynb", cwd=tmp_path)
    found = notebook.cells[0].outputs
    loaded = "".join(one.text for one in found if one.get("name") == "stderr").strip()
    printed = "".join(one.text for one in found if one.get("name") == "stdout")
    return [dict(one.data) for one in found if one.output_type == "display_data"], printed, loaded


@pytest.mark.parametrize("ui", ["html", "widget"])
def test_saved_notebook_holds_the_final_answer_and_card_and_nothing_live(ui, tmp_path):
    drawn, _, loaded = outputs(tmp_path, ui, "**one", "** ", "two")
    answer, card = drawn
    assert answer == {"text/markdown": "**one** two", "text/plain": "**one** two"}
    assert set(card) == {"text/html", "text/plain", RECORD_MIME}
    assert "running" not in card["text/html"]
    assert loaded == ("['ipywidgets']" if ui == "widget" else "[]")


def test_saved_text_cell_holds_the_text_once_and_the_record(tmp_path):
    drawn, printed, _ = outputs(tmp_path, "text", "**one", "** ", "two")
    assert printed == "**one** two\n"
    assert [set(one) for one in drawn] == [{"text/plain", RECORD_MIME}]


def test_call_without_an_answer_leaves_one_output(tmp_path):
    drawn, _, _ = outputs(tmp_path, "html")
    assert [set(one) for one in drawn] == [{"text/html", "text/plain", RECORD_MIME}]
