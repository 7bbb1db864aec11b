"""Texts on their way to a service that embeds, on loopback: guarded, priced, recorded."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from nbkit.errors import AuthFailed, Blocked, BudgetExceeded
from nbkit.recorded import Origin
from nbkit.session import Session
from nbkit.session.spending import most_tokens
from nbkit.testing import FakeProvider, factories

MODEL = "openai:text-embedding-3-small"
SECRET = "hf_0123456789abcdef"
LIKE_A_KEY = "ghp_" + "R7tQ2mX9" * 4 + "b3Zk"


@pytest.fixture
def session(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("The fan needs 30 W.\n\nIt hums at night.")
    environment = {"OPENAI_API_KEY": "sk-very-secret-0123456789", "HF_TOKEN": SECRET}
    provider = FakeProvider(["The fan needs 30 W."])
    made = Session(home=tmp_path / "home", environment=environment, folder=tmp_path, providers={"fake": provider})
    url = f"{server.url}/v1"
    made.configure({"model": "fake", "rag_embedder": MODEL, "rag_embedder_url": url, "rag_min_score": 0})
    yield made
    made.close()


def add(session, *paths):
    return session.collections.add("docs", paths or ["docs"], session.config().settings)[1]


def ask(session, question="How much?", **fields):
    settings = session.config().settings
    return session.ask(question, settings=settings, prepare=session.reading(settings), **fields)[0].record


def embeddings(session):
    return [record for record in session.ledger.read() if record.operation == "embeddings"]


def test_an_add_is_one_record_with_its_tokens_and_no_word_of_a_text(session, server):
    added = add(session)
    [record] = embeddings(session)
    assert record.status == "ok"
    assert (record.request.provider, record.request.model) == ("openai", "text-embedding-3-small")
    # One more is sent, to learn how long the vectors are.
    assert (record.embedded.texts, record.embedded.sent) == (added.embedded, added.embedded + 1) == (1, 2)
    assert record.response.usage.input_tokens == added.usage.input_tokens > 0
    assert record.timing.attempts == record.embedded.calls == len(server.seen)
    assert "hums" not in str(record)


def test_nothing_is_recorded_where_no_service_was_called(session):
    add(session)
    add(session)
    assert len(embeddings(session)) == 1


def test_price_of_another_endpoint_is_not_known(session):
    added = add(session)
    assert (added.cost.usd, embeddings(session)[0].cost.usd) == (None, None)
    assert str(added).endswith("tokens, ?")


def test_price_is_that_of_the_model(session, server):
    session.configure({"price": {"text-embedding-3-small": {"input": 2, "output": 0}}})
    added = add(session)
    assert added.cost.usd == Decimal(2 * added.usage.input_tokens) / 1_000_000
    assert embeddings(session)[0].cost.usd == added.cost.usd


def test_texts_that_a_budget_has_no_room_for_are_not_sent(session, server):
    session.configure({"price": {"text-embedding-3-small": {"input": 1_000_000, "output": 0}}, "budget_day": 100})
    add(session)
    (day,) = session.standings(session.config().settings, notebook=None)
    assert (day.spent_usd, day.reserved_usd) == (embeddings(session)[0].cost.usd, 0)
    seen = len(server.seen)
    session.configure({"budget_day": day.spent_usd + 1})
    with pytest.raises(BudgetExceeded, match="day's budget"):
        ask(session, "A question that may cost more than a dollar?")
    assert len(server.seen) == seen
    # What is in the cache of embeddings costs nothing.
    session.configure({"budget_day": 0})
    assert add(session).embedded == 0


def priced(session, **settings):
    """A dollar for a token of a question, a millionth for one of an answer."""
    own = {"text-embedding-3-small": {"input": 1_000_000, "output": 0}, "fake-1": {"input": 1, "output": 1}}
    session.configure({"model": "fake:fake-1", "price": own, **settings})


def test_the_embedding_of_a_question_counts_for_the_budget_of_its_cell(session, server):
    add(session)
    priced(session)
    seen = len(server.seen)
    settings = session.config({"budget_cell": "0.5"}).settings
    with pytest.raises(BudgetExceeded, match="cell's budget"):
        session.ask("How much?", settings=settings, prepare=session.reading(settings))
    assert len(server.seen) == seen


def test_what_the_embedding_of_a_question_cost_is_not_left_for_its_answer(session):
    add(session)
    priced(session)
    # The question may cost some twenty dollars, and costs a few; the answer at most a hundredth of one.
    settings = session.config({"budget_cell": 30}).settings
    outcome = session.ask("How much?", settings=settings, prepare=session.reading(settings))[0]
    [*_, question] = embeddings(session)
    assert outcome.error is None
    assert question.cost.usd > 0
    limit = most_of("And how little?")
    settings = session.config({"budget_cell": limit, "max_tokens": 10**6 * 30}).settings
    outcome = session.ask("And how little?", settings=settings, prepare=session.reading(settings))[0]
    assert isinstance(outcome.error, BudgetExceeded)
    [*_, question] = embeddings(session)
    assert f"${question.cost.usd:.2f} is spent" in outcome.error.why


def most_of(question):
    return most_tokens(dataclasses.replace(factories.request(question), max_tokens=0))


def test_a_question_is_a_record_that_belongs_to_its_cell_and_the_call_names_it(session):
    add(session)
    session.configure({"tag": "trial"})
    record = ask(session, origin=Origin(cell_id="c1"))
    question = embeddings(session)[-1]
    assert (question.origin.cell_id, question.tag, question.embedded.texts) == ("c1", "trial", 1)
    assert record.retrieval.embedding_id == question.id
    assert record.retrieval.embedding_tokens == question.response.usage.input_tokens > 0


def test_a_question_that_is_known_already_costs_nothing(session):
    add(session)
    ask(session)
    record = ask(session)
    assert (record.retrieval.embedding_id, record.retrieval.embedding_cost) == (None, None)


def test_a_secret_in_use_is_replaced_before_a_document_is_sent(session, server, tmp_path):
    (tmp_path / "docs" / "a.md").write_text(f"The token is {SECRET}.")
    [row] = add(session).rows
    assert (row.status, row.reason) == ("new", "1 secret replaced: HF_TOKEN")
    assert SECRET not in str([seen.body for seen in server.seen])
    assert "HF_TOKEN" in str(server.seen[-1].body)


def test_what_looks_like_a_key_in_a_document_is_never_sent(session, server, tmp_path):
    (tmp_path / "docs" / "a.md").write_text(f"The token is {LIKE_A_KEY}.")
    [row] = add(session).rows
    assert row.status == "failed"
    assert row.reason == "the guard 'secrets' keeps it from the service that embeds: it holds github-token"
    assert session.collections.names() == []
    assert [seen.body["input"] for seen in server.seen] == [["length"]]
    [record] = embeddings(session)
    assert (record.status, record.embedded.texts) == ("blocked", 0)
    assert LIKE_A_KEY not in str(record)


def test_one_document_with_a_secret_does_not_stop_the_others(session, server, tmp_path):
    for number in range(4):
        (tmp_path / "docs" / f"{number}.md").write_text(f"Pump {number} is oiled weekly.")
    (tmp_path / "docs" / "2.md").write_text(f"The token is {LIKE_A_KEY}.")
    added = add(session)
    assert {row.source: row.status for row in added.rows} == {
        "docs/0.md": "new", "docs/1.md": "new", "docs/2.md": "failed", "docs/3.md": "new", "docs/a.md": "new",
    }  # fmt: skip
    assert LIKE_A_KEY not in str([seen.body for seen in server.seen])
    [record] = embeddings(session)
    assert record.status == "ok"
    assert next(one.action for one in record.verdicts if one.guard == "secrets") == "block"


def test_a_document_that_has_a_secret_now_stays_as_the_index_has_it(session, tmp_path):
    add(session)
    (tmp_path / "docs" / "a.md").write_text(f"The token is {LIKE_A_KEY}.")
    [row] = add(session).rows
    assert row.reason.endswith("; what the index has of it is kept")
    with session.collections.look("docs") as index:
        assert [one.source for one in index.documents()] == ["docs/a.md"]


def test_a_question_with_a_secret_is_refused_in_words_for_a_prompt(session):
    add(session)
    settings = session.config().settings
    with pytest.raises(Blocked, match="prompt"):
        session.collections.open("docs", settings).search(f"what is {SECRET}?")


def test_a_call_that_fails_leaves_no_empty_index(session, server):
    server.script = ["ok", "status_401"]
    with pytest.raises(AuthFailed):
        add(session)
    assert session.collections.names() == []


def test_a_call_that_fails_is_recorded(session, server):
    server.script = ["status_401"]
    with pytest.raises(AuthFailed):
        add(session)
    [record] = embeddings(session)
    assert (record.status, record.error.kind, record.timing.attempts) == ("error", "AuthFailed", 1)


def test_an_add_that_is_interrupted_is_recorded_with_what_was_spent(session, tmp_path):
    for number in range(300):
        (tmp_path / "docs" / f"{number}.md").write_text(f"Pump {number} is oiled weekly.")

    def stop(progress):
        if progress.chunks >= 64:
            raise KeyboardInterrupt

    settings = session.config().settings
    _, added = session.collections.add("docs", ["docs"], settings, on_progress=stop)
    assert not added.is_whole
    record = embeddings(session)[-1]
    assert record.status == "interrupted"
    assert 0 < record.response.usage.input_tokens == added.usage.input_tokens


def test_what_a_record_keeps_of_passages_says_how_they_were_found(session):
    add(session)
    found = ask(session).retrieval
    assert (found.k, found.where, found.rerank) == (5, None, None)
    [kept] = {one.document_sha256 for one in found.passages}
    assert kept == session.collections.open("docs", session.config().settings).documents()[0].sha256
    assert all(one.cosine is not None and one.words is not None for one in found.passages)
