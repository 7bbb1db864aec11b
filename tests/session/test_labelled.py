"""What a cell calls its work is recorded as it is: nothing private may stand in it."""

from __future__ import annotations

import dataclasses

import pytest

from nbkit.errors import BadSetting
from nbkit.session import current
from nbkit.session.labelled import refuse_private
from nbkit.session.named import named
from nbkit.testing import FakeEmbedder
from nbkit.testing.interactive import shell

MAIL = "jane.roe@example.org"
KEY = "sk-proj-" + "Ab3dEf6hIj9lMn2pQr5tUv8xYz1C" * 2


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fan.md").write_text("The fan draws 30 W.\n")
    with shell() as loaded:
        session = current()
        session.collections.embedders["fake"] = FakeEmbedder()
        session.configure({"rag_embedder": "fake", "model": "echo"})
        yield loaded


def kept(folder, *needles):
    """Files below a folder in which one of the texts stands."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    texts = {path: path.read_bytes() for path in found}
    names = [path.name for path in folder.rglob("*") if any(one in path.name for one in needles)]
    return names + [path.name for path, text in texts.items() if any(one.encode() in text for one in needles)]


@pytest.mark.parametrize("private", [MAIL, KEY], ids=["mail", "key"])
@pytest.mark.parametrize(
    ("cell", "option"),
    [
        ("%%llm --tag {}\nhello", "--tag"),
        ("%%llm --thread {}\nhello", "--thread"),
        ("%llm --tag {} hello", "--tag"),
        ("import nbkit; nbkit.ask('hello', tag='{}')", "--tag"),
        ("import nbkit; nbkit.ask('hello', thread='{}')", "--thread"),
        ("%%evaluate questions --metrics f1 --name {}\n{{{{ input }}}}", "--name"),
        ("%%evaluate questions --metrics f1 --tag {}\n{{{{ input }}}}", "--tag"),
    ],
)  # fmt: skip
def test_a_name_with_something_private_is_refused_and_not_kept(notebook, tmp_path, private, cell, option):
    notebook.run("questions = [{'input': 'a', 'expected': 'a'}]")
    found = notebook.run(cell.format(private))
    assert isinstance(found.error, BadSetting)
    assert option in found.error.what
    assert private not in str(found.error)
    assert kept(current().home, private) == []


def test_a_key_is_no_name_of_a_prompt(open_session):
    session, _ = open_session("ok")
    with pytest.raises(BadSetting, match="--prompt"):
        named(session, KEY[:60], "hello", session.config().settings)
    assert kept(session.home, KEY[:60]) == []


def test_a_key_is_no_name_of_an_index(notebook):
    found = notebook.run(f"%rag add fan.md --index {KEY[:60]}")
    assert isinstance(found.error, BadSetting)
    assert "--index" in found.error.what
    assert kept(current().home, KEY[:60]) == []


def test_the_exact_secrets_in_use_are_refused_whatever_the_policy(open_session):
    session, _ = open_session("ok")
    session.secrets.add("MY_TOKEN", "tuesdayrain7")
    settings = dataclasses.replace(session.config().settings, guard_policy="off")
    with pytest.raises(BadSetting, match="MY_TOKEN"):
        refuse_private(session, {"--tag": "tuesdayrain7"}, settings)


def test_what_the_guards_let_pass_may_be_a_name(open_session):
    session, _ = open_session("ok")
    allowed = dataclasses.replace(session.config().settings, guard_allow=("pii:EMAIL",))
    refuse_private(session, {"--tag": MAIL}, allowed)
    refuse_private(
        session, {"--tag": "draft-2026-11-28", "--thread": "v1.2", "--name": None}, session.config().settings
    )


def test_personal_data_in_a_filter_is_recorded_by_its_stand_in(notebook):
    assert notebook.run("%rag add fan.md --index docs").error is None
    cell = notebook.run(f"%%rag docs --filter \"path ~ 'fan' or title ~ '{MAIL}'\"\nHow much does the fan draw?")
    assert cell.error is None, cell.error
    record = notebook.user_ns["_llm"].record
    assert MAIL not in record.retrieval.where
    assert "path ~ 'fan'" in record.retrieval.where


def test_a_run_of_an_evaluation_keeps_no_personal_data_of_its_settings(notebook):
    notebook.run("questions = [{'input': 'a', 'expected': 'a'}]")
    notebook.run("%rag add fan.md --index docs")
    cell = notebook.run(f"%evaluate questions --rag docs --metrics f1 --stop {MAIL} --filter \"path ~ '{MAIL}'\"")
    assert cell.error is None, cell.error
    assert notebook.user_ns["_eval"].run.graded
    assert kept(current().home, MAIL) == []
