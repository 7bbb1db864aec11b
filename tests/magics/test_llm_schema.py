"""`--schema`, `--guard`, `--allow` and `--restore` in a cell."""

from __future__ import annotations

import json

import pytest

from nbkit.errors import BadSetting, SchemaMismatch
from nbkit.recorded import RECORD_MIME
from nbkit.session import current
from nbkit.testing import FakeEmbedder, FakeProvider
from nbkit.testing.interactive import shell

RIGHT, WRONG = '{"name": "Ada", "age": 36}', '{"name": "Ada"}'
MODEL = """
from pydantic import BaseModel, field_validator
class Person(BaseModel):
    name: str
    age: int
    @field_validator("age")
    @classmethod
    def alive(cls, age):
        assert age < 150
        return age
"""


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with shell(environment={"NBKIT_MODEL": "fake"}) as loaded:
        answers(RIGHT)
        yield loaded


def answers(*texts, **options):
    current().providers["fake"] = FakeProvider(list(texts), **options)
    return current().providers["fake"]


def result(notebook):
    return notebook.user_ns["_llm"]


@pytest.mark.parametrize(
    ("setup", "schema"),
    [
        (MODEL, "Person"),
        ("shape = {'type': 'object', 'required': ['name', 'age']}", "shape"),
        ("fields = 'name, age int'", "fields"),
        ("", "'name, age int'"),
        ("", "name,age? int"),
    ],
)
def test_schema_is_a_variable_or_the_fields(notebook, setup, schema):
    if schema == "name,age? int":
        schema = f'"{schema}"'
    assert notebook.run(setup).error is None
    assert notebook.run(f"%%llm --schema {schema}\nWho?").error is None
    assert result(notebook).json() == {"name": "Ada", "age": 36}
    assert result(notebook).request.format == "json"


def test_a_models_own_validators_have_the_answer_asked_for_again(notebook):
    notebook.run(MODEL)
    provider = answers('{"name": "Methuselah", "age": 969}', RIGHT)
    assert notebook.run("%%llm --schema Person\nWho?").error is None
    assert provider.calls == 2
    assert result(notebook).json()["age"] == 36


def test_class_that_is_not_defined_is_no_field(notebook):
    cell = notebook.run("%%llm --schema Persn\nWho?")
    assert isinstance(cell.error, BadSetting)
    assert "no variable named 'Persn'" in cell.error.what


def test_variable_that_is_no_schema_says_so(notebook):
    notebook.run("x = 3")
    cell = notebook.run("%%llm --schema x\nWho?")
    assert isinstance(cell.error, BadSetting)
    assert "int is no schema" in cell.error.what


def test_repaired_cell_draws_the_repaired_answer_and_carries_both_records(notebook):
    answers(WRONG, RIGHT)
    cell = notebook.run("%%llm --schema 'name, age int'\nWho?")
    answer, card = cell.outputs
    assert json.loads(answer["data"]["text/plain"]) == {"name": "Ada", "age": 36}
    assert "36" in answer["data"]["text/markdown"]
    first, second = card["data"][RECORD_MIME]
    assert second["repairs"] == first["id"]
    assert card["data"]["text/plain"].startswith("nbkit · fake · asked again\n")


def why(notebook):
    (said,) = notebook.run("%cache why").bundles("text/plain")
    return said


def test_repaired_cell_that_runs_again_is_a_hit_that_says_what_happened(notebook):
    provider = answers(WRONG, RIGHT)
    cell = "%%llm --schema 'name, age int'\nWho?"
    notebook.run(cell)
    assert why(notebook).endswith("Its answer is kept now: the same request again is a hit.")
    drawn, card = notebook.run(cell).outputs
    assert provider.calls == 2
    assert json.loads(drawn["data"]["text/plain"]) == {"name": "Ada", "age": 36}
    said = card["data"]["text/plain"]
    assert said.startswith("nbkit · fake · asked again\n")
    assert "  Cost            $0 (saved" in said
    assert "2 hits" in said
    assert "asked again (schema)" in said
    assert why(notebook).startswith("hit: the same request was answered before")


def test_why_promises_no_hit_where_the_repair_failed(notebook):
    answers(WRONG)
    notebook.run("%%llm --schema 'name, age int'\nWho?")
    assert "is a hit" not in why(notebook)
    notebook.run("%%llm --schema 'name, age int'\nWho?")
    assert "hit" not in why(notebook)


def test_second_failure_fails_the_cell_with_the_text_drawn_and_recorded(notebook):
    answers(WRONG)
    cell = notebook.run("%%llm -o who --schema 'name, age int'\nWho?")
    assert isinstance(cell.error, SchemaMismatch)
    assert len([line for line in cell.traceback if line.strip()]) == 3
    answer, card = cell.outputs
    assert WRONG in answer["data"]["text/plain"]
    assert "This answer does not fit its schema." in answer["data"]["text/plain"]
    assert [one["status"] for one in card["data"][RECORD_MIME]] == ["ok", "error"]
    assert "guards ✗ schema: age is missing" in card["data"]["text/plain"]
    assert notebook.user_ns["who"].text == WRONG


def test_line_form_takes_a_schema_too(notebook):
    answers(WRONG, RIGHT)
    cell = notebook.run("who = %llm --schema 'name, age int' Who?")
    assert cell.error is None
    assert notebook.user_ns["who"].json()["age"] == 36
    (records,) = cell.bundles(RECORD_MIME)
    assert len(records) == 2


def test_samples_and_schema(notebook):
    answers(RIGHT, WRONG, RIGHT)
    cell = notebook.run("%%llm -n 2 -t 0.8 --schema 'name, age int'\nWho?")
    assert result(notebook).samples == (RIGHT, RIGHT)
    (card,) = [output["data"]["text/plain"] for output in cell.outputs if RECORD_MIME in output["data"]]
    assert card.startswith("nbkit · fake · 2 samples · asked again\n")
    assert "Sample 2, asked again" in card


def test_show_prompt_shows_the_rules_and_sends_nothing(notebook):
    cell = notebook.run("%%llm --show-prompt -s 'Be terse.' --schema 'name, age int'\nWho?")
    shown = "".join(cell.bundles("text/plain")) + cell.text
    assert "[system]\nBe terse.\n\nAnswer with JSON alone" in shown
    assert '"age":{"type":"integer"}' in shown
    assert current().providers["fake"].calls == 0


def test_rag_refuses_a_schema(notebook, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("The fan needs 30 W.")
    current().collections.embedders["fake"] = FakeEmbedder()
    current().configure({"rag_embedder": "fake"})
    assert notebook.run("%rag add docs --index book").error is None
    for line in ("%%rag book --schema 'watts int'", "%%rag book --show-prompt --schema 'watts int'"):
        cell = notebook.run(f"{line}\nHow much power?")
        assert isinstance(cell.error, BadSetting)
        assert cell.error.what == "%%rag takes no --schema"
    assert current().providers["fake"].calls == 0


@pytest.mark.parametrize("piece_chars", [1, 5, 100])
def test_json_is_drawn_the_same_however_it_streams(notebook, piece_chars):
    answers(WRONG, RIGHT, piece_chars=piece_chars)
    cell = notebook.run("%%llm --schema 'name, age int'\nWho?")
    (markdown,) = cell.bundles("text/markdown")
    assert markdown == '```json\n{\n  "name": "Ada",\n  "age": 36\n}\n```'


def test_restore_puts_values_back_where_the_cell_draws(notebook, add_guards):
    add_guards("MailGuard")
    answers("ask ⟦EMAIL_1⟧")
    plain = notebook.run("%%llm\nmail ann@example.org")
    assert plain.bundles("text/markdown") == ["ask ⟦EMAIL_1⟧"]
    cell = notebook.run("%%llm --restore\nmail ann@example.org")
    assert cell.bundles("text/markdown") == ["ask ann@example.org"]
    (records,) = cell.bundles(RECORD_MIME)
    assert "ann@example.org" not in json.dumps(records)
    assert "ask ⟦EMAIL_1⟧" in json.dumps(records, ensure_ascii=False)


def test_restore_puts_values_back_where_the_line_is_drawn(notebook, add_guards):
    add_guards("MailGuard")
    answers("ask ⟦EMAIL_1⟧")
    assert notebook.run("%llm mail ann@example.org").bundles("text/markdown") == ["ask ⟦EMAIL_1⟧"]
    assert notebook.run("%llm --restore mail ann@example.org").bundles("text/markdown") == ["ask ann@example.org"]


def test_allow_takes_several_and_is_in_the_card(notebook, add_guards):
    add_guards("MailGuard", "RudeGuard")
    cell = notebook.run("%%llm --allow mail:EMAIL --allow guard:rude\nmail ann@example.org")
    assert cell.error is None
    assert result(notebook).record.loosened == ("mail: EMAIL allowed", "rude: may fail")
    assert "mail: EMAIL allowed; rude: may fail" in "".join(cell.bundles("text/plain"))


def test_allow_of_what_is_not_there_is_three_lines(notebook):
    cell = notebook.run("%%llm --allow guard:shema\nhi")
    assert isinstance(cell.error, BadSetting)
    assert cell.error.fix == "use 'schema'"
    assert current().providers["fake"].calls == 0
