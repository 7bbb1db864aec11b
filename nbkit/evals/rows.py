"""Cases from the rows of a table, whatever file or object it came from.

| field | column, in any case of letters; the first that is there |
|---|---|
| `input` | input, question, query |
| `expected` | expected, answer, answers, reference, references |
| `contexts` | contexts, context |
| `id` | id, _id |
| `cluster` | cluster |

Every other column is metadata. An empty text as what is expected says that nobody knows, an empty list that there is
no answer. Without a column of ids, a case's id is a hash of its input and contexts: it stays the
same when the rows change places, when the answer is put right, and when a column is added. Rows with the same input and
contexts are told apart by `-2`, `-3`, … in the order of the hashes of all they say.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from nbkit.canonical import canonical_json, sha256
from nbkit.errors import DocumentError
from nbkit.evals.cases import Case
from nbkit.types import JsonValue

Field: TypeAlias = Literal["input", "expected", "contexts", "id", "cluster"]
NAMES: Final[Mapping[Field, tuple[str, ...]]] = MappingProxyType({
    "input": ("input", "question", "query"),
    "expected": ("expected", "answer", "answers", "reference", "references"),
    "contexts": ("contexts", "context"),
    "id": ("id", "_id"),
    "cluster": ("cluster",),
})  # fmt: skip
_ID_CHARS: Final = 16
_MISSING: Final = frozenset(("NAType", "NaTType"))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    place: str
    """Where it stands, for errors: `questions.csv, line 3`."""
    cells: Mapping[str, object]
    """By the name of the column."""


def cases_of(rows: Sequence[Row], *, name: str, is_text: bool = False) -> tuple[Case, ...]:
    """The cases of a table, in its order.

    `is_text`: cells are text, as in CSV, and one that is a JSON array or object is that, but for the input. Raises
    `DocumentError`, with the row and the column, for what cannot be a case's.

    >>> [case] = cases_of([Row("row 1", {"Question": "When?", "answers": ["May 9"], "lang": "en"})], name="table")
    >>> case.input, case.expected, dict(case.metadata), case.id
    ('When?', ['May 9'], {'lang': 'en'}, 'd1a42b8dd454da83')
    """
    if not rows:
        raise DocumentError(
            what=f"{name} has no cases", why="there is no row in it", fix="give it one row for each question"
        )
    columns = columns_of({column: None for row in rows for column in row.cells})
    if "input" not in columns:
        there = ", ".join(map(repr, rows[0].cells)) or "none"
        raise DocumentError(
            what=f"{name} has no column of questions",
            why=f"its columns are {there}",
            fix=f"name one of them {', '.join(NAMES['input'][:-1])} or {NAMES['input'][-1]}",
        )
    return _with_ids([(_case(row, columns, is_text=is_text), row) for row in rows], has_ids="id" in columns)


def columns_of(names: Iterable[str]) -> dict[Field, str]:
    """Which column holds each field, as far as there is one.

    >>> columns_of(["Question", "answer", "lang"])
    {'input': 'Question', 'expected': 'answer'}
    """
    exact = {name: name for name in names}
    folded = {name.strip().lower(): name for name in reversed(exact)}
    found: dict[Field, str] = {}
    for field, known in NAMES.items():
        for where in (exact, folded):
            column = next((where[one] for one in known if one in where), None)
            if column is not None:
                found[field] = column
                break
    return found


def wrong(place: str, column: str, why: str, fix: str) -> DocumentError:
    """The error for a cell that cannot be used."""
    return DocumentError(what=f"{place}, column {column!r}, cannot be used", why=why, fix=fix)


def _case(row: Row, columns: Mapping[Field, str], *, is_text: bool) -> Case:
    cells = {}
    for column, given in row.cells.items():
        try:
            value = _plain(given)
        except TypeError as error:
            raise wrong(row.place, column, str(error), "give text, a number, a list or an object") from None
        is_question = column == columns["input"]
        cells[column] = _read(value) if is_text and isinstance(value, str) and not is_question else value
    own = {field: cells.get(column) for field, column in columns.items()}
    used = set(columns.values())
    return Case(
        id=_label(own.get("id"), row, columns.get("id", "")) or "",
        input=_input(own["input"], row, columns["input"]),
        expected=_expected(own.get("expected")),
        contexts=_contexts(own.get("contexts"), row, columns.get("contexts", "")),
        metadata={column: value for column, value in cells.items() if column not in used},
        cluster=_label(own.get("cluster"), row, columns.get("cluster", "")),
    )


def _plain(given: object) -> JsonValue:  # noqa: PLR0911 - one for each form a value has
    """The value as JSON has it: what pandas and numpy have for nothing is None, and their numbers are plain ones."""
    if hasattr(given, "tolist"):  # numpy's arrays and scalars
        given = given.tolist()
    if given is None or isinstance(given, str | bool | int):
        return given
    if type(given).__name__ in _MISSING or (isinstance(given, float) and math.isnan(given)):
        return None
    if isinstance(given, float) and math.isfinite(given):
        return given
    if isinstance(given, list | tuple):
        return [_plain(one) for one in given]
    if isinstance(given, Mapping):
        return {str(key): _plain(one) for key, one in given.items()}
    if isinstance(given, date | time):
        return given.isoformat()
    if isinstance(given, Decimal):
        return str(given)
    msg = f"{given!r} is no number" if isinstance(given, float) else f"it holds a {type(given).__name__}"
    raise TypeError(msg)


def _read(text: str) -> JsonValue:
    """A cell of text: the list or object that it is, else the text."""
    if text.lstrip()[:1] in ("[", "{"):
        try:
            return _plain(json.loads(text))
        except (ValueError, TypeError, RecursionError):
            return text
    return text


def _input(given: JsonValue, row: Row, column: str) -> str:
    text = str(given) if isinstance(given, int | float) and not isinstance(given, bool) else given
    if not isinstance(text, str):
        why = "it is empty" if given is None else f"it is a {type(given).__name__}, not a question"
        raise wrong(row.place, column, why, "give a text, or leave the row out")
    if not text.strip():
        raise wrong(row.place, column, "it is empty", "give a text, or leave the row out")
    return text


def _expected(given: JsonValue) -> JsonValue:
    if isinstance(given, str) and not given.strip():
        return None
    if isinstance(given, dict) and isinstance(given.get("text"), list) and "answer_start" in given:
        given = given["text"]  # SQuAD as a table has it
    return [one for one in given if one is not None] if isinstance(given, list) else given


def _contexts(given: JsonValue, row: Row, column: str) -> tuple[str, ...]:
    each = [] if given is None else given if isinstance(given, list) else [given]
    texts = [one for one in each if isinstance(one, str)]
    if len(texts) < len(each):
        odd = next(one for one in each if not isinstance(one, str))
        raise wrong(row.place, column, f"it holds a {type(odd).__name__}", "give a text, or a list of texts")
    return tuple(one for one in texts if one.strip())


def _label(given: JsonValue, row: Row, column: str) -> str | None:
    if given is None or given == "":
        return None
    if isinstance(given, bool | list | dict):
        raise wrong(row.place, column, f"it is a {type(given).__name__}", "give a text or a number")
    return str(int(given)) if isinstance(given, float) and given.is_integer() else str(given)


def _with_ids(given: Sequence[tuple[Case, Row]], *, has_ids: bool) -> tuple[Case, ...]:
    return _checked(given) if has_ids else _hashed([case for case, _ in given])


def _checked(given: Sequence[tuple[Case, Row]]) -> tuple[Case, ...]:
    first: dict[str, str] = {}
    for case, row in given:
        if not case.id:
            raise wrong(row.place, "id", "it is empty", "give every row an id, or leave the column out")
        if case.id in first:
            why = f"{case.id!r} is also the id of {first[case.id]}"
            raise wrong(row.place, "id", why, "give every row an id of its own, or leave the column out")
        first[case.id] = row.place
    return tuple(case for case, _ in given)


def _hashed(cases: Sequence[Case]) -> tuple[Case, ...]:
    alike = defaultdict(list)
    for at, case in enumerate(cases):
        alike[sha256(canonical_json([case.input, case.contexts]))[:_ID_CHARS]].append((canonical_json(case), at))
    ids = {}
    for name, same in alike.items():
        for number, (_, at) in enumerate(sorted(same), 1):
            ids[at] = name if number == 1 else f"{name}-{number}"
    return tuple(_named(case, ids[at]) for at, case in enumerate(cases))


def _named(case: Case, name: str) -> Case:
    return Case(name, case.input, case.expected, case.contexts, case.metadata, case.cluster)
