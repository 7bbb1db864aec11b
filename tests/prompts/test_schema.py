from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, PositiveInt

from nbkit.errors import BadSetting
from nbkit.prompts.schema import RULES, example_of, shape_of

WORDS = st.sampled_from(
    ["name", "age", "int", "str", "date", "float", "bool", "?", "[]", "[", "]", ",", " ", "  ", "\n", "ü", "_", "1"]
)


class Node(BaseModel):
    name: str
    children: list[Node] = []
    on: dt.date | None = None


class Colour(enum.Enum):
    RED = "red"


class Painted(BaseModel):
    colour: Colour


class Called(BaseModel):
    then: Callable[[], None]


def schema(given_):
    return json.loads(shape_of(given_).schema)


def test_text_names_fields_and_types():
    found = schema("name, age int, email? str, tags str[], born date, ok bool, score float")
    assert found["required"] == ["name", "age", "tags", "born", "ok", "score"]
    assert found["additionalProperties"] is False
    assert {name: one["type"] for name, one in found["properties"].items()} == {
        "name": "string",
        "age": "integer",
        "email": "string",
        "tags": "array",
        "born": "string",
        "ok": "boolean",
        "score": "number",
    }


def test_brackets_make_a_list():
    found = schema("[name, age int]")
    assert (found["type"], found["items"]["required"]) == ("array", ["name", "age"])


@given(st.text(max_size=80) | st.lists(WORDS, max_size=14).map("".join))
@settings(max_examples=400)
def test_any_text_is_a_schema_or_a_bad_setting(text):
    try:
        found = shape_of(text)
    except BadSetting as error:
        assert str(error).count("\n") == 2  # noqa: PT017 - either is right
        return
    Draft202012Validator.check_schema(json.loads(found.schema))


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.floats()
        | st.text(max_size=8)
        | st.sampled_from(["$ref", "#", "#/a", "http://x", "object"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["$ref", "type", "properties", "items", "anyOf", "pattern", "$id", "$defs", "a"])
                | st.integers(),
                inner,
            )
        ),
        max_leaves=12,
    ).filter(lambda one: isinstance(one, dict))
)
@settings(max_examples=400, deadline=None)
def test_any_dict_is_a_schema_that_can_be_used_or_a_bad_setting(given_):
    try:
        found = shape_of(given_)
    except BadSetting:
        return
    Draft202012Validator(json.loads(found.schema)).is_valid({"a": 1})
    json.loads(example_of(found.schema))


@pytest.mark.parametrize(
    "given_",
    ["", "   ", "name,", ",", "name strin", "age int int", "name, name", "1st", "[name", "name int[] []", "{}"],
)
def test_text_that_is_none_says_what_one_is(given_):
    with pytest.raises(BadSetting, match="no field") as raised:
        shape_of(given_)
    assert "--schema 'name, age int" in raised.value.fix


@pytest.mark.parametrize("given_", [3, None, Node(name="x"), list[Node], int, ["name"]])
def test_what_is_no_schema_says_what_one_is(given_):
    with pytest.raises(BadSetting, match="is no schema"):
        shape_of(given_)


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        ({"$ref": "https://example.org/s.json"}, "refers to 'https://example.org/s.json'"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "refers to 'file:///etc/passwd'"),
        ({"$id": "http://example.org/a", "items": {"$ref": "b.json"}}, "refers to 'b.json'"),
        ({"$dynamicRef": "HTTP://example.org"}, "refers to 'HTTP://example.org'"),
        ({"$ref": "#/$defs/Missing"}, "refers to '#/$defs/Missing'"),
        ({"$ref": "#"}, "itself without end"),
        ({"description": "x" * 20_001}, "characters"),
    ],
)
def test_schema_that_no_answer_could_be_held_against_is_refused_before_paying(given_, why):
    with pytest.raises(BadSetting) as raised:
        shape_of(given_)
    assert raised.value.what == "the schema cannot be used"
    assert why in raised.value.why


@pytest.mark.parametrize(
    "given_",
    [{"type": "objekt"}, {"pattern": "("}, {"maximum": float("nan")}, {"a": object()}, {1: "x"}, {"required": "name"}],
)
def test_dict_that_is_no_json_schema_is_refused(given_):
    with pytest.raises(BadSetting, match="no JSON Schema"):
        shape_of(given_)


def test_model_without_a_schema_is_refused():
    with pytest.raises(BadSetting, match="the model Called has no JSON Schema"):
        shape_of(Called)


def test_model_that_holds_itself_is_a_schema():
    assert schema(Node)["$ref"] == "#/$defs/Node"
    assert shape_of(Painted).check({"colour": "red"}) is None
    assert "colour" in shape_of(Painted).check({"colour": "blue"})


def test_the_same_schema_is_the_same_text_however_it_is_written():
    one, other = {"type": "object", "required": ["a"]}, {"required": ["a"], "type": "object"}
    assert shape_of(one) == shape_of(other)


def test_rules_hold_the_schema():
    shape = shape_of("name")
    assert shape.rules == f"{RULES}\n{shape.schema}"
    assert shape.check is None


def test_what_validators_refuse_is_named_by_field_and_not_quoted():
    said = shape_of(Node).check({"name": "secret-value", "on": "tomorrow-secret", "children": [{"name": 3}]})
    assert said == "the model Node refuses children.0.name, on"


def test_given_dict_is_not_changed():
    given_ = {"type": "object"}
    shape_of(given_)
    assert given_ == {"type": "object"}


@pytest.mark.parametrize("given_", ["name, age? int, tags str[], born date, ok bool, x float", "[a, b int]", Painted])
def test_example_fits_its_schema(given_):
    shape = shape_of(given_)
    assert Draft202012Validator(json.loads(shape.schema)).is_valid(json.loads(example_of(shape.schema)))


def test_example_of_a_form_that_holds_itself_is_short():
    many = {f"child{number}": {"$ref": "#/$defs/n"} for number in range(20)}
    schema_ = {"$defs": {"n": {"type": "object", "properties": many}}, "$ref": "#/$defs/n"}
    assert len(example_of(shape_of(schema_).schema)) < 1_000


def test_a_model_refuses_without_the_names_that_the_answer_made_up():
    class Ages(BaseModel):
        ages: dict[str, PositiveInt]

    assert (
        shape_of(Ages).check({"ages": {"jane@example.org": -1}}) == "the model Ages refuses ages.a field that it names"
    )
