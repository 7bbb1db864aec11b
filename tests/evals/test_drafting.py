"""Questions drafted from an index: what is kept, and what is no question."""

from __future__ import annotations

import json

import pytest

from nbkit.api import index
from nbkit.errors import CollectionError
from nbkit.evals.drafting import draft
from nbkit.recorded import Origin
from nbkit.session import current
from nbkit.testing import FakeEmbedder, FakeProvider
from nbkit.testing.interactive import shell

TOPICS = ("fan", "seal", "lamp", "pump")


@pytest.fixture
def session(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    for topic in TOPICS:
        (docs / f"{topic}.md").write_text(f"The {topic} is kept for twelve years after the last sale of its model.\n")
    with shell():
        opened = current()
        opened.collections.embedders["fake"] = FakeEmbedder()
        opened.configure({"rag_embedder": "fake", "model": "fake"})
        index("docs").add(docs)
        yield opened


def drafted(session, said, wanted=8):
    session.providers["fake"] = FakeProvider(lambda request: said(request.messages[-1].content))
    return draft(session, session.config({"rag_index": "docs"}).settings, wanted, origin=Origin())


def test_each_draft_knows_its_passage_and_its_file(session):
    def said(asked):
        topic = next(one for one in TOPICS if f"The {one} is" in asked)
        return json.dumps({"question": f"How long is the {topic} kept?", "answer": "twelve years"})

    found = drafted(session, said)
    assert found.asked == len(found.data) == 4
    assert {case.metadata["source"].rpartition("/")[2] for case in found.data} == {f"{one}.md" for one in TOPICS}
    assert all(case.contexts[0] and case.cluster == case.metadata["source"] for case in found.data)


def test_a_question_that_was_there_already_counts_as_repeated(session):
    found = drafted(session, lambda asked: json.dumps({"question": "How long?", "answer": "twelve years"}))
    assert (len(found.data), found.repeated, found.failed) == (1, 3, 0)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is said in the passage?", "twelve years"),
        ("How dear is it?", "The text does not say."),
        ("How long?", " "),
    ],
)
def test_what_speaks_of_the_passage_or_says_nothing_is_no_draft(session, question, answer):
    found = drafted(session, lambda asked: json.dumps({"question": question, "answer": answer}))
    assert (len(found.data), found.failed) == (0, 4)


def test_there_is_nothing_to_draft_from_without_an_index(session):
    with pytest.raises(CollectionError):
        draft(session, session.config({"rag_index": "none"}).settings, 3, origin=Origin())
