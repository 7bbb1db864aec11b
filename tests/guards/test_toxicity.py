from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.errors import Blocked
from nbkit.guards import toxicity
from nbkit.guards.toxicity import TOXICITY_THRESHOLD, ToxicityGuard, pieces
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.session import Session
from nbkit.session.policy import Policy
from nbkit.testing import FakeProvider, factories
from nbkit.testing.contracts import GuardContract
from nbkit.testing.interactive import shell
from nbkit.types import Message

TOXIC = "You are such a pathetic, worthless idiot, nobody likes you!"
LONG = "The meeting is on Tuesday at ten. " * 40


def guard(actions=ToxicityGuard.opt_in, **options):
    return ToxicityGuard(GuardOptions(SecretRegistry(), actions=actions, **options))


def screen(text, stage="input", *, request=None, **options):
    return guard(**options).screen(text, stage=stage, request=request or factories.request(text))


@pytest.fixture
def no_scoring(monkeypatch):
    def fail(name):
        raise AssertionError(name)

    monkeypatch.setattr(toxicity, "head", fail)


class TestContract(GuardContract):
    texts = (TOXIC, LONG[:200] + TOXIC)

    def guard(self):
        return guard()


class TestOffContract(TestContract):
    def guard(self):
        return guard({})


@pytest.mark.parametrize("action", ["redact", "reask", "block"])
class TestActing:
    def test_a_guess_stops_a_text_only_where_asked_and_never_changes_it(self, action):
        screened = screen(TOXIC, "output", actions={"output": action})
        assert (screened.text, screened.verdict.action) == (TOXIC, "warn" if action == "redact" else action)

    def test_answer_that_may_be_stopped_is_held_back(self, action):
        stream = guard({"output": action}).open(factories.request())
        shown = stream.feed(TOXIC)
        assert shown == (TOXIC if action == "redact" else "")
        assert shown + stream.finish().text == TOXIC


@pytest.mark.parametrize(
    "text",
    [
        TOXIC,
        "shut up you stupid moron",
        "I will find you and kill you, you coward",
        "go kill yourself, you worthless loser",
        "These people are vermin and should be exterminated.",
    ],
)
@pytest.mark.parametrize("stage", ["input", "output"])
def test_insults_threats_harassment_and_contempt_warn_with_a_score(text, stage):
    verdict = screen(text, stage).verdict
    assert verdict.action == "warn"
    assert verdict.score >= verdict.threshold == TOXICITY_THRESHOLD
    assert [span.kind for span in verdict.spans] == ["toxic"]
    assert "score" in verdict.reason


@pytest.mark.parametrize(
    "text",
    [
        "How do I kill the process on port 8080?",
        "Set TERM to dumb for a dumb terminal.",
        "The drug kills cancer cells in mice.",
        "Police said the man threatened to shoot an officer.",
        'He called me "stupid" in front of everyone, how should I respond?',
        "I hate Mondays so much, my back is killing me.",
        "The striker killed the game in the last minute!",
        "Collect the garbage before the next epoch.",
        "",
    ],
)
def test_texts_that_only_sound_toxic_pass(text):
    assert screen(text).verdict.action == "allow"


def test_insult_in_a_long_answer_is_found_where_it_is():
    text = LONG + TOXIC
    (span,) = screen(text, "output").verdict.spans
    assert text[span.start : span.end].endswith("nobody likes you!")


@pytest.mark.parametrize("actions", [{}, ToxicityGuard.standard, ToxicityGuard.strict])
def test_off_it_reads_nothing_and_scores_nothing(no_scoring, actions):
    for stage in ToxicityGuard.stages:
        verdict = screen(TOXIC, stage, actions=actions).verdict
        assert (verdict.action, verdict.score, verdict.threshold, verdict.spans) == ("allow", None, None, ())
    stream = guard(actions).open(factories.request())
    assert stream.feed(TOXIC) == TOXIC
    assert stream._pieces == []
    assert stream.finish().verdict.score is None


def test_each_stage_is_on_by_itself(no_scoring):
    with pytest.raises(AssertionError, match="toxicity"):
        screen(TOXIC, "output", actions={"output": "warn"})
    assert screen(TOXIC, "input", actions={"output": "warn"}).verdict.score is None


def test_allowed_kind_passes_unread(no_scoring):
    assert screen(TOXIC, allowed_kinds=frozenset({"toxic"})).verdict.score is None


def test_only_what_the_user_says_is_read_of_a_prompt():
    request = factories.request("hi", messages=(Message("system", TOXIC), Message("user", "hi")))
    assert screen(TOXIC, request=request).verdict.score is None


def test_what_is_read_of_a_huge_text_has_an_end():
    assert list(pieces("a " * 500_000))[-1][1] == 30_000


@given(st.lists(st.text(max_size=40), max_size=12))
def test_pieces_of_a_stream_are_the_answer(parts):
    stream = guard().open(factories.request())
    assert "".join(map(stream.feed, parts)) + stream.finish().text == "".join(parts)


@pytest.mark.parametrize("policy", ["standard", "strict"])
def test_neither_policy_turns_it_on(notebook, no_scoring, policy):
    notebook.run(f"%guard on {policy}")
    assert notebook.run(f"%%llm\n{TOXIC}").error is None
    assert list(verdicts(notebook)) == []
    assert notebook.user_ns["_llm"].record.loosened == ()


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with shell() as loaded:
        yield loaded


def verdicts(notebook):
    return [one for one in notebook.user_ns["_llm"].record.verdicts if one.guard == "toxicity"]


def rows(notebook):
    (text,) = notebook.run("%guard ls").bundles("text/plain")
    found = [line.split() for line in text.splitlines()]
    return {line[1]: line[2:] for line in found if line[0] == "toxicity"}


def said(cell):
    assert cell.error is None, cell.error
    return "\n".join(cell.bundles("text/plain"))


def test_turned_on_by_name_it_warns_and_turned_off_it_does_not(notebook):
    assert rows(notebook) == {"input": ["allow"] * 3, "output": ["allow"] * 3}
    assert "guard toxicity: on, from the next cell" in said(notebook.run("%guard on toxicity"))
    assert rows(notebook)["output"] == ["warn", "allow", "allow"]
    notebook.run(f"%%llm\n{TOXIC}")
    assert {(one.stage, one.action) for one in verdicts(notebook)} == {("input", "warn"), ("output", "warn")}
    assert "was on already" in said(notebook.run("%guard on toxicity"))
    said(notebook.run("%guard off toxicity"))
    assert rows(notebook)["output"][0] == "allow"
    assert "looser" not in said(notebook.run("%guard ls"))
    notebook.run(f"%%llm\n{TOXIC} Really.")
    assert list(verdicts(notebook)) == []


def test_it_may_be_on_while_all_others_are_off_and_under_strict(notebook):
    for before in ("%guard off", "%guard on strict"):
        notebook.run("%guard off toxicity")
        notebook.run(before)
        assert "on, from the next cell" in said(notebook.run("%guard on toxicity"))
        assert rows(notebook)["input"][0] == "warn"


def test_a_project_that_turned_it_off_or_up_is_at_what_on_means(notebook, tmp_path):
    for row in ('"allow"', '"block"', '{ output = "warn" }'):
        notebook.run("%guard on")
        (tmp_path / "pyproject.toml").write_text(f"[tool.nbkit.guard]\nactions = {{ toxicity = {row} }}\n")
        said(notebook.run("%guard on toxicity"))
        assert [row[0] for row in rows(notebook).values()] == ["warn", "warn"]


def test_a_project_turns_it_on(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.nbkit]\nmodel = "fake"\n[tool.nbkit.guard]\nactions = { toxicity = "warn" }\n'
    )
    session = Session(
        home=tmp_path / "home", environment={}, folder=tmp_path, providers={"fake": FakeProvider([TOXIC])}
    )
    with contextlib.closing(session):
        record = session.ask("hi", settings=session.config({}).settings)[-1].record
    found = {one.stage: (one.action, one.score is None) for one in record.verdicts if one.guard == "toxicity"}
    assert found == {"input": ("allow", False), "output": ("warn", False)}
    assert record.loosened == ()


def test_blocked_answer_is_never_shown(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.nbkit]\nmodel = "fake"\n[tool.nbkit.guard]\nactions = { toxicity = { output = "block" } }\n'
    )
    session = Session(
        home=tmp_path / "home", environment={}, folder=tmp_path, providers={"fake": FakeProvider([TOXIC])}
    )
    with contextlib.closing(session):
        outcome = session.ask("hi", settings=session.config({}).settings)[-1]
    assert isinstance(outcome.error, Blocked)
    assert TOXIC[:20] not in repr(outcome.record)


def test_of_a_guard_without_opt_in_on_means_its_standard():
    class Plain:
        standard = {"output": "warn"}  # noqa: RUF012 - as a plug-in would write it

    assert Policy.turned_on(Plain) == {"output": "warn"}
    assert Policy.turned_on(ToxicityGuard) == {"input": "warn", "output": "warn"}
