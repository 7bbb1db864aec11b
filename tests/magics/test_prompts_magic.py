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
    assert "exact_match 1.000 [0.207, 1.000], n 1, run warm (" in lines[3]
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


def test_an_older_version_is_evaluated_and_the_name_stands_for_the_newest_still(greeting):
    first, second = (one.removesuffix("←") for one in versions(greeting))
    greeting.user_ns["people"] = [{"input": "Ann", "name": "Ann", "expected": "Say hi to Ann."}]
    cell = greeting.run(f"%evaluate people --prompt greet@{first} --metrics exact_match --name older")
    assert cell.error is None, cell.error
    found = greeting.user_ns["_eval"]
    assert found["exact_match"].mean == 1
    assert found.run.pins.settings["temperature"] == 0.5
    assert (found.run.pins.task_sha256 or "")[:8] == first
    listed = said(greeting.run("%nbkit prompts ls")).splitlines()
    assert [("older" in line, "←" in line) for line in listed if line.startswith("greet")] == [
        (True, False),
        (False, True),
    ]
    assert greeting.run(f"answer = %llm --prompt greet@{first}").error is None
    assert greeting.user_ns["answer"].record.prompt_version[:8] == first
    assert versions(greeting) == [first, second]


def test_settings_of_the_notebook_are_not_those_of_an_older_version(greeting):
    first = versions(greeting)[0]
    greeting.user_ns |= {"nbkit": nbkit, "people": [{"input": "Ann", "name": "Ann"}]}
    greeting.run("nbkit.configure(system='Be loud.', temperature=1.0, seed=4)")
    assert greeting.run(f"%evaluate people --prompt greet@{first} --metrics length").error is None
    assert greeting.user_ns["_eval"].run.pins.settings["system"] in ("", None)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%llm --prompt greet@{} -t 0.9", "temperature is 0.9, and was 0.5"),
        ("%llm --prompt greet@{} hello", "its text is another"),
        ("%llm --prompt greet@", "is no version"),
        ("%llm --prompt greet@00000000", "is no version"),
    ],
)
def test_a_version_that_is_asked_as_another_is_refused(greeting, line, said):
    first = versions(greeting)[0]
    cell = greeting.run(line.format(first))
    assert isinstance(cell.error, PromptError)
    assert said in str(cell.error)
    assert versions(greeting)[0] == first
