"""An answer that does not fit is asked for once more: a second call, priced and recorded, that takes its place."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from pydantic import BaseModel, ConfigDict, field_validator

from nbkit.display.result import Result
from nbkit.errors import Blocked, RateLimited, SchemaMismatch
from nbkit.prompts.schema import shape_of
from nbkit.recorded import Origin
from nbkit.testing import FakeProvider, Reply

RIGHT, WRONG = '{"name": "Ada", "age": 36}', '{"name": "Ada"}'
FIELDS = "name, age int"


class Person(BaseModel):
    name: str
    age: int

    @field_validator("age")
    @classmethod
    def alive(cls, age: int) -> int:
        if age > 150:
            msg = f"nobody is {age}"
            raise ValueError(msg)
        return age


class Day(BaseModel):
    model_config = ConfigDict(strict=True)
    on: dt.date


def is_repair(asked):
    return "first answer" in asked.messages[-1].content


def ask(session, prompt="Who?", *, schema=FIELDS, **given):
    explicit = {
        name: given.pop(name) for name in list(given) if name not in ("thread", "origin", "on_text", "on_phase")
    }
    settings = session.config(explicit).settings
    return session.ask(prompt, settings=settings, shape=shape_of(schema), **given)


def test_answer_that_fits_is_asked_for_once(open_session):
    session, provider = open_session([RIGHT])
    [outcome] = ask(session)
    assert (provider.calls, outcome.record.repairs) == (1, None)
    assert Result([outcome]).json() == {"name": "Ada", "age": 36}


def test_repair_is_a_second_call_that_says_what_is_wrong_and_shows_the_form(open_session):
    session, provider = open_session([WRONG, RIGHT])
    first, second = ask(session)
    asked = provider.requests[1].messages
    assert [message.role for message in asked] == ["system", "user"]
    assert asked[0] == provider.requests[0].messages[0]
    assert asked[1].content.startswith("Who?\n\nA first answer did not fit the schema: age is missing.")
    assert asked[1].content.endswith('{"age": 0, "name": "text"}')
    assert second.record.repairs == first.record.id
    assert (first.record.repairs, first.error, second.error) == (None, None, None)


def test_both_calls_are_priced_and_recorded_and_the_cost_is_their_sum(open_session):
    session, provider = open_session([WRONG, RIGHT])
    session.providers["openai"] = provider
    outcomes = ask(session, model="openai:gpt-4o-mini")
    costs = [one.record.cost.usd for one in outcomes]
    assert all(costs)
    result = Result(outcomes)
    assert result.cost == sum(costs)
    assert result.usage.output_tokens == sum(one.record.response.usage.output_tokens for one in outcomes)
    kept = {record.id: record for record in session.ledger.read()}
    assert kept[outcomes[1].record.id].repairs == outcomes[0].record.id
    assert [kept[one.record.id].cost.usd for one in outcomes] == costs


def test_result_is_the_repaired_answer_and_has_both_records(open_session):
    session, _ = open_session([WRONG, RIGHT])
    first, second = ask(session)
    result = Result([first, second])
    assert (result.text, result.samples, result.record) == (RIGHT, (RIGHT,), second.record)
    assert result.records == (first.record, second.record)
    assert "asked again" in repr(result)
    assert "sample" not in repr(result)


def test_second_failure_fails_with_the_text_shown_and_recorded(open_session):
    pieces = []
    session, provider = open_session([WRONG, '{"age": "old"}', RIGHT])
    first, second = ask(session, on_text=lambda _, text: pieces.append(text))
    assert provider.calls == 2
    assert isinstance(second.error, SchemaMismatch)
    assert str(second.error).count("\n") == 2
    assert "name is missing, also when the model was told and asked again" in second.error.why
    assert (second.record.status, second.record.error.kind) == ("error", "SchemaMismatch")
    assert (first.record.status, first.error) == ("ok", None)
    assert second.record.response.text == '{"age": "old"}' == Result([first, second]).text
    assert "".join(pieces) == WRONG + '{"age": "old"}'
    assert second.record.response.usage.output_tokens > 0


def test_call_that_fails_while_repairing_keeps_the_first_record(open_session):
    limited = RateLimited(what="too many", why="requests", fix="wait")
    session, _ = open_session([WRONG, limited])
    first, second = ask(session)
    assert (second.error, second.record.repairs) == (limited, first.record.id)
    assert first.record.response.text == WRONG


def test_call_that_fails_or_is_cut_short_is_not_repaired(open_session):
    session, provider = open_session([Reply(("{",), KeyboardInterrupt())])
    [outcome] = ask(session)
    assert (provider.calls, outcome.record.status) == (1, "interrupted")


def test_each_sample_is_repaired_alone(open_session):
    session, provider = open_session(FakeProvider(lambda asked: RIGHT if is_repair(asked) or asked.sample else WRONG))
    outcomes = ask(session, samples=3, temperature=0.8, seed=7)
    assert provider.calls == 4
    assert [one.record.request.sample for one in outcomes] == [0, 0, 1, 2]
    assert [one.record.request.seed for one in outcomes] == [7, 7, 8, 9]
    assert [one.record.repairs for one in outcomes] == [None, outcomes[0].record.id, None, None]
    assert Result(outcomes).samples == (RIGHT, RIGHT, RIGHT)


def test_sample_that_fails_twice_is_the_last(open_session):
    session, provider = open_session([RIGHT, WRONG, WRONG, RIGHT])
    outcomes = ask(session, samples=3, temperature=0.8)
    assert (provider.calls, len(outcomes)) == (3, 3)
    assert isinstance(outcomes[-1].error, SchemaMismatch)
    assert Result(outcomes).samples == (RIGHT, WRONG)


def test_validators_of_a_model_are_asked_too(open_session):
    session, provider = open_session(['{"name": "Methuselah", "age": 969}', RIGHT])
    ask(session, schema=Person)
    said = provider.requests[1].messages[-1].content
    assert "the model Person refuses age" in said
    assert "969" not in said


def test_dates_of_a_strict_model_are_text_in_json(open_session):
    session, provider = open_session(['{"on": "2026-01-02"}'])
    assert ask(session, schema=Day)[-1].error is None
    assert provider.calls == 1


def test_with_guards_off_the_misfit_is_said_and_kept(open_session):
    session, provider = open_session([WRONG])
    [outcome] = ask(session, guard_policy="off")
    assert (provider.calls, outcome.error) == (1, None)
    verdict = next(one for one in outcome.record.verdicts if one.guard == "schema")
    assert (verdict.action, verdict.reason) == ("allow", "age is missing")
    assert "schema: allow instead of reask (output)" in outcome.record.loosened


def test_fenced_answer_fits(open_session):
    session, provider = open_session([f"```json\n{RIGHT}\n```"])
    assert Result(ask(session)).json()["age"] == 36
    assert provider.calls == 1


@pytest.mark.parametrize(
    "schema", [Person, {"type": "object", "required": ["age"]}, FIELDS, json.loads('{"type":"array"}')]
)
def test_rules_and_schema_are_part_of_the_request(open_session, schema):
    session, provider = open_session([RIGHT, "[]", RIGHT])
    ask(session, schema=schema, system="Be terse.")
    request = provider.requests[0]
    assert request.messages[0].content.startswith("Be terse.\n\nAnswer with JSON alone")
    assert request.schema in request.messages[0].content
    assert request.format == "json"


def test_conversation_keeps_the_repaired_answer_alone(open_session):
    session, _ = open_session([WRONG, RIGHT, RIGHT])
    ask(session, thread="t", origin=Origin(cell_id="one"))
    ask(session, "And now?", thread="t", origin=Origin(cell_id="two"))
    said = [message.content for message in session.providers["fake"].requests[2].messages[1:]]
    assert said == ["Who?", RIGHT, "And now?"]


def test_other_guards_may_ask_again_in_words_of_their_own(open_session, add_guards):
    add_guards("RudeGuard")
    session, provider = open_session(["damn you", "hello"])
    settings = session.config({"guard_actions": {"rude": {"output": "reask"}}}).settings
    first, second = session.ask("hi", settings=settings)
    said = provider.requests[1].messages[-1].content
    assert said == "hi\n\nA first answer could not be used: it is rude. Answer again, without that."
    assert (second.record.response.text, second.record.repairs) == ("hello", first.record.id)


def test_other_guard_that_asked_again_in_vain_blocks(open_session, add_guards):
    add_guards("RudeGuard")
    session, provider = open_session(["damn you"])
    settings = session.config({"guard_actions": {"rude": {"output": "reask"}}}).settings
    outcome = session.ask("hi", settings=settings)[-1]
    assert isinstance(outcome.error, Blocked)
    assert "rude" in outcome.error.what
    assert 'rude = "warn"' in outcome.error.fix
    assert (outcome.record.status, provider.calls) == ("blocked", 2)


def test_phases_begin_anew_with_each_call(open_session):
    phases = []
    session, _ = open_session([WRONG, RIGHT])
    ask(session, on_phase=phases.append)
    assert phases.count("guards in") == 2
