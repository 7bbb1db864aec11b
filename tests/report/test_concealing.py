from __future__ import annotations

import copy
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from nbkit.report import report
from nbkit.report.concealing import conceal
from nbkit.report.reading import read_notebook

KEY = "sk-proj-Zk3vQ8mT1xB7nL5cR2wY9dF4hJ6pS0aG3eU8iO2tK5qW7"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def page(path):
    return report(path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "cell",
    [
        new_code_cell(f"%%llm\nMy key is {KEY}, what is it for?"),
        new_code_cell(f'import os\nos.environ["OPENAI_API_KEY"] = "{KEY}"'),
        new_markdown_cell(f"Use `{KEY}`."),
        new_code_cell("show()", outputs=[new_output("stream", text=f"the key: {KEY}\n")]),
        new_code_cell("show()", outputs=[new_output("execute_result", {"text/html": f"<td>{KEY}</td>"})]),
        new_code_cell("show()", outputs=[new_output("error", ename="E", evalue=KEY, traceback=[f"no {KEY}"])]),
    ],
    ids=["prompt", "code", "prose", "stream", "html", "error"],
)
def test_what_has_the_format_of_a_key_is_on_no_page(write, cell):
    text = page(write(cell))
    assert KEY[8:20] not in text
    assert "[secret:openai-key]" in text


@pytest.mark.parametrize(
    "source",
    [
        'os.environ["HOUSE_KEY"] = "h0use-9f3k2m5q8w"',
        "os.environ.setdefault('HOUSE_KEY', 'h0use-9f3k2m5q8w')",
        "%env HOUSE_KEY=h0use-9f3k2m5q8w",
        "%set_env HOUSE_KEY h0use-9f3k2m5q8w",
    ],
)
def test_what_a_cell_puts_into_the_environment_as_a_credential_is_on_no_page(write, source):
    text = page(write(new_code_cell(source, outputs=[new_output("stream", text="sent h0use-9f3k2m5q8w\n")])))
    assert "9f3k2m5q8w" not in text
    assert text.count("[secret:HOUSE_KEY]") == 2


def test_a_value_that_a_line_names_is_found_where_no_line_does(write):
    said = [new_output("stream", text="logged in with correct-horse-9\n")]
    text = page(write(new_code_cell('password = "correct-horse-9"', outputs=said)))
    assert "correct-horse-9" not in text


def test_variables_that_are_no_credentials_hashes_and_pictures_stay():
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    cell = new_code_cell(
        f'os.environ["NBKIT_HOME"] = "/tmp/nbkit-9f86d081"\nimport torch  # {digest}\n%env OMP_NUM_THREADS=12345678',
        outputs=[new_output("display_data", {"image/png": PNG, "text/plain": f"<Figure {digest[:16]}>"})],
        metadata={"id": "123e4567-e89b-12d3-a456-426614174000"},
    )
    notebook = {"cells": [cell]}
    before = copy.deepcopy(notebook)
    conceal(notebook)
    assert notebook == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_in_the_committed_notebooks_is_taken_for_a_secret(path):
    notebook = read_notebook(path)
    before = copy.deepcopy(notebook)
    conceal(notebook)
    assert notebook == before
