"""Values that a guard replaces: never sent, never recorded, and put back where only memory sees them."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, field_validator

from nbkit.canonical import canonical_json
from nbkit.display.result import Result
from nbkit.prompts.schema import shape_of
from nbkit.recorded import Origin
from nbkit.session import Session
from nbkit.testing import FakeProvider, Reply

ANN, BOB = "ann@example.org", "bob@example.org"


class Contact(BaseModel):
    email: str

    @field_validator("email")
    @classmethod
    def is_address(cls, email: str) -> str:
        if "@" not in email:
            raise ValueError
        return email


@pytest.fixture
def open_session(tmp_path, add_guards):
    add_guards("MailGuard")
    opened = []

    def make(script):
        provider = script if isinstance(script, FakeProvider) else FakeProvider(script)
        session = Session(home=tmp_path / "home", environment={}, folder=tmp_path, providers={"fake": provider})
        session.configure({"model": "fake"})
        opened.append(session)
        return session, provider

    yield make
    for session in opened:
        session.close()


def echo(asked):
    return f"You said: {asked.messages[-1].content}"


def ask(session, prompt, *, pieces=None, shape=None, **explicit):
    given = {name: explicit.pop(name) for name in ("thread", "origin") if name in explicit}
    shown = [] if pieces is None else pieces
    settings = session.config(explicit).settings
    return session.ask(prompt, settings=settings, shape=shape, on_text=lambda _, text: shown.append(text), **given)


def test_value_is_not_sent_and_not_recorded_and_is_in_the_result(open_session, tmp_path):
    session, provider = open_session(FakeProvider(echo))
    outcomes = ask(session, f"mail {ANN} and {BOB}")
    assert provider.requests[0].messages[0].content == "mail ⟦EMAIL_1⟧ and ⟦EMAIL_2⟧"
    assert "example.org" not in canonical_json(outcomes[0].record)
    assert Result(outcomes).text == f"You said: mail {ANN} and {BOB}"
    session.close()
    kept = [path.read_bytes() for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"example.org" in content for content in kept)


def test_what_is_drawn_has_the_stand_ins(open_session):
    session, _ = open_session(FakeProvider(echo))
    pieces = []
    result = Result(ask(session, f"mail {ANN}", pieces=pieces))
    assert "".join(pieces) == "You said: mail ⟦EMAIL_1⟧" == result.drawn[0]


def test_what_is_drawn_is_restored_where_asked_and_what_is_recorded_is_not(open_session):
    session, _ = open_session(FakeProvider(echo, piece_chars=3))
    pieces = []
    outcomes = ask(session, f"mail {ANN}", pieces=pieces, guard_restore=True)
    assert "".join(pieces) == f"You said: mail {ANN}"
    assert outcomes[0].record.response.text == "You said: mail ⟦EMAIL_1⟧"
    assert Result(outcomes, restores=True).drawn == (f"You said: mail {ANN}",)


@pytest.mark.parametrize("piece_chars", range(1, 16))
def test_however_an_answer_arrives_the_same_is_drawn(open_session, piece_chars):
    session, _ = open_session(
        FakeProvider(["[EMAIL_1] wrote to ⟦EMAIL_2⟧ (`⟦EMAIL_1⟧`) [EMA"], piece_chars=piece_chars)
    )
    pieces = []
    outcomes = ask(session, f"{ANN} to {BOB}", pieces=pieces, guard_restore=True, format="text")
    assert "".join(pieces) == f"{ANN} wrote to {BOB} (`⟦EMAIL_1⟧`) [EMA" == Result(outcomes).text


def test_what_was_held_back_is_drawn_when_the_call_is_interrupted(open_session):
    session, _ = open_session([Reply(("ask ⟦EMAIL",), KeyboardInterrupt())])
    pieces = []
    [outcome] = ask(session, f"mail {ANN}", pieces=pieces, guard_restore=True)
    assert "".join(pieces) == outcome.record.response.text == "ask ⟦EMAIL"


def test_what_was_held_back_is_drawn_when_a_guard_blocks(open_session, add_guards):
    add_guards("TouchyStream")
    session, _ = open_session(FakeProvider(["ask ⟦EMAILab touchy"], piece_chars=1))
    pieces = []
    [outcome] = ask(session, f"mail {ANN}", pieces=pieces, guard_restore=True)
    assert outcome.record.status == "blocked"
    assert "".join(pieces) == outcome.record.response.text
    assert "⟦" in outcome.record.response.text
    assert outcome.record.response.usage.output_tokens > 0


def test_cells_in_another_order_hit_and_each_is_restored_by_its_own(open_session):
    session, provider = open_session(FakeProvider(echo))
    one, other = Result(ask(session, f"mail {ANN}")), Result(ask(session, f"mail {BOB}"))
    assert (provider.calls, other.cached) == (1, True)
    assert (one.text, other.text) == (f"You said: mail {ANN}", f"You said: mail {BOB}")


def test_conversation_keeps_originals_in_code_too_and_numbers_them_anew(open_session):
    session, provider = open_session(["```\nto: ⟦EMAIL_1⟧\n```", "ok"])
    ask(session, f"mail {ANN}", thread="t", origin=Origin(cell_id="one"))
    last = ask(session, f"{BOB} and {ANN}?", thread="t", origin=Origin(cell_id="two"))
    sent = [message.content for message in provider.requests[1].messages]
    assert sent == ["mail ⟦EMAIL_1⟧", "```\nto: ⟦EMAIL_1⟧\n```", "⟦EMAIL_2⟧ and ⟦EMAIL_1⟧?"]
    kept = [message.content for message in session.threads.before("t", "elsewhere")]
    assert kept[:3] == [f"mail {ANN}", f"```\nto: {ANN}\n```", f"{BOB} and {ANN}?"]
    assert last[0].pseudonyms.restore("⟦EMAIL_2⟧") == BOB


def test_repair_keeps_the_numbers(open_session):
    session, provider = open_session(['```json\n{"mail": "⟦EMAIL_1⟧"}\n```', '{"email": "⟦EMAIL_1⟧"}'])
    outcomes = ask(session, f"Contact of {ANN}?", shape=shape_of("email"))
    assert provider.requests[1].messages[1].content.startswith("Contact of ⟦EMAIL_1⟧?")
    assert Result(outcomes).json() == {"email": ANN}
    assert ANN not in canonical_json([one.record for one in outcomes])


@pytest.mark.parametrize(
    "schema",
    [Contact, {"type": "object", "properties": {"email": {"type": "string", "pattern": "^[a-z]+@[a-z.]+$"}}}],
)
def test_stand_in_is_held_against_the_schema_as_what_it_stands_for(open_session, schema):
    session, provider = open_session(['{"email": "⟦EMAIL_1⟧"}'])
    outcomes = ask(session, f"Contact of {ANN}?", shape=shape_of(schema))
    assert (provider.calls, outcomes[-1].error) == (1, None)
    assert Result(outcomes).json() == {"email": ANN}
    assert "⟦EMAIL_1⟧" in outcomes[-1].record.response.text


def test_samples_are_each_restored(open_session):
    session, _ = open_session(FakeProvider(echo))
    result = Result(ask(session, f"mail {ANN}", samples=2, temperature=1.0))
    assert result.samples == (f"You said: mail {ANN}",) * 2


def test_json_and_tables_are_read_before_values_are_put_back(open_session):
    pytest.importorskip("pandas")
    session, _ = open_session(["| who |\n|---|\n| ⟦EMAIL_1⟧ |"])
    table = Result(ask(session, f"Table of {ANN}", format="table")).to_frame()
    assert table["who"].tolist() == [ANN]
    session.providers["fake"] = FakeProvider(['{"who": "⟦EMAIL_1⟧"}'])
    frame = Result(ask(session, f"JSON of {ANN}", format="json")).to_frame()
    assert frame["who"].tolist() == [ANN]
