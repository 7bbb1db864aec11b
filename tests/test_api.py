"""What Python code calls: the same corridor, records and conversations as a cell."""

from __future__ import annotations

import pytest

import nbkit
from nbkit.errors import CollectionError, UnknownSetting
from nbkit.session import current
from nbkit.testing import FakeEmbedder
from nbkit.testing.interactive import shell


@pytest.fixture
def notebook():
    with shell() as loaded:
        yield loaded


@pytest.mark.parametrize(("name", "near"), [("temprature", "temperature"), ("max_token", "max_tokens")])
def test_mistyped_setting_is_refused_with_the_nearest(name, near, notebook):
    with pytest.raises(UnknownSetting, match=near):
        nbkit.ask("Solve {{1}} fast", **{name: 1})
    assert current().ledger.read() == []


def test_variable_named_almost_like_a_setting_is_one_where_the_prompt_has_it(notebook):
    assert nbkit.ask("at {{ temperatures }}", temperatures="3 °C").text == "at 3 °C"


def test_unused_variables_are_no_error(notebook):
    assert nbkit.ask("hello {{ name }}", name="Ada", email="x").text == "hello Ada"


def test_call_in_a_cell_is_recorded_there(notebook):
    notebook.run("import nbkit\nnbkit.ask('hi')", cell_id="c9")
    assert current().ledger.read()[-1].origin.cell_id == "c9"


def test_calls_of_one_cell_make_a_conversation_which_running_it_again_rewrites(notebook):
    code = "import nbkit\nfor _ in range(3):\n    r = nbkit.ask('go on', thread='t')"
    for _ in range(2):
        notebook.run(code, cell_id="c1")
        sent = [message.content for message in notebook.user_ns["r"].request.messages]
        assert sent == ["go on"] * 5


def test_pieces_are_those_of_the_first_sample(notebook):
    pieces = []
    result = nbkit.ask("one two", samples=2, temperature=1, on_text=pieces.append)
    assert "".join(pieces) == result.text


def test_records_of_any_length_of_time(notebook):
    nbkit.ask("hi")
    assert len(nbkit.records(last_n_hours=1e9)) == 1


@pytest.fixture
def documents(notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fan.md").write_text("# Fans\n\nThe K200 fan needs <b>30</b> W of power.\n")
    current().collections.embedders["fake"] = FakeEmbedder()
    nbkit.configure(rag_embedder="fake")
    return nbkit.index("handbook")


def test_index_is_filled_and_searched(documents):
    added = documents.add("fan.md")
    assert [(row.source, row.status) for row in added.rows] == [("fan.md", "new")]
    found = documents.search("fan power", k=1, mode="bm25")
    assert (len(found), found[0].source) == (1, "fan.md")
    assert [one.source for one in found] == ["fan.md"]
    assert list(found.to_frame()["source"]) == ["fan.md"]


def test_what_was_found_draws_escaped_and_reads_as_text(documents):
    documents.add("fan.md")
    found = documents.search("fan <i>power", mode="bm25")
    assert "&lt;b&gt;30" in found._repr_html_()
    assert "<b>30" not in found._repr_html_()
    assert "fan.md, characters" in repr(found)
    assert "nothing was found" in repr(documents.search("zebra", mode="bm25"))


def test_document_is_removed(documents):
    documents.add("fan.md")
    assert documents.remove("fan.md")
    assert not documents.remove("fan.md")


def test_index_that_is_not_there_is_an_error_that_says_so(documents):
    with pytest.raises(CollectionError, match="no index named 'handbook'"):
        documents.search("x")


def test_an_index_says_what_it_holds_as_tables_and_is_dropped(documents):
    handbook = documents
    handbook.add("fan.md")
    assert repr(handbook) == "nbkit.index('handbook')"
    assert repr(nbkit.index()) == "nbkit.index()"
    listed = handbook.documents()
    assert listed.sources == [one.source for one in listed]
    assert len(listed) == len(listed.to_frame()) == handbook.stats().documents > 0
    assert listed.sources[0] in repr(listed)
    assert "<table" in listed._repr_html_()
    stats = nbkit.index().stats()
    assert (stats.index, stats.embedder_name, stats.chunk_tokens) == ("handbook", "fake", 80)
    assert "chunk size: 80 tokens at most" in repr(stats)
    assert "<table" in stats._repr_html_()
    handbook.drop()
    with pytest.raises(CollectionError, match="no index named 'handbook'"):
        handbook.documents()


def test_a_title_is_drawn_inert():
    from nbkit.rag.listing import DocumentList
    from nbkit.rag.store import Entry

    listed = DocumentList("x", (Entry("<b>.md", "", "<img src=x>\x1b[31m", ".md", "", "", 0, 1, ()),))
    assert "<img" not in listed._repr_html_()
    assert "\x1b" not in repr(listed)
