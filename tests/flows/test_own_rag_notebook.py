"""A reader's own notebook with `%%rag` in it, executed and saved, runs again from what it carries."""

from __future__ import annotations

import nbformat
import pytest

from nbkit.cli import main
from nbkit.errors import NotebookError
from nbkit.report import run
from nbkit.report.reading import calls, read_notebook
from nbkit.testing.notebooks import compare, replay_notebook

# In place of weights and of a server, which tests do without: the one that answers is asked for nothing in a replay.
SETUP = """import os
import nbkit.testing.replay_embedding as embedding
from nbkit.session import current
from nbkit.providers.ollama import OllamaProvider
from nbkit.testing import FakeEmbedder
from nbkit.types import Response, Usage

class Words(FakeEmbedder):
    splits_at_blanks = True

def complete(self, request, *, on_text, timeout_s):
    assert not os.environ.get("NBKIT_REPLAY")
    on_text("It needs 30 W [1].")
    return Response("It needs 30 W [1].", "m", Usage(90, 9))

OllamaProvider.complete = complete
if not os.environ.get("MODEL_IS_GONE"):
    embedding.open_embedder = lambda *_: Words()
    if not (os.environ.get("NBKIT_REPLAY") or os.environ.get("NBKIT_RECORD")):
        current().collections.embedders["all-minilm-l6-v2"] = Words()"""
CELLS = (
    SETUP,
    "%load_ext nbkit",
    "%rag add docs --index own",
    "%%rag own -m ollama:m\nHow much power does the fan need?",
    "%rag search seals",
)


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("NBKIT_HOME", str(tmp_path / "home"))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "fan.md").write_text("# Fans\n\nThe K200 fan needs 30 W of power.\n\n# Seals\n\nKept dry.\n")
    path = tmp_path / "own.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS]), path)
    return path


def test_with_the_model_that_embedded_nothing_else_is_needed(notebook):
    executed = read_notebook(run(notebook, out=notebook))
    assert [record.status for _, record in calls(executed)] == ["ok"]
    assert compare(executed, replay_notebook(notebook)) == []


def test_without_the_model_the_vectors_that_a_run_keeps_are_enough(notebook, monkeypatch, capsys):
    assert main(["run", str(notebook), "-o", str(notebook), "--vectors"]) == 0
    assert capsys.readouterr().out.split() == [str(notebook), str(notebook.with_suffix(".vectors"))]
    monkeypatch.setenv("MODEL_IS_GONE", "1")
    assert compare(read_notebook(notebook), replay_notebook(notebook)) == []


def test_without_either_the_error_names_the_command(notebook, monkeypatch):
    run(notebook, out=notebook)
    monkeypatch.setenv("MODEL_IS_GONE", "1")
    with pytest.raises(NotebookError, match=r"own\.vectors is missing"):
        replay_notebook(notebook)
