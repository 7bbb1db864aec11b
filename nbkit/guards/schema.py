"""Answers that have to fit a schema: read as JSON, held against it, and asked for once more where they do not."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, NoReturn

from nbkit.canonical import map_text
from nbkit.protocols import GuardOptions
from nbkit.pseudonyms import Pseudonyms
from nbkit.types import Action, Request, Screened, Stage, Verdict

_NAMES: Final[Mapping[type, str]] = MappingProxyType({
    str: "text", bool: "true or false", int: "a number", float: "a number", dict: "an object", list: "a list",
    type(None): "null",
})  # fmt: skip
_MOST_PATH_CHARS = 80
_UNNAMED: Final = "a field that it names"


class SchemaGuard:
    """Holds an answer against the schema of its request; without one it has nothing to say.

    `check` is asked of what fits, and says what else is wrong with it. What stands for a value of the request by
    `replaced` is held against the schema as that value.

    >>> from nbkit.secrets import SecretRegistry
    >>> guard = SchemaGuard(GuardOptions(SecretRegistry()))
    >>> asked = Request("echo", "echo", (), schema='{"type":"object","required":["age"]}')
    >>> guard.screen('{"name": "Ada"}', stage="output", request=asked).verdict.reason
    'age is missing'
    """

    name: ClassVar[str] = "schema"
    stages: ClassVar[tuple[Stage, ...]] = ("output",)
    standard: ClassVar[Mapping[Stage, Action]] = MappingProxyType({"output": "reask"})
    strict: ClassVar[Mapping[Stage, Action]] = MappingProxyType({"output": "reask"})

    def __init__(
        self,
        options: GuardOptions,
        *,
        check: Callable[[Any], str | None] | None = None,
        replaced: Pseudonyms | None = None,
    ) -> None:
        self._options = options
        self._action: Action = options.actions.get("output", self.standard["output"])
        self._check = check
        self._replaced = replaced

    def checking(self, check: Callable[[Any], str | None]) -> SchemaGuard:
        """The same guard for one call, whose answers are held against more than a schema can say."""
        return SchemaGuard(self._options, check=check, replaced=self._replaced)

    def knowing(self, replaced: Pseudonyms) -> SchemaGuard:
        """The same guard for one call, whose request had values replaced."""
        return SchemaGuard(self._options, check=self._check, replaced=replaced)

    def screen(self, text: str, *, stage: Stage, request: Request) -> Screened:
        """The text unchanged, and where it does not fit."""
        reason = None if request.schema is None else self._misfit(text, request.schema)
        return Screened(text, Verdict(self.name, stage, self._action if reason else "allow", reason or ""))

    def open(self, request: Request) -> SchemaStream:
        """A new stream: all of it may be shown while it arrives, for nothing in it is taken out."""
        return SchemaStream(self, request)

    def _misfit(self, text: str, schema: str) -> str | None:
        try:
            value = json.loads(_bare(text), parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            return f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        except (ValueError, RecursionError):
            return "it is not JSON that can be read"
        try:
            if self._replaced is not None:
                value = map_text(value, self._replaced.restore)
            first = next(iter(sorted(validator(schema).iter_errors(value), key=_depth)), None)
            if first is not None:
                return _said(first, _place(first.absolute_path, schema))
            return self._check(value) if self._check is not None else None
        except RecursionError:
            return "it is nested too deeply"


class SchemaStream:
    """One answer in pieces."""

    def __init__(self, guard: SchemaGuard, request: Request) -> None:
        self._guard = guard
        self._request = request
        self._pieces: list[str] = []

    def feed(self, text: str) -> str:
        """The piece as it is."""
        self._pieces.append(text)
        return text

    def finish(self) -> Screened:
        """The verdict on the whole."""
        whole = self._guard.screen("".join(self._pieces), stage="output", request=self._request)
        return Screened("", whole.verdict)


def _bare(text: str) -> str:
    """The text without the code fence that models put around JSON."""
    lines = text.strip().splitlines()
    is_fenced = len(lines) > 1 and lines[0].startswith("```") and lines[-1].strip() == "```"
    return "\n".join(lines[1:-1]) if is_fenced else text


def _no_constant(name: str) -> NoReturn:
    msg = f"JSON has no {name}"
    raise ValueError(msg)


@functools.lru_cache(maxsize=64)
def validator(schema: str) -> Any:  # noqa: ANN401 - untyped library
    """What holds JSON data against a schema, given as canonical text; it fetches nothing that the schema refers to.

    >>> validator('{"type":"integer"}').is_valid(3)
    True
    """
    from jsonschema import Draft202012Validator
    from referencing import Registry

    return Draft202012Validator(json.loads(schema), registry=Registry())


def _depth(error: Any) -> tuple[int, str]:  # noqa: ANN401 - the library's
    return len(error.absolute_path), str(error.validator)


def _place(path: Iterable[str | int], schema: str) -> str:
    """The place by the names that the schema gives; a field that the answer named may be called anything."""
    names = (str(part) if isinstance(part, int) or json.dumps(part) in schema else _UNNAMED for part in path)
    return ".".join(names)[:_MOST_PATH_CHARS] or "the whole"


def _said(error: Any, place: str) -> str:  # noqa: ANN401, PLR0911 - the library's; one for each rule
    """What is wrong, by place and rule: never with the answer's own words."""
    found = _NAMES.get(type(error.instance), "something else")
    wanted = error.validator_value
    match error.validator:
        case "required":
            missing = [str(name) for name in wanted if name not in error.instance]
            return f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing" + (
                "" if place == "the whole" else f" in {place}"
            )
        case "type" | "anyOf" if _kinds(error):
            return f"{place} is {found}, not {_kinds(error)}"
        case "additionalProperties":
            return f"{place} has a field that the schema does not name"
        case "enum" | "const":
            return f"{place} is none of the values that the schema names"
        case None:
            return "something is there that the schema does not allow"
        case "pattern" | "format":
            return f"{place} is not written as {str(wanted)[:_MOST_PATH_CHARS]}"
        case rule:
            return f"{place} breaks the rule {rule!r}" + (f" ({wanted})" if isinstance(wanted, int | float) else "")


def _kinds(error: Any) -> str:  # noqa: ANN401 - the library's
    """The types of which a value should be one; empty where more than its type is asked of it."""
    if error.validator == "anyOf":
        each = [one.validator_value if one.validator == "type" and not one.path else "" for one in error.context]
        return " or ".join(map(str, each)) if all(each) else ""
    return error.validator_value if isinstance(error.validator_value, str) else " or ".join(error.validator_value)
