"""Named prompts in a notebook: versions kept, asked again, compared and restored."""

from __future__ import annotations

import pytest

import nbkit
from nbkit.errors import BadSetting, PromptError, UnknownSetting
from nbkit.evals.cases import Score
from nbkit.evals.judging import Judge
from nbkit.session import current


def said(cell):
    assert cell.error is None, cell.error
    return "\n".join(cell.bundles("text/plain")) + cell.text


@pytest.fixture
def greeting(notebook):
    notebook.user_ns["name"] = "Ann"
    assert notebook.run("%%llm --prompt greet -t 0.5\nSay hi to {{ name }}.").error is None
    assert notebook.run("%%llm --prompt greet\nGreet {{ name }} warmly.").error is None
    return notebook


def versions(notebook):
    return [line.split()[1] for line in said(notebook.run("%nbkit prompts ls")).splitlines() if "greet" in line]


def test_each_text_and_parameter_is_a_version_and_the_newest_is_marked(greeting):
    assert len(versions(greeting)) == 2
    lines = said(greeting.run("%nbkit prompts ls")).splitlines()
    assert "←" not in lines[2]
    assert "←" in lines[3]
    assert all(line.split()[4 if "←" not in line else 5] == "1" for line in lines[2:4])  # calls


def test_the_name_alone_asks_the_newest_again_with_its_parameters(greeting):
    answer = greeting.run("answer = %llm --prompt greet")
    assert answer.error is None
    assert greeting.user_ns["answer"].text == "Greet Ann warmly."
    assert greeting.user_ns["answer"].record.prompt_name == "greet"
    first = versions(greeting)[0]
    assert "stands for" in said(greeting.run(f"%nbkit prompts restore greet@{first}"))
    greeting.run("answer = %llm --prompt greet")
    result = greeting.user_ns["answer"]
    assert result.text == "Say hi to Ann."
    assert result.request.temperature == 0.5
    greeting.run("answer = %llm --prompt greet -t 0")
    assert greeting.user_ns["answer"].request.temperature == 0


def test_versions_are_shown_and_compared(greeting):
    assert "Greet {{ name }} warmly." in said(greeting.run("%nbkit prompts show greet"))
    text = said(greeting.run("%nbkit prompts diff greet"))
    assert "-temperature = 0.5" in text
    assert "+Greet {{ name }} warmly." in text
    first, second = versions(greeting)
    assert "-Greet" in said(greeting.run(f"%nbkit prompts diff greet@{second} greet@{first}"))


def test_scores_and_cost_stand_beside_the_version(greeting):
    greeting.user_ns["people"] = [{"input": "x", "expected": "Greet Bob warmly.", "name": "Bob"}]
    greeting.run("%%evaluate people --prompt greet --metrics exact_match --name warm\nGreet {{ name }} warmly.")
    lines = said(greeting.run("%nbkit prompts ls")).splitlines()
    assert "exact_match 1.000 [0.207, 1.000], n 1 (warm)" in lines[3]
    assert "exact_match" not in lines[2]


def test_a_judges_score_beside_a_version_is_flagged(greeting, monkeypatch):
    monkeypatch.setattr(Judge, "score", lambda self, case, answer: Score(1.0))
    greeting.user_ns["kind"] = nbkit.judge("It is kind.", name="kind", model="echo")
    greeting.user_ns["people"] = [{"input": "x", "name": "Bob"}]
    greeting.run("%%evaluate people --prompt greet --metrics kind --name warm\nGreet {{ name }} warmly.")
    assert "kind (a judge that was never set against labels) 1.000" in said(greeting.run("%nbkit prompts ls"))


def test_personal_data_and_keys_are_not_kept(notebook, monkeypatch, tmp_path):
    secret = "sk-" + "q7Zp" * 8
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    notebook.run("%%llm --prompt mail\nWrite to jane@example.org.")
    assert "⟦EMAIL_1⟧" in said(notebook.run("%nbkit prompts show mail"))
    notebook.run(f"%%llm --prompt leak\nThe key is {secret}.")
    for path in current().keeping_home.rglob("prompts.sqlite*"):
        held = path.read_bytes()
        assert b"jane@example.org" not in held
        assert secret.encode() not in held


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("%nbkit prompts lst", UnknownSetting),
        ("%nbkit prompts show", BadSetting),
        ("%nbkit prompts show none", PromptError),
        ("%nbkit prompts show greet@00000000", PromptError),
        ("%nbkit prompts restore greet", BadSetting),
        ("%nbkit prompts diff a b c", BadSetting),
        ("%llm --prompt absent", PromptError),
        ("%llm --prompt ../up hello", BadSetting),
    ],
)
def test_what_cannot_be_is_refused(greeting, line, kind):
    assert isinstance(greeting.run(line).error, kind)
