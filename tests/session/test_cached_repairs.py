"""A cell whose answer was repaired runs again: both halves come from the cache, and are judged anew."""

from __future__ import annotations

from pydantic import BaseModel, field_validator

from nbkit.display.card import card_text
from nbkit.display.result import Result
from nbkit.errors import SchemaMismatch
from nbkit.prompts.schema import Shape, shape_of
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


class Young(Person):
    @field_validator("age")
    @classmethod
    def young(cls, age: int) -> int:
        if age > 30:
            raise ValueError
        return age


# The same schema and the same words to the model, as after the cell that defines it was changed.
Young.__name__ = "Person"
METHUSELAH, BOY = '{"name": "Methuselah", "age": 969}', '{"name": "Tim", "age": 7}'


def is_repair(asked):
    return "first answer" in asked.messages[-1].content


def _schema_verdict(outcome):
    return next(one for one in outcome.record.verdicts if one.guard == "schema")


def ask(session, prompt="Who?", *, schema=FIELDS, **given):
    explicit = {
        name: given.pop(name) for name in list(given) if name not in ("thread", "origin", "on_text", "on_phase")
    }
    settings = session.config(explicit).settings
    return session.ask(prompt, settings=settings, shape=shape_of(schema), **given)


def ask_as(session, model, **explicit):
    settings = session.config(explicit).settings
    return session.ask("Who?", settings=settings, shape=Shape(shape_of(Person).schema, model))


def test_repaired_cell_that_runs_again_asks_nobody_and_says_so(open_session):
    session, provider = open_session([WRONG, RIGHT])
    session.providers["openai"] = provider
    paid = ask(session, model="openai:gpt-4o-mini")
    first, second = ask(session, model="openai:gpt-4o-mini")
    assert (provider.calls, first.record.cache.status, second.record.cache.status) == (2, "hit", "hit")
    assert (first.record.cost.usd, second.record.cost.usd) == (0, 0)
    assert sum(one.record.cost.saved_usd for one in (first, second)) == Result(paid).cost > 0
    assert second.record.repairs == first.record.id
    assert (Result([first, second]).text, second.error) == (RIGHT, None)
    assert [_schema_verdict(one).action for one in (first, second)] == ["reask", "allow"]
    assert "asked again" in card_text([first.record, second.record])
    assert "2 hits" in card_text([first.record, second.record])


def test_repaired_cell_answers_from_the_cache_alone(open_session):
    session, provider = open_session([WRONG, RIGHT])
    ask(session)
    assert Result(ask(session, cache="only")).text == RIGHT
    assert provider.calls == 2


def test_refresh_asks_for_both_anew_and_a_fit_takes_the_place_of_the_misfit(open_session):
    session, provider = open_session([WRONG, RIGHT, WRONG, RIGHT, RIGHT])
    ask(session)
    ask(session, cache="refresh")
    assert provider.calls == 4
    [fits] = ask(session, cache="refresh")
    [again] = ask(session)
    assert (provider.calls, again.record.cache.status, fits.error) == (5, "hit", None)


def test_each_sample_that_was_repaired_is_a_hit(open_session):
    session, provider = open_session(FakeProvider(lambda asked: RIGHT if is_repair(asked) or asked.sample else WRONG))
    ask(session, samples=3, temperature=0.8)
    outcomes = ask(session, samples=3, temperature=0.8)
    assert {one.record.cache.status for one in outcomes} == {"hit"}
    assert (provider.calls, Result(outcomes).samples) == (4, (RIGHT, RIGHT, RIGHT))


def test_repair_that_failed_is_asked_for_again_and_never_a_success(open_session):
    session, provider = open_session([WRONG, '{"age": "old"}', RIGHT])
    ask(session)
    first, second = ask(session)
    assert (first.record.cache.status, second.record.cache.status, provider.calls) == ("hit", "miss", 3)
    assert (Result([first, second]).text, second.error) == (RIGHT, None)


def test_misfit_that_a_guard_has_changed_is_not_cached_for_it_may_fit_by_now(open_session):
    session, provider = open_session(['{"code": "zq8-abcdefgh12345678"}'])
    session.secrets.add("K", "zq8-abcdefgh12345678")
    short = {"type": "object", "properties": {"code": {"type": "string", "maxLength": 12}}}
    for calls in (2, 4):
        first, second = ask(session, schema=short)
        assert first.record.response.text == '{"code": "[secret:K]"}'
        assert (isinstance(second.error, SchemaMismatch), provider.calls) == (True, calls)


def test_failed_answer_fails_again(open_session):
    session, provider = open_session([WRONG])
    for calls in (2, 3, 4):
        assert isinstance(ask(session)[-1].error, SchemaMismatch)
        assert provider.calls == calls


def test_cut_answer_is_asked_for_again_and_not_cached(open_session):
    session, provider = open_session([Reply(('{"name"',), finish_reason="length"), RIGHT])
    assert ask(session)[-1].record.response.text == RIGHT
    assert provider.calls == 2


def test_cached_answer_that_a_new_validator_refuses_is_asked_for_again(open_session):
    old = '{"name": "Methuselah", "age": 969}'
    session, _provider = open_session([old, RIGHT])
    plain = Person.model_json_schema()
    ask(session, schema=plain)
    outcomes = ask(session, schema=Person)
    assert [one.record.cache.status for one in outcomes] == ["hit", "miss"]
    assert Result(outcomes).text == RIGHT


def test_cached_repair_that_a_new_validator_refuses_is_asked_for_anew_and_kept(open_session):
    session, provider = open_session([METHUSELAH, RIGHT, BOY])
    ask_as(session, Person)
    outcomes = ask_as(session, Young)
    assert [one.record.cache.status for one in outcomes] == ["hit", "miss"]
    assert (Result(outcomes).text, outcomes[-1].error) == (BOY, None)
    assert outcomes[1].record.repairs == outcomes[0].record.id
    again = ask_as(session, Young)
    assert [one.record.cache.status for one in again] == ["hit", "hit"]
    assert (Result(again).text, provider.calls) == (BOY, 3)


def test_cached_repair_that_a_new_validator_refuses_fails_where_nobody_may_be_asked(open_session):
    session, provider = open_session([METHUSELAH, RIGHT])
    ask_as(session, Person)
    refused = ask_as(session, Young, cache="only")[-1]
    assert (provider.calls, refused.record.cache.status) == (2, "hit")
    assert isinstance(refused.error, SchemaMismatch)


def test_cached_repair_that_is_refused_and_asked_for_in_vain_fails(open_session):
    session, provider = open_session([METHUSELAH, RIGHT])
    ask_as(session, Person)
    second = ask_as(session, Young)[-1]
    assert (provider.calls, second.record.cache.status) == (3, "miss")
    assert isinstance(second.error, SchemaMismatch)


def test_misfit_that_a_looser_validator_accepts_is_the_answer(open_session):
    session, provider = open_session([RIGHT, BOY])
    ask_as(session, Young)
    [outcome] = ask_as(session, Person)
    assert (outcome.record.cache.status, outcome.record.response.text, provider.calls) == ("hit", RIGHT, 2)


def test_what_another_guard_refused_is_not_cached(open_session, add_guards):
    add_guards("RudeGuard")
    session, provider = open_session(["damn you", "hello", "damn you"])
    settings = session.config({"guard_actions": {"rude": {"output": "reask"}}}).settings
    session.ask("hi", settings=settings)
    statuses = [one.record.cache.status for one in session.ask("hi", settings=settings)]
    assert (statuses, provider.calls) == (["miss", "hit"], 3)
