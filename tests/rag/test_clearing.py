"""A secret in use that stands in a document is in no file of the home, and the row of that file says so."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.documents import Document, Heading, Part
from nbkit.rag.clearing import cleared
from nbkit.rag.collection import Collection
from nbkit.secrets import SecretRegistry
from nbkit.session import current
from nbkit.testing import FakeEmbedder, FakeProvider
from nbkit.testing.interactive import shell

KEY, WORD = "sk-proj-Zq8vT1mN4bX7cK2pL9wR5yH3dF6gJ0aSuEiOkMnB", "hunter2!x"
OTHER = "sk-proj-AAAAbbbbCCCCddddEEEEffffGGGGhhhhIIIIjjjjKKKKllll1234"
SECRETS = {"OPENAI_API_KEY": KEY, "DB_PASSWORD": WORD}


@pytest.fixture
def registry():
    return SecretRegistry(SECRETS)


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text(f"# Setup of {WORD}\n\nThe key is {KEY} here.\n\nThe fan needs 30 W.\n")
    (docs / "b.csv").write_text(f"name,value\nkey,{KEY}\nfan,30 W\n")
    (docs / "c.md").write_text(f"Ours is {OTHER} and stays.\n")
    (docs / "d.txt").write_text("In base64: " + base64.b64encode(KEY.encode()).decode())
    (docs / f"{WORD}.md").write_text("Named.")
    with shell() as loaded:
        session = current()
        session.collections.embedders["fake"] = FakeEmbedder()
        session.providers["fake"] = FakeProvider(["It needs 30 W [1]."])
        session.configure({"rag_embedder": "fake", "model": "fake"})
        yield loaded


def files_with_a_secret(home):
    values = [value.encode() for value in (KEY, WORD, base64.b64encode(KEY.encode()).decode()[:-4])]
    files = [path for path in Path(home).rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if any(value in path.read_bytes() for value in values)]


def test_no_file_of_the_home_holds_a_secret_whatever_is_done(notebook):
    home = current().home
    said = "\n".join(notebook.run("%rag add docs --index own").bundles("text/plain"))
    assert "docs/a.md" in said
    for line in ("%rag search the key", "%%rag own\nwhat does the fan need", "%rag ls own", "%rag rm docs/a.md"):
        cell = notebook.run(line)
        assert cell.error is None
        said += "\n".join(cell.bundles("text/plain"))
        assert files_with_a_secret(home) == []
    assert KEY not in said
    assert WORD not in said


def test_row_of_a_file_says_what_was_replaced_and_what_looks_like_a_key(notebook):
    said = "\n".join(notebook.run("%rag add docs --index own").bundles("text/plain"))
    reasons = {row.split()[0]: row for row in said.splitlines() if row.startswith("docs/")}
    assert "2 secrets replaced: DB_PASSWORD, OPENAI_API_KEY" in reasons["docs/a.md"]
    assert "1 secret replaced: OPENAI_API_KEY" in reasons["docs/b.csv"]
    assert "holds what looks like an openai-key" in reasons["docs/c.md"]
    assert "1 secret replaced: OPENAI_API_KEY" in reasons["docs/d.txt"]
    assert "its name holds the value of DB_PASSWORD" in reasons["docs/[secret:DB_PASSWORD].md"]
    assert OTHER not in said


def test_places_are_those_of_the_file_as_it_was_read(tmp_path, monkeypatch, registry):
    monkeypatch.chdir(tmp_path)
    text = f"The key {KEY} and {WORD} first.\n\nThe fan needs 30 W.\n"
    (tmp_path / "a.md").write_text(text)
    collection = Collection(tmp_path / ".i", embedder=FakeEmbedder(), embedder_name="fake", secrets=registry)
    with contextlib.closing(collection):
        collection.add(["a.md"])
        [found] = collection.search("fan")
    at = found.text.index("The fan")
    assert text[found.start + at :].startswith("The fan needs 30 W.")
    assert "[secret:OPENAI_API_KEY]" in found.text


def test_titles_headings_labels_and_notes_are_cleared_too(registry):
    found = cleared(
        Document("Text.", KEY, (Heading(0, 1, KEY),), parts=(Part(0, f"sheet {WORD}, row 1"),), notes=(f"{KEY} cut",)),
        registry,
    )
    assert KEY not in repr(found)
    assert WORD not in repr(found)
    assert found.notes[0] == "2 secrets replaced: OPENAI_API_KEY, DB_PASSWORD"


def test_a_document_without_secrets_is_the_same_object(registry):
    document = Document("The fan needs 30 W.", "Fans")
    assert cleared(document, registry) is document


@given(st.lists(st.sampled_from([KEY, WORD, "fan", " ", "\n", "[secret]", KEY[:9], "é"]), max_size=12))
def test_text_keeps_its_length_and_holds_no_secret(pieces):
    registry, text = SecretRegistry(SECRETS), "".join(pieces)
    found = cleared(Document(text), registry).text
    assert len(found) == len(text)
    assert registry.find(found) == []
    kept = [at for start, end, _ in registry.find(text) for at in range(start, end)]
    assert all(found[at] == char for at, char in enumerate(text) if at not in kept)
