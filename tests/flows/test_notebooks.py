"""The notebooks that are committed: run again from their own records, or renewed on the real model.

`pytest -m live --update-notebooks tests/flows` runs them on local weights (`NBKIT_HOME` says where these are) and keeps
the outputs, and beside a notebook that embeds the vectors; without `-m live` they are replayed and nothing is written.
"""

import contextlib
import json
from pathlib import Path

import pytest

from nbkit.config import home_path
from nbkit.models import weights
from nbkit.protocols import EmbedderOptions
from nbkit.rag.collection import Collection
from nbkit.report.reading import calls, read_notebook
from nbkit.testing import ReplayEmbedder
from nbkit.testing.notebooks import compare, keep_run, renew_notebook, replay_notebook

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
MODEL = "qwen2.5-coder-0.5b"
# Read while tests are collected: each test has a home of its own.
HOME = home_path()
MOST_VECTORS_BYTES = 800_000
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_notebook_runs_again_from_its_own_records(path):
    executed = replay_notebook(path)
    assert compare(read_notebook(path), executed) == []


@each_notebook
def test_notebook_is_committed_executed_and_tells_nothing_of_the_machine(path):
    notebook = read_notebook(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    text = path.read_text(encoding="utf-8")
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert calls(notebook)
    assert str(Path.home()) not in text
    assert str(path.parent) not in text
    assert all(cell.source.count("\n") < 25 for cell in code)


def test_vectors_that_are_committed_are_those_of_the_documents_and_questions(tmp_path, monkeypatch):
    folder = NOTEBOOKS[0].parent
    monkeypatch.chdir(folder)
    replayed = ReplayEmbedder(EmbedderOptions(tmp_path, base_url="01_ingestion.ipynb"))
    with contextlib.closing(Collection(tmp_path / "index", embedder=replayed, embedder_name="")) as collection:
        added = collection.add(["handbook/corpus"])
        assert [row.source for row in added.rows if row.status != "new"] == ["handbook/corpus/manual/bulletin-041.pdf"]
        for line in (folder / "handbook" / "questions.jsonl").read_text(encoding="utf-8").splitlines():
            assert collection.matches(json.loads(line)["question"], k=1)


def test_each_file_of_vectors_belongs_to_a_notebook_and_is_small():
    found = sorted(NOTEBOOKS[0].parent.glob("*.vectors"))
    assert [path for path in found if path.with_suffix(".ipynb") not in NOTEBOOKS] == []
    assert all(path.stat().st_size <= MOST_VECTORS_BYTES for path in found)


@pytest.mark.live
@pytest.mark.timeout(3600)
@each_notebook
@pytest.mark.skipif(not weights.is_present(weights.find(MODEL), HOME), reason=f"no weights: nbkit models pull {MODEL}")
def test_notebook_runs_on_the_real_model(path, update_notebooks, tmp_path):
    vectors = tmp_path / "embedded"
    executed = renew_notebook(path, model=f"local:{MODEL}", home=HOME, vectors=vectors, timeout_s=1800)
    answered = [record for _, record in calls(executed)]
    assert answered
    # A cell that is to fail says so by its tag: there a guard blocks.
    tagged = sum("raises-exception" in cell.metadata.get("tags", []) for cell in executed.cells)
    failed = [record.status for record in answered if record.status != "ok"]
    assert set(failed) <= {"blocked"}
    assert len(failed) <= tagged
    if update_notebooks:
        keep_run(executed, path, vectors=vectors)
