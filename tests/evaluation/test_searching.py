"""What is judged of a search is refused where it could only be 0."""

from __future__ import annotations

import pytest

from nbkit.api import index
from nbkit.documents import Passage
from nbkit.errors import BadSetting
from nbkit.evals.cases import Answer
from nbkit.evaluation import evaluate
from nbkit.session import current
from nbkit.testing import FakeEmbedder, FakeProvider
from nbkit.testing.interactive import shell


@pytest.fixture
def handbook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "fan.md").write_text("The K200 fan needs 30 W of power.\n")
    with shell():
        session = current()
        session.collections.embedders["fake"] = FakeEmbedder()
        session.providers["fake"] = FakeProvider(["30 W [1]."])
        session.configure({"rag_embedder": "fake", "model": "fake", "quiet": True})
        index("handbook").add("docs")
        yield session


def asking(*sources):
    return [{"id": f"q{at}", "input": "How much power?", "source": source} for at, source in enumerate(sources)]


def test_an_index_without_any_gold_document_is_refused_before_anything_is_asked(handbook):
    with pytest.raises(BadSetting) as raised:
        evaluate("{{ input }}", asking({"fan-0": 2}, ["lamp-1"]), ["recall@5"], index="handbook")
    assert raised.value.what == "the index 'handbook' has none of the 2 gold documents"
    assert raised.value.why == "the data set names 'fan-0', 'lamp-1'; the index has 'docs/fan.md'"
    assert handbook.ledger.read() == []


def test_gold_documents_that_the_index_does_not_have_are_said(handbook):
    found = evaluate("{{ input }}", asking(["docs/fan.md"], ["lamp.md"]), ["recall@5"], index="handbook")
    assert found["recall@5"].mean == 0.5
    assert "1 of 2 gold documents not in the index, which count as not found: 'lamp.md'" in repr(found)


def test_what_is_no_matter_of_the_search_is_measured_all_the_same(handbook):
    assert evaluate("{{ input }}", asking(["lamp.md"]), ["length"], index="handbook")["length"].n == 1


def test_texts_are_judged_whatever_the_documents_are_called(handbook):
    rows = [{**asking({"fan-0": 2})[0], "contexts": ["The K200 fan needs 30 W of power."]}]
    assert evaluate("{{ input }}", rows, ["context_recall"], index="handbook")["context_recall"].mean == 1.0


def test_a_prompt_without_a_search_is_refused_and_a_function_without_one_is_an_error(handbook):
    with pytest.raises(BadSetting, match="'context_recall' has no search to judge"):
        evaluate("{{ input }}", asking(["docs/fan.md"]), ["context_recall"])
    found = evaluate(lambda case: "30 W", asking(["docs/fan.md"]), ["recall@5"])
    assert (found["recall@5"].mean, found.run.of("recall@5").failed) == (None, 1)


def test_a_search_that_finds_nothing_is_0(handbook):
    rows = [{**asking(["docs/fan.md"])[0], "input": "Zebras?"}]
    found = evaluate("{{ input }}", rows, ["recall@5"], index="handbook", rag_mode="bm25")
    assert found.run.graded[0].answer.passages == ()
    assert found["recall@5"].mean == 0.0


def test_a_function_of_the_readers_own_may_have_the_name_of_a_metric(handbook):
    def precision(case, answer):
        return 1.0

    assert evaluate("{{ input }}", asking(["docs/fan.md"]), [precision])["precision"].mean == 1.0


def test_a_case_shows_the_prompt_as_it_was_sent_and_each_passage_with_its_text(handbook):
    found = evaluate("{{ input }}", asking(["docs/fan.md"]), ["recall@5"], index="handbook")
    text, page = repr(found.case("q0")), found.case("q0")._repr_html_()
    assert "  [1] docs/fan.md\n    The K200 fan needs 30 W of power." in text
    assert "Prompt, as it was sent" in text
    assert "<summary>[1] docs/fan.md</summary>" in page
    assert page.count("The K200 fan needs 30 W of power.") == 2  # in the prompt, and by itself


def test_passages_of_a_function_are_shown_without_what_guards_would_not_send(handbook):
    said = Passage("1", "Call ada@example.org at noon.", "a.md")
    found = evaluate(lambda case: Answer("noon", (said,)), asking(["a.md"]), ["recall@5"])
    assert "at noon." in repr(found.case("q0"))
    assert "ada@example.org" not in repr(found.case("q0"))
