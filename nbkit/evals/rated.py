"""Answers that a person rated, as cases of a data set."""

from __future__ import annotations

from nbkit.errors import BadSetting
from nbkit.evals.cases import Case
from nbkit.evals.datasets import Dataset
from nbkit.marks import question_start
from nbkit.recorded import Record
from nbkit.session import Session
from nbkit.types import JsonValue

GOOD = 0.5


def rated(session: Session) -> Dataset:
    """The rated answers of the record store, oldest first: `@rated` where a data set is named.

    `input` is the question as it was recorded, `expected` an answer that was rated 0.5 or better, and nothing where it
    was rated worse. `metadata` has `rating`, `note` and `answer`, so that a judge can be measured against the ratings.
    Raises `BadSetting` where nothing is rated, or no text was kept.
    """
    cases = []
    for record_id, rating in session.ledger.ratings().items():
        record = session.ledger.find(record_id)
        asked = "" if record is None else _question(record)
        if record is None or record.response is None or not asked:
            continue
        answer = record.response.text
        metadata: dict[str, JsonValue] = {"rating": rating.score, "note": rating.note, "answer": answer}
        cases.append(Case(record_id[:8], asked, answer if rating.score >= GOOD else None, metadata=metadata))
    if not cases:
        raise BadSetting(
            what="there is no rated answer to evaluate on",
            why="no answer was rated, or their texts were not kept",
            fix="%cost rate 👍 after an answer, with the setting records.content",
        )
    return Dataset("rated", tuple(cases))


def _question(record: Record) -> str:
    if record.request is None or not record.request.messages:
        return ""
    said = record.request.messages[-1].content
    return said[question_start(said, record.request) :]
