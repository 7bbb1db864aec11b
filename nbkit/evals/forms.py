"""Whether an answer has the form of a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nbkit.evals.cases import NOTHING, Answer, Case, Metric, Score
from nbkit.evals.tools import FunctionMetric, MetricOptions
from nbkit.guards.schema import SchemaGuard
from nbkit.prompts.schema import Shape, shape_named, shape_of
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Request


def json_schema(options: MetricOptions) -> Metric:
    """1 where the answer is JSON that fits a schema; a code fence around it may be.

    The schema is the parameter: a variable of the notebook that is a pydantic model or a dict, JSON, or fields as
    `--schema` takes them; without one, what the case expects, where that is an object. Raises `BadSetting` for a name
    that no variable has.

    >>> fits = json_schema(MetricOptions("json_schema", "name, age int"))
    >>> fits.score(Case("q", "Who?"), Answer('{"name": "Ada"}')).note
    'age is missing'
    """
    given = _shape(options.parameter, options.tools.names) if options.parameter else None

    def fits(case: Case, answer: Answer) -> Score:
        shape = given
        if shape is None:
            if not isinstance(case.expected, dict):
                return NOTHING
            shape = shape_of(case.expected)
        request = Request("", "", (), schema=shape.schema)
        guard = SchemaGuard(GuardOptions(SecretRegistry()), check=shape.check)
        verdict = guard.screen(answer.text, stage="output", request=request).verdict
        return Score(float(verdict.action == "allow"), note=verdict.reason)

    return FunctionMetric(options.name, fits)


def _shape(text: str, names: Mapping[str, object]) -> Shape:
    try:
        given = json.loads(text)
    except ValueError:
        return shape_named(text, names, taker="json_schema")
    return shape_of(given)
