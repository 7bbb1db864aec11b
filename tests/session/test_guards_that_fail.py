"""A guard that raises blocks, and says how to go on; `--allow guard:NAME` lets it fail, at every stage."""

import pytest

from nbkit.errors import Blocked
from nbkit.session import Session
from nbkit.testing import FakeEmbedder, FakeProvider

ANSWER = "A touchy word, and then some more after it."


@pytest.fixture
def session(tmp_path):
    opened = Session(
        home=tmp_path / "home", environment={}, folder=tmp_path, providers={"fake": FakeProvider([ANSWER])}
    )
    opened.collections.embedders["fake"] = FakeEmbedder()
    opened.configure({"model": "fake", "rag_embedder": "fake"})
    yield opened
    opened.close()


def ask(session, prompt="hi", *, pieces=None, **explicit):
    shown = [] if pieces is None else pieces
    settings = session.config(explicit).settings
    return session.ask(prompt, settings=settings, on_text=lambda _, text: shown.append(text))[-1]


def said(record, guard):
    return [(one.stage, one.action, one.reason) for one in record.verdicts if one.guard == guard]


def test_at_the_input_it_blocks_and_names_the_way_out(session, add_guards):
    add_guards("TouchyInput")
    outcome = ask(session, "a touchy subject")
    assert isinstance(outcome.error, Blocked)
    assert "'touchyinput'" in outcome.error.what
    assert "--allow guard:touchyinput" in outcome.error.fix
    assert session.providers["fake"].calls == 0
    assert outcome.record.request is None


def test_at_the_input_it_may_be_let_fail(session, add_guards):
    add_guards("TouchyInput")
    outcome = ask(session, "a touchy subject", guard_allow=("guard:touchyinput",))
    assert outcome.error is None
    assert said(outcome.record, "touchyinput") == [("input", "warn", "the guard failed: RuntimeError; it was let fail")]
    assert outcome.record.loosened == ("touchyinput: may fail",)


@pytest.mark.parametrize("name", ["TouchyAnswer", "TouchyStream"])
def test_at_the_output_it_blocks_and_names_the_way_out(session, add_guards, name):
    kind = getattr(add_guards(name), name)
    pieces = []
    outcome = ask(session, pieces=pieces)
    assert isinstance(outcome.error, Blocked)
    assert f"--allow guard:{kind.name}" in outcome.error.fix
    assert "touchy" not in "".join(pieces)
    assert outcome.record.cost.source != "none"


@pytest.mark.parametrize("name", ["TouchyAnswer", "TouchyStream"])
def test_at_the_output_nothing_of_the_answer_is_lost_when_it_is_let_fail(session, add_guards, name):
    kind = getattr(add_guards(name), name)
    pieces = []
    outcome = ask(session, pieces=pieces, guard_allow=(f"guard:{kind.name}",))
    assert outcome.error is None
    assert outcome.record.response.text == "".join(pieces) == ANSWER
    assert said(outcome.record, kind.name) == [("output", "warn", "the guard failed: RuntimeError; it was let fail")]


def test_a_guard_that_is_let_fail_and_does_not_is_heard(session, add_guards):
    add_guards("RudeGuard")
    session.providers["fake"] = FakeProvider(["damn"])
    outcome = ask(session, guard_allow=("guard:rude",))
    assert ("output", "warn", "it is rude") in said(outcome.record, "rude")


def read(session, tmp_path, **explicit):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "fan.txt").write_text("The touchy K200 fan needs 30 W of power.")
    session.collections.open("handbook", session.config().settings, is_new=True).add([str(tmp_path / "docs")])
    settings = session.config({"rag_index": "handbook", **explicit}).settings
    return session.ask("What does the K200 fan need?", settings=settings, prepare=session.reading(settings))[-1].record


def test_a_passage_it_fails_on_is_left_out_and_says_how_to_keep_it(session, add_guards, tmp_path):
    add_guards("TouchyPassages")
    record = read(session, tmp_path)
    assert record.retrieval.passages == ()
    [left_out] = record.retrieval.left_out
    assert "--allow guard:touchypassages" in left_out.left_out


def test_a_passage_it_fails_on_is_kept_when_it_is_let_fail(session, add_guards, tmp_path):
    add_guards("TouchyPassages")
    record = read(session, tmp_path, guard_allow=("guard:touchypassages",))
    assert (len(record.retrieval.passages), record.retrieval.left_out) == (1, ())
    assert said(record, "touchypassages") == [("retrieved", "warn", "the guard failed: RuntimeError; it was let fail")]
