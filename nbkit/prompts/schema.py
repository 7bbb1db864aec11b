"""What an answer has to look like, from how a reader says it: a pydantic model, a JSON Schema, or `name, age int`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from nbkit.canonical import canonical_json
from nbkit.errors import BadSetting

_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
}
_FIELD: Final = re.compile(r"(?P<name>[^\W\d]\w*)(?P<optional>\?)?(?:\s+(?P<type>[a-z]+)(?P<many>\[\])?)?")
_WHOLE: Final = re.compile(r"\[(?P<fields>.*)\]", re.DOTALL)
RULES = "Answer with JSON alone, without any text around it, that fits this JSON Schema:"
_MOST_CHARS = 20_000
_MOST_DEPTH = 8
_DATE = "2025-01-31"


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema, ready to be sent and to be checked."""

    schema: str
    """JSON Schema as canonical text: part of the request, and so of the cache's key."""
    model: Any = None
    """The pydantic model it came from, whose own validators are asked too; None for others."""

    @property
    def rules(self) -> str:
        """What the model is told."""
        return f"{RULES}\n{self.schema}"

    @property
    def check(self) -> Callable[[Any], str | None] | None:
        """Says of JSON data what the model's own validators refuse, by field; None without a model."""
        return None if self.model is None else self._refused

    def _refused(self, value: Any) -> str | None:  # noqa: ANN401 - JSON data
        try:
            # As JSON and not as Python data: a strict model takes a date from text in JSON alone.
            self.model.model_validate_json(json.dumps(value))
        except ValueError as error:
            errors = getattr(error, "errors", None)
            rows = errors(include_input=False, include_url=False) if errors is not None else []
            places = [".".join(map(self._named, row["loc"])) or "the whole" for row in rows[:3]]
            return f"the model {self.model.__name__} refuses {', '.join(places) or 'it'}"
        return None

    def _named(self, part: str | int) -> str:
        """A part of a place: by the schema's name; the answer's own may be anything."""
        return str(part) if isinstance(part, int) or json.dumps(part) in self.schema else "a field that it names"


def shape_of(given: object) -> Shape:
    r"""The shape that a pydantic model, a JSON Schema or a short text stands for; raises `BadSetting`.

    Short texts name fields, each with a type (str when left out, int, float, bool, date, `[]` for several of it), `?`
    for one that may be missing; in brackets it is a list of such objects.

    >>> shape_of("[name, age? int, tags str[]]").schema[:60]
    '{"items":{"additionalProperties":false,"properties":{"age":{'
    """
    if isinstance(given, str):
        return Shape(canonical_json(_read(given)))
    if isinstance(given, Mapping):
        return _checked(dict(given), None)
    made = getattr(given, "model_json_schema", None)
    if isinstance(given, type) and callable(made):
        return _checked(_of_model(given, made), given)
    raise BadSetting(
        what=f"{type(given).__name__} is no schema",
        why="a schema is a pydantic model, a dict with a JSON Schema, or a text that names fields",
        fix="--schema Person, with a class of that name, or --schema 'name, age int'",
    )


def shape_named(given: str, names: Mapping[str, Any], *, taker: str = "--schema") -> Shape:
    """The shape of a variable of this name, else that of a short text; raises `BadSetting` for a name that is none.

    A word that begins with a capital letter is a name and no field. `taker`: what takes it, for the error.

    >>> shape_named("age int", {}).schema == shape_named("Age", {"Age": "age int"}).schema
    True
    """
    if given in names:
        return shape_of(names[given])
    if given.isidentifier() and given[:1].isupper():
        there = ", ".join(sorted(name for name, one in names.items() if not name.startswith("_") and _is_schema(one)))
        raise BadSetting(
            what=f"there is no variable named {given!r}",
            why=f"{taker} takes a pydantic model or a dict by its name, or the fields themselves; "
            + (f"there are {there}" if there else "no variable is one"),
            fix=f"define it in a cell above, or name the fields: {_with(taker, 'name, age int')}",
        )
    return shape_of(given)


def _is_schema(value: object) -> bool:
    is_model = isinstance(value, type) and callable(getattr(value, "model_json_schema", None))
    # That all models are made of is none itself.
    return (is_model and bool(getattr(value, "model_fields", None))) or (
        isinstance(value, Mapping) and bool({"type", "properties", "$ref", "anyOf", "enum"} & {*value})
    )


def _with(taker: str, fields: str) -> str:
    return f"{taker} '{fields}'" if taker.startswith("-") else f"'{taker}:{fields}'"


def _of_model(model: type, made: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it makes
    try:
        return made()
    except (RuntimeError, TypeError, ValueError) as error:
        raise BadSetting(
            what=f"the model {model.__name__} has no JSON Schema",
            why=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
            fix="leave out fields that JSON has nothing for, such as functions",
        ) from None


def example_of(schema: str) -> str:
    """A value of the schema's form, to be shown to a model that has missed it; what it says means nothing.

    >>> example_of(shape_of("[name, age int, tags str[]]").schema)
    '[{"age": 0, "name": "text", "tags": ["text"]}]'
    """
    whole = json.loads(schema)
    return json.dumps(_example(whole, whole.get("$defs", {}), depth=0), ensure_ascii=False)


def _example(schema: Any, defs: Mapping[str, Any], *, depth: int) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(schema, Mapping) or depth > _MOST_DEPTH:
        return "text"
    given = [schema[name] for name in ("const", "default") if name in schema] + list(schema.get("enum") or ())[:1]
    if given:
        return given[0]
    other = [schema[name][0] for name in ("anyOf", "oneOf", "allOf") if schema.get(name)]
    if "$ref" in schema:
        named = str(schema["$ref"]).rpartition("/")[2]
        other.append(defs.get(named, {}))
        # Once is enough: a form that holds itself several times would grow without measure.
        defs = {name: form for name, form in defs.items() if name != named}
    if other:
        return _example(other[0], defs, depth=depth + 1)
    if "properties" in schema:
        return {name: _example(field, defs, depth=depth + 1) for name, field in schema["properties"].items()}
    if schema.get("type") == "array":
        return [_example(schema.get("items", {}), defs, depth=depth + 1)]
    return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    kind, least = str(schema.get("type")), schema.get("minimum", 0)
    is_date = schema.get("format") == "date" or schema.get("pattern") == _TYPES["date"]["pattern"]
    values = {"integer": least, "number": least, "boolean": True, "null": None, "object": {}}
    return values.get(kind, _DATE if is_date else "text")


def _checked(schema: Any, model: Any) -> Shape:  # noqa: ANN401 - whatever somebody calls a schema
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        text = canonical_json(schema)
        plain = json.loads(text)
        Draft202012Validator.check_schema(plain)
    except (SchemaError, TypeError, ValueError, RecursionError) as error:
        raise BadSetting(
            what="the schema is no JSON Schema",
            why=str(getattr(error, "message", error))[:200],
            fix="mend it, or name fields: --schema 'name, age int'",
        ) from None
    reason = f"it has {len(text):,} characters" if len(text) > _MOST_CHARS else _unusable(plain, text)
    if reason is not None:
        raise BadSetting(
            what="the schema cannot be used",
            why=reason,
            fix="put all of it into one schema, with $defs, and leave descriptions short",
        )
    return Shape(text, model)


def _unusable(schema: Any, text: str) -> str | None:  # noqa: ANN401 - JSON data
    """Why no answer could be held against the schema; asked before one is paid for."""
    from jsonschema import Draft202012Validator
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    registry = Registry().with_resource("", DRAFT202012.create_resource(schema))
    resolver = registry.resolver()
    try:
        for reference in _references(schema):
            if not reference.startswith("#"):
                return f"it refers to {reference[:80]!r}, which is not in it"
            resolver.lookup(reference)
        found = Draft202012Validator(json.loads(text), registry=registry)
        for sample in ("null", "{}", "[]"):
            found.is_valid(json.loads(sample))
    except Unresolvable:
        return f"it refers to {reference[:80]!r}, which is not in it"
    except RecursionError:
        return "it refers to itself without end"
    return None


def _references(schema: Any) -> Iterator[str]:  # noqa: ANN401 - JSON data
    waiting = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from (one[name] for name in ("$ref", "$dynamicRef") if isinstance(one.get(name), str))
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _read(text: str) -> dict[str, Any]:
    whole = _WHOLE.fullmatch(text.strip())
    parts = [part.strip() for part in (whole["fields"] if whole else text).split(",")]
    found = [_FIELD.fullmatch(part) for part in parts]
    properties: dict[str, Any] = {}
    for part, field in zip(parts, found, strict=True):
        if field is None or (field["type"] or "str") not in _TYPES or field["name"] in properties:
            raise BadSetting(
                what=f"the schema {text[:80]!r} cannot be read",
                why=f"{part[:40]!r} is no field: a name, then one of {', '.join(_TYPES)}",
                fix="--schema 'name, age int, email? str, tags str[]', or in brackets for a list of such objects",
            )
        one = dict(_TYPES[field["type"] or "str"])
        properties[field["name"]] = {"type": "array", "items": one} if field["many"] else one
    needed = [field["name"] for field in found if field is not None and not field["optional"]]
    row = {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
    return {"type": "array", "items": row} if whole else row
