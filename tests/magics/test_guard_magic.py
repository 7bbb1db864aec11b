from __future__ import annotations

import pytest

from nbkit.errors import BadSetting, UnknownSetting
from nbkit.session import current
from nbkit.testing import FakeProvider
from nbkit.testing.interactive import shell


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with shell() as loaded:
        yield loaded


def said(cell):
    assert cell.error is None, cell.error
    return "\n".join(cell.bundles("text/plain")) + cell.text


def rows(notebook):
    lines = [line.split() for line in said(notebook.run("%guard ls")).splitlines()]
    return {(line[0], line[1]): line[2:] for line in lines if len(line) == 5}


def test_ls_shows_each_guard_at_each_stage_by_policy(notebook, add_guards):
    add_guards("MailGuard")
    found = rows(notebook)
    assert found["mail", "input"] == ["redact", "redact", "block"]
    assert found["schema", "output"] == ["reask", "reask", "reask"]
    assert found["markdown", "output"] == ["always", "always", "always"]


def test_ls_is_not_drawn_as_live_html_from_a_guards_name(notebook):
    (html,) = notebook.run("%guard ls").bundles("text/html")
    assert "<script" not in html


def test_a_promise_cannot_be_turned_off(notebook):
    cell = notebook.run("%guard off markdown")
    assert isinstance(cell.error, BadSetting)
    assert "the guard 'markdown' cannot be set" in cell.error.what
    assert "%guard ls" in cell.error.fix
    assert rows(notebook)["markdown", "output"][0] == "always"
    assert notebook.run("%%llm\nhello").error is None


def test_turned_off_one_looks_only_and_turned_on_it_acts(notebook):
    assert "looks only" in said(notebook.run("%guard off labels"))
    assert rows(notebook)["labels", "output"][0] == "allow"
    assert "labels: allow instead of warn (output)" in said(notebook.run("%guard ls"))
    assert "on again" in said(notebook.run("%guard on labels"))
    assert rows(notebook)["labels", "output"][0] == "warn"
    assert "was on already" in said(notebook.run("%guard on labels"))


def test_one_that_the_project_turned_off_is_on_again_too(notebook, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.nbkit.guard]\nactions = { labels = "allow", schema = "warn" }\n')
    assert "on again" in said(notebook.run("%guard on labels"))
    found = rows(notebook)
    assert (found["labels", "output"][0], found["schema", "output"][0]) == ("warn", "warn")


def test_one_alone_may_be_on_while_all_are_off(notebook):
    said(notebook.run("%guard off"))
    assert "on again" in said(notebook.run("%guard on schema"))
    found = rows(notebook)
    assert (found["schema", "output"][0], found["labels", "output"][0]) == ("reask", "allow")
    assert "was on already" not in said(notebook.run("%guard on labels"))


def test_off_and_on_are_the_policy_of_the_next_cell(notebook):
    assert "the secrets in use and the neutraliser stay" in said(notebook.run("%guard off"))
    notebook.run("%%llm\nhello")
    assert notebook.user_ns["_llm"].record.policy == "off"
    said(notebook.run("%guard on strict"))
    notebook.run("%%llm\nhello")
    assert notebook.user_ns["_llm"].record.policy == "strict"
    said(notebook.run("%guard on"))
    notebook.run("%%llm\nhello")
    assert notebook.user_ns["_llm"].record.policy == "standard"


@pytest.mark.parametrize("policy", ["", " strict"])
def test_on_without_a_name_turns_on_what_was_turned_off_by_name(notebook, policy):
    said(notebook.run("%guard off injection"))
    said(notebook.run("%guard off labels"))
    drawn = said(notebook.run(f"%guard on{policy}"))
    assert "still" not in drawn
    assert "injection" in drawn.partition("on: ")[2]
    found = rows(notebook)
    assert found["injection", "input"][0] == ("block" if policy else "warn")
    assert found["labels", "output"][0] == found["labels", "output"][2 if policy else 1]


def test_on_leaves_on_what_is_on_by_name_alone(notebook):
    said(notebook.run("%guard on toxicity"))
    assert "toxicity" in said(notebook.run("%guard on"))
    assert rows(notebook)["toxicity", "output"][0] != "allow"


def test_on_without_a_name_wins_over_the_project_too(notebook, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.nbkit.guard]\nactions = { labels = "allow", schema = "block" }\n')
    said(notebook.run("%guard on"))
    found = rows(notebook)
    assert (found["labels", "output"][0], found["schema", "output"][0]) == ("warn", "block")


def test_on_says_what_is_still_looser(notebook, tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.nbkit.guard]\nallow = ["secret:openai-key"]\n')
    assert "still secrets: openai-key allowed" in said(notebook.run("%guard on"))


@pytest.mark.parametrize("line", ["off lables", "on lables"])
def test_guard_that_is_not_there_has_a_nearest_name(notebook, line):
    cell = notebook.run(f"%guard {line}")
    assert isinstance(cell.error, BadSetting)
    assert cell.error.fix == "use 'labels'"


@pytest.mark.parametrize("line", ["", "of", "list"])
def test_command_that_is_none_names_those_there_are(notebook, line):
    cell = notebook.run(f"%guard {line}")
    assert isinstance(cell.error, UnknownSetting)


def test_text_is_tried_and_nothing_is_sent(notebook, add_guards):
    add_guards("MailGuard")
    shown = said(notebook.run('%guard test "mail ann@example.org"'))
    assert "goes on as: mail ⟦EMAIL_1⟧" in shown
    assert "1 replaced" in shown
    assert current().ledger.read() == []


def test_blocked_text_is_said_to_be(notebook, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefgh12345678")
    shown = said(notebook.run("%guard test sk-abcdefgh12345678"))
    assert "blocked: it would not go on" in shown
    assert "abcdefgh" not in shown


def test_answer_is_tried_at_its_own_stage(notebook):
    shown = said(notebook.run('%guard test "![x](http://evil.example/a)" --stage output'))
    assert "goes on as: ![x] (http[:]//evil.example/a)" in shown


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("test hi --stage inputt", "--stage cannot be 'inputt'"),
        ("test hi --stage", "--stage has no value"),
        ("test", "takes a text"),
        ("report --since soon", "--since cannot be 'soon'"),
    ],
)
def test_mistakes_are_three_lines(notebook, line, what):
    cell = notebook.run(f"%guard {line}")
    assert isinstance(cell.error, BadSetting)
    assert what in cell.error.what
    assert str(cell.error).count("\n") == 2


def test_report_counts_what_was_done_and_found(notebook, add_guards):
    add_guards("MailGuard")
    notebook.run("%%llm\nmail ann@example.org and bob@example.org")
    notebook.run("%%llm --allow mail:EMAIL\nmail ann@example.org")
    shown = said(notebook.run("%guard report"))
    [mail] = [line.split() for line in shown.splitlines() if line.startswith("mail")]
    assert mail[:8] == ["mail", "input", "2", "1", "0", "1", "0", "0"]
    assert "EMAIL 2" in shown
    assert "2 calls, 1 of them under looser guards" in shown
    assert "2 calls" in said(notebook.run("%guard report --since 1h"))


def test_guard_off_in_a_cell_is_for_that_cell(notebook):
    current().providers["fake"] = FakeProvider(["[a](http://evil.example)"])
    cell = notebook.run("%%llm -m fake --guard off\nhello")
    assert "](http" not in "".join(cell.bundles("text/markdown"))
    assert notebook.user_ns["_llm"].record.policy == "off"
    assert "policy off" in "".join(cell.bundles("text/plain"))
    notebook.run("%%llm -m fake\nhello")
    assert notebook.user_ns["_llm"].record.policy == "standard"


def test_a_text_that_ends_with_a_question_mark_is_a_text(notebook):
    cell = notebook.run("%guard test What does the <secret> tag mean?")
    assert cell.error is None
    assert any("injection" in text for text in cell.bundles("text/plain"))
