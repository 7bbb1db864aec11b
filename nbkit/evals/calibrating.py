"""A judge set against answers that people judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from nbkit.errors import BadSetting
from nbkit.evals.agreement import cohen_kappa, self_agreement
from nbkit.evals.biases import length_bias
from nbkit.evals.calling import FunctionTask
from nbkit.evals.cases import Answer, Case, Score
from nbkit.evals.clustering import places
from nbkit.evals.datasets import Dataset
from nbkit.evals.intervals import estimate
from nbkit.evals.judge_card import PASSED, JudgeCard
from nbkit.evals.judging import Judge
from nbkit.evals.rows import NAMES
from nbkit.evals.running import Pace, run_cases
from nbkit.evals.runs import Pins
from nbkit.evals.tally import Progress
from nbkit.registry import nearest

_TRUE: Final = ("true", "yes", "pass", "good", "right", "correct")
_FALSE: Final = ("false", "no", "fail", "bad", "wrong", "incorrect")


def calibrate(
    judge: Judge,
    data: Dataset,
    *,
    answer: str = "answer",
    label: str = "label",
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> JudgeCard:
    """The judge's card, from a data set whose columns `answer` and `label` hold an answer and what people said of it.

    A label is a truth value, a number from 0 to 1, or for a judge of grades one from 1 to 5. Raises `BadSetting` where
    a column is missing or a label cannot be read, and what would stop every call.
    """
    data = dataclasses.replace(data, cases=_once(data.cases, answer, label))
    labels = {case.id: _label(case, label, judge) for case in data.cases}
    said = {case.id: _answer(case, answer) for case in data.cases}
    cases = {case.id: _judged(case, answer) for case in data.cases}
    # The answers are there; what is paid is the judge's.
    task = FunctionTask(lambda case: Answer(said[case.id], usd=Decimal(0), is_searched=False))
    pins = Pins("labelled answers", None, dataset=data.name, dataset_sha256=data.sha256, cases=len(data.cases))
    pace = Pace(workers=judge.workers)
    run = run_cases(task, [*cases.values()], [judge], pins=pins, pace=pace, on_progress=on_progress)
    scores: dict[str, Score] = {one.case.id: one.scores[judge.name] for one in run.graded if one.answer is not None}
    given = {case: score for case, score in scores.items() if score.value is not None}
    values = {case: score.value or 0.0 for case, score in given.items()}
    pairs = tuple((value >= PASSED, labels[case] >= PASSED) for case, value in values.items())
    clusters = _shared([cases[case] for case in values])
    repeated = {case: score.repeats for case, score in given.items() if len(score.repeats) > 1}
    shared = [name for name, case in zip(clusters, values, strict=True) if case in repeated]
    is_grade = judge.scale == "1-5"
    kappa = (
        cohen_kappa(*_grades(labels, values), weights="quadratic", categories=[1, 2, 3, 4, 5], clusters=clusters)
        if is_grade
        else cohen_kappa(*zip(*pairs, strict=True), categories=[False, True], clusters=clusters)
        if pairs
        else cohen_kappa([], [])
    )
    lengths = [float(len(said[case])) for case in values]
    return JudgeCard(
        judge.identity,
        judge.name,
        judge.rubric,
        judge.model,
        datetime.now(UTC),
        len(values),
        len(data.cases) - len(values),
        estimate([float(one == other) for one, other in pairs], clusters=clusters),
        kappa,
        self_agreement([*repeated.values()], clusters=shared) if repeated else None,
        length_bias([*values.values()], lengths),
        _price(scores),
        pairs,
        clusters,
        length_bias([labels[case] for case in values], lengths),
        judge.scale,
    )


def _once(cases: Sequence[Case], answer: str, label: str) -> tuple[Case, ...]:
    """The cases without copies: the same answer to the same question with the same label is one label."""
    found = {
        (one.input, str(one.expected), one.contexts, _answer(one, answer), str(_column(one, label))): one
        for one in reversed(cases)
    }
    return tuple(reversed(found.values()))


def _shared(cases: Sequence[Case]) -> tuple[int, ...]:
    """The number of what each answer shares: answers to one question are not as many labels as they seem.

    Where all answer one question, they are what the judge is measured on, and each counts.
    """
    inputs = [one.input for one in cases]
    is_told = len(set(inputs)) > 1
    named = [one.cluster or (one.input if is_told else None) for one in cases]
    return tuple(places([0.0] * len(named), named)) if named else ()


def _grades(labels: Mapping[str, float], values: Mapping[str, float]) -> tuple[list[int], list[int]]:
    return [round(1 + 4 * labels[case]) for case in values], [round(1 + 4 * value) for value in values.values()]


def _answer(case: Case, name: str) -> str:
    """The answer that was judged: of a table with questions, answers and labels the answer is what it calls so."""
    if name not in case.metadata and name in NAMES["expected"] and case.acceptable:
        return case.acceptable[0]
    return str(_column(case, name))


def _judged(case: Case, name: str) -> Case:
    """The case without the answer in the place of the right one."""
    return case if name in case.metadata else dataclasses.replace(case, expected=None)


def _column(case: Case, name: str) -> object:
    if name in case.metadata:
        return case.metadata[name]
    near = nearest(name, case.metadata)
    raise BadSetting(
        what=f"the case {case.id!r} has no column {name!r}",
        why=f"its further columns: {', '.join(case.metadata) or 'none'}",
        fix=f"name it: {near!r}" if near else "a judge is measured on rows with a question, an answer and a label",
    )


def _label(case: Case, name: str, judge: Judge) -> float:
    said = _column(case, name)
    text = str(said).strip().casefold()
    if text in _TRUE or said is True:
        return 1.0
    if text in _FALSE or said is False:
        return 0.0
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    value = (number - 1) / 4 if judge.scale == "1-5" else number
    if not 0 <= value <= 1:
        raise BadSetting(
            what=f"the label of the case {case.id!r} cannot be {said!r}",
            why="it is a grade from 1 to 5" if judge.scale == "1-5" else "it is pass or fail, or a number from 0 to 1",
            fix="put it right in the data set",
        )
    return value


def _price(scores: Mapping[str, Score]) -> Decimal | None:
    """What a verdict costs, with what was paid for those that could not be read."""
    costs = [score.usd for score in scores.values() if score.record_ids]
    verdicts = sum(len(score.repeats) for score in scores.values() if score.value is not None)
    known = [usd for usd in costs if usd is not None]
    return sum(known, Decimal(0)) / verdicts if verdicts and len(known) == len(costs) else None
