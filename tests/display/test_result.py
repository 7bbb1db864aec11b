from __future__ import annotations

import dataclasses
import json
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.canonical import from_plain
from nbkit.display.result import Result, read_json
from nbkit.display.rows import carried, record_row
from nbkit.errors import NbkitError
from nbkit.recorded import RECORD_MIME, Outcome, Record
from nbkit.types import Cost, Response, Usage


@pytest.fixture
def answered(record):
    def make(text, form="md", **changes):
        plain = record()
        request = dataclasses.replace(plain.request, format=form)
        response = dataclasses.replace(plain.response, text=text)
        return Outcome(record(request=request, response=response, **changes))

    return make


def of(gallery, name):
    found = gallery[name]
    return Result([Outcome(one) for one in (found if isinstance(found, list) else [found])])


def test_one_answer_has_its_text_figures_and_record(answered, record):
    result = Result([answered("2, 3 and 5.")])
    assert str(result) == result.text == "2, 3 and 5."
    assert result.samples == ("2, 3 and 5.",)
    assert result.cost == Decimal("0.000123")
    assert result.usage == Usage(1234, 56, cached_input_tokens=512)
    assert (result.cached, result.saved) == (False, Decimal(0))
    assert result.record == result.records[0]
    assert result.request == result.record.request
    assert len(result.verdicts) == 4


def test_repr_is_one_line(gallery):
    for name in gallery:
        assert "\n" not in repr(of(gallery, name))
    assert repr(of(gallery, "hit")) == "<Result ok 'gpt-4o-mini' 11 chars, $0, 6.1 ms, cached>"


def test_costs_of_samples_add_up_and_one_unknown_makes_all_unknown(answered):
    assert Result([answered("a"), answered("b")]).cost == Decimal("0.000246")
    assert Result([answered("a"), answered("b", cost=Cost(None))]).cost is None


def test_savings_are_of_hits_alone(gallery):
    assert of(gallery, "hit").saved == Decimal("0.000123")
    assert of(gallery, "hit").cached
    assert of(gallery, "samples").saved == Decimal("0.000123")
    assert not of(gallery, "samples").cached


def test_results_are_equal_when_their_records_are_and_cannot_be_changed(gallery):
    result = of(gallery, "hit")
    assert result == of(gallery, "hit") != of(gallery, "live-call")
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.records = ()


def test_a_result_is_made_of_something():
    with pytest.raises(ValueError, match="at least one"):
        Result([])


@pytest.mark.parametrize(
    "text",
    ['{"a": [1]}', '  {"a": [1]}\n', '```json\n{"a": [1]}\n```', 'Here it is [1]:\n```\n{"a": [1]}\n```\nBye',
     'Sure: {"a": [1]} enough?', 'I {think}: {"a": [1]}'],
)  # fmt: skip
def test_json_is_found_wherever_models_put_it(text):
    assert read_json(text) == {"a": [1]}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_json_comes_back_as_it_was(value):
    assert read_json(json.dumps(value)) == value
    assert read_json(f"```json\n{json.dumps(value, indent=1)}\n```") == value


@pytest.mark.parametrize(
    ("text", "why"), [('{"a": 1,\n "b": }', "line 2, column 7"), ("", "line 1, column 1"), ("NaN", "no NaN")]
)
def test_json_that_cannot_be_read_is_three_lines_with_the_position(text, why):
    with pytest.raises(NbkitError) as raised:
        read_json(text)
    assert why in raised.value.why
    assert str(raised.value).count("\n") == 2


def test_deep_nesting_is_an_error_on_purpose():
    with pytest.raises(NbkitError):
        read_json("[" * 100_000)


def test_error_of_json_holds_nothing_of_the_answer():
    with pytest.raises(NbkitError) as raised:
        read_json("sk-secret-value {")
    assert "sk-secret" not in str(raised.value)


def test_rich_form_is_the_answer_in_its_format(answered):
    assert Result([answered("*x*")])._repr_mimebundle_() == {"text/markdown": "*x*", "text/plain": "*x*"}
    assert "text/html" in Result([answered("*x*", form="text")])._repr_mimebundle_()


def test_rich_form_of_a_failed_call_is_its_error(gallery):
    assert of(gallery, "blocked")._repr_mimebundle_()["text/plain"].startswith("Blocked: the prompt was not sent")


def test_frame_has_a_row_for_each_sample(gallery):
    frame = of(gallery, "samples").to_frame()
    assert list(frame["status"]) == ["ok", "ok", "ok", "error", "ok"]
    assert frame["cost_usd"].isna().sum() == 1


def test_frame_of_a_table_has_its_rows(answered):
    frame = Result([answered("Here:\n\n| a | b |\n|---|---|\n| 1 | x |", form="table")]).to_frame()
    assert frame.to_dict("list") == {"a": ["1"], "b": ["x"]}


def test_frame_of_json_has_a_row_for_each_object_and_a_column_for_the_sample(answered):
    frame = Result(
        [answered('[{"a": 1}, {"a": 2}]', form="json"), answered('{"rows": [{"a": 3}]}', form="json")]
    ).to_frame()
    assert frame.to_dict("list") == {"sample": [0, 0, 1], "a": [1, 2, 3]}


def test_frame_without_a_table_is_an_error_on_purpose(answered):
    with pytest.raises(NbkitError, match="no table"):
        Result([answered("none", form="table")]).to_frame()


def test_frame_without_pandas_names_the_install_command(answered, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(NbkitError) as raised:
        Result([answered("x")]).to_frame()
    assert raised.value.fix == 'pip install "jupyter-nbkit[data]"'


def test_carried_records_come_back_and_lose_their_text_when_it_is_not_kept(record):
    assert RECORD_MIME.endswith("+json")
    (whole,) = carried([record()], keeps_content=True)
    assert from_plain(Record, whole) == record()
    (bare,) = carried([record()], keeps_content=False)
    assert "primes" not in json.dumps(bare)
    assert "2, 3" not in json.dumps(bare)
    kept = from_plain(Record, bare)
    assert (kept.cost, kept.prompt_sha256, kept.response.usage) == (
        record().cost,
        record().prompt_sha256,
        record().response.usage,
    )


def test_rows_of_all_records_have_the_same_columns(gallery, record):
    columns = set(record_row(record()))
    assert all(set(record_row(one)) == columns for one in (gallery["blocked"], gallery["error"], gallery["hit"]))
    assert isinstance(record().response, Response)
