"""Cases from collections of others: question answering as SQuAD has it, and retrieval as BEIR lays it out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbkit.canonical import sha256
from nbkit.errors import DocumentError
from nbkit.evals.cases import Case
from nbkit.evals.collections import Collection, read_beir, read_rows
from nbkit.types import JsonValue


def is_squad(value: object) -> bool:
    """Whether JSON data looks as SQuAD does.

    >>> is_squad({"version": "v2.0", "data": [{"title": "Rain", "paragraphs": []}]})
    True
    """
    items = value.get("data") if isinstance(value, dict) else None
    return isinstance(items, list) and bool(items) and isinstance(items[0], dict) and "paragraphs" in items[0]


def squad_cases(value: object, *, name: str) -> tuple[Case, ...]:
    """The questions of SQuAD's JSON, of version 1 or 2, in order.

    The context is the paragraph, and its questions are one cluster; `title` is metadata. The same answer given twice
    counts once; a question without an answer (`is_impossible`) has an empty list of them. Raises `DocumentError`.

    >>> asked = {"id": "1", "question": "When?", "answers": [{"text": "May 9", "answer_start": 0}]}
    >>> data = {"data": [{"title": "Rain", "paragraphs": [{"context": "May 9.", "qas": [asked]}]}]}
    >>> squad_cases(data, name="dev.json")[0]
    Case(id='1', input='When?', expected=['May 9'], contexts=('May 9.',), metadata={'title': 'Rain'}, cluster='Rain#0')
    """
    cases: dict[str, Case] = {}
    for place, title, number, context, asked in _questions(value, name):
        name_of = _part(asked, "id", str, place)
        if name_of in cases:
            raise _wrong(place, f"the id {name_of!r} is there twice")
        cases[name_of] = Case(
            name_of,
            _part(asked, "question", str, place),
            _answers(asked, place),
            (context,),
            {"title": title} if title else {},
            f"{title}#{number}" if title else f"#{number}",
        )
    return tuple(cases.values())


def beir_cases(folder: Path) -> tuple[Case, ...]:
    """The judged questions of a folder in BEIR's layout, in the order of its questions.

    The texts of the documents judged relevant are the contexts; `source` in the metadata has all judgements, document
    to grade. `answers` in `queries.jsonl` are what is expected, where they are there. Questions whose one relevant
    document is the same are a cluster. Raises `DocumentError`, as `read_beir` does.
    """
    collection = read_beir(folder)
    rows = read_rows(folder / "queries.jsonl")
    return tuple(_judged(query, rows[query], collection) for query in rows if collection.qrels.get(query))


def _judged(query: str, row: dict[str, Any], collection: Collection) -> Case:
    grades = collection.qrels[query]
    relevant = [name for name, grade in grades.items() if grade > 0]
    answers = row.get("answers")
    expected: JsonValue = list(dict.fromkeys(map(str, answers))) if isinstance(answers, list) else None
    return Case(
        query,
        str(row["text"]),
        expected,
        tuple(collection.documents[name].text for name in relevant if name in collection.documents),
        {"source": dict(grades)},
        relevant[0] if len(relevant) == 1 else None,
    )


def _questions(value: object, name: str) -> Iterator[tuple[str, str, int, str, Any]]:
    """Each question with its place in the file, title, number of its paragraph, and context."""
    for number, article in enumerate(_part(value, "data", list, name)):
        at = f"{name}, data[{number}]"
        title = article.get("title", "") if isinstance(article, dict) else ""
        for paragraph_number, paragraph in enumerate(_part(article, "paragraphs", list, at)):
            inside = f"{at}.paragraphs[{paragraph_number}]"
            context = _part(paragraph, "context", str, inside)
            for question_number, asked in enumerate(_part(paragraph, "qas", list, inside)):
                unnamed = paragraph_number if title else int(sha256(context)[:8], 16)
                yield f"{inside}.qas[{question_number}]", str(title), unnamed, context, asked


def _answers(asked: Any, place: str) -> list[JsonValue]:  # noqa: ANN401 - JSON data
    if asked.get("is_impossible") is True:
        return []
    given = _part(asked, "answers", list, place)
    return list(dict.fromkeys(_part(one, "text", str, f"{place}.answers[{at}]") for at, one in enumerate(given)))


def _part(whole: object, key: str, kind: type, place: str) -> Any:  # noqa: ANN401 - JSON data
    found = whole.get(key) if isinstance(whole, dict) else None
    if not isinstance(found, kind):
        raise _wrong(place, f"it has no `{key}`, or it is no {'text' if kind is str else 'list'}")
    return found


def _wrong(place: str, why: str) -> DocumentError:
    return DocumentError(
        what=f"{place} cannot be used",
        why=why,
        fix="write it as SQuAD does: data, paragraphs, qas, each with id, question, answers",
    )
