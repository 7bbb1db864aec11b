"""A value that becomes a secret after it was indexed is replaced in all that leaves the index."""

from __future__ import annotations

import json

import pytest

from nbkit.api import index
from nbkit.recorded import RECORD_MIME
from nbkit.session import current
from nbkit.testing import FakeEmbedder, FakeProvider
from nbkit.testing.interactive import shell

CODE = "quiet-otter-4477-lake"
"""No format of a key: only the registry knows it."""
ASKED = "What is the door code?"


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text(
        f"# Doors {CODE}\n\nThe door code is {CODE}, says Ann. The door is green.\n\n"
        f"| Door | {CODE} |\n|---|---|\n| Front | 3 |\n"
    )
    (tmp_path / "docs" / f"{CODE}.md").write_text("The door code is changed on Mondays.\n")
    with shell() as loaded:
        session = current()
        session.collections.embedders["fake"] = FakeEmbedder()
        session.providers["fake"] = FakeProvider(["The door is green [1]."])
        session.configure({"rag_embedder": "fake", "model": "fake", "rag_min_score": 0})
        assert loaded.run("%rag add docs --index doors").error is None
        monkeypatch.setenv("DOOR_TOKEN", CODE)
        yield loaded


@pytest.mark.parametrize(
    "cell",
    [
        "%rag search door code",
        "%rag search door code --mode bm25",
        "import nbkit\nnbkit.index('doors').search('door code')",
        "import nbkit\nnbkit.index('doors').search('door code').passages",
        "import nbkit\nfor a in nbkit.index('doors').search('door code'):\n    print(a.text, a.source, a.headings)",
        "import nbkit\nprint(nbkit.index('doors').search('door code').to_frame().to_csv())",
        f"%%rag doors --show-prompt\n{ASKED}",
        f"%%rag doors --show\n{ASKED}",
    ],
)
def test_it_is_not_in_what_is_drawn(notebook, cell):
    ran = notebook.run(cell)
    assert ran.error is None
    assert CODE not in json.dumps(ran.outputs, default=str) + ran.text
    assert "secret:DOOR_TOKEN" in json.dumps(ran.outputs, default=str) + ran.text


def test_question_is_answered_without_it(notebook):
    ran = notebook.run(f"%%rag doors\n{ASKED}")
    assert ran.error is None
    [request] = current().providers["fake"].requests
    sent = "\n".join(message.content for message in request.messages)
    assert CODE not in sent
    assert "The door code is [secret:" in sent
    assert CODE not in json.dumps(ran.bundles(RECORD_MIME), default=str)


def test_places_behind_it_stay_those_of_the_document(notebook):
    [found] = [one for one in index("doors").search("door code") if one.source == "docs/a.md"]
    assert found.end - found.start == len(found.text)
