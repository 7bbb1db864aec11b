"""`json_schema`: a schema by the name of a variable, as JSON, or as fields."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, field_validator

from nbkit.errors import BadSetting
from nbkit.evals.cases import Answer, Case
from nbkit.evals.metrics import resolve
from nbkit.evals.tools import Tools

DICT = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


class Person(BaseModel):
    age: int

    @field_validator("age")
    @classmethod
    def is_of_age(cls, value):
        if value < 18:
            msg = "too young"
            raise ValueError(msg)
        return value


def scores(name, names, *texts):
    [metric] = resolve(f"json_schema:{name}", tools=Tools(names=names))
    return [metric.score(Case("q", "?"), Answer(text)).value for text in texts]


@pytest.mark.parametrize("schema", [DICT, Person, "age int"])
@pytest.mark.parametrize("name", ["Person", "person"])
def test_a_variable_of_the_notebook_is_the_schema(name, schema):
    assert scores(name, {name: schema}, '{"age": 36}', '{"age": "old"}', "{}") == [1.0, 0.0, 0.0]


def test_a_models_own_validators_are_asked():
    assert scores("Person", {"Person": Person}, '{"age": 36}', '{"age": 12}') == [1.0, 0.0]


def test_a_name_that_no_variable_has_is_an_error_that_names_those_there_are():
    with pytest.raises(BadSetting) as raised:
        scores("Nope", {"Person": DICT, "Model": Person, "BaseModel": BaseModel, "rows": [1], "_1": DICT})
    assert raised.value.what == "there is no variable named 'Nope'"
    assert raised.value.why.endswith("; there are Model, Person")
    assert raised.value.fix.endswith("'json_schema:name, age int'")
    with pytest.raises(BadSetting, match="no variable is one"):
        scores("Nope", {})


def test_a_variable_that_is_no_schema_is_refused():
    with pytest.raises(BadSetting, match="list is no schema"):
        scores("rows", {"rows": [1]})
