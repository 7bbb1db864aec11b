"""Evaluations for code and cells: a prompt or a function over a data set, with metrics, kept and compared."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nbkit.display.evaluated import Evaluated
from nbkit.display.judges import CardDrawing
from nbkit.display.origin import origin
from nbkit.display.power import Power
from nbkit.errors import BadSetting
from nbkit.evals.asking import FunctionTask, PromptTask, Task
from nbkit.evals.cases import Case
from nbkit.evals.gates import check, refuse_alone, refuse_uncalibrated, refuse_unmeasured
from nbkit.evals.judge_card import JudgeCard
from nbkit.evals.judging import Judge, Pairwise, Scale
from nbkit.evals.kept import KeptRuns
from nbkit.evals.metrics import Wanted, resolve
from nbkit.evals.plans import Plan, pins_of, refuse_counts
from nbkit.evals.running import Pace, Progress, run_cases
from nbkit.evals.runs import Run
from nbkit.evals.shown import Sieve
from nbkit.evals.tools import Tools
from nbkit.pricing.table import table_of
from nbkit.session import Session, current

if TYPE_CHECKING:
    from nbkit.evals.datasets import Dataset
    from nbkit.setting import Settings

_OF_TEXT = ("exact_match", "f1")
_OF_RAG = ("citation_precision", "citation_recall", "groundedness")
_OF_ALL = ("latency", "cost")
ASKED_BY = "NBKIT_ASKED_BY"
"""Variable that tells a kernel which command executes its notebook."""


def carry_out(
    session: Session,
    task: Task,
    plan: Plan,
    *,
    settings: Settings,
    is_rag: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Evaluated:
    """The evaluation, whole; gates are left to `pass_or_raise`, since it is drawn first.

    Raises what would stop every case, `BadSetting` for a metric or a baseline that is not there, `KeyboardInterrupt`.
    """
    refuse_counts(plan)
    metrics = resolve(list(plan.metrics) or default_metrics(plan.data, is_rag=is_rag), tools=_tools(session, settings))
    names = [one.name for one in metrics]
    refuse_unmeasured(names, plan.least, option="--fail-under")
    refuse_unmeasured(names, plan.tolerance, option="--tolerance")
    refuse_alone(plan.tolerance, plan.baseline)
    shown = sieve(session, settings)
    kept = KeptRuns(session.keeping_home, sieve=shown)
    try:
        cards = {one.name: kept.card(one.identity) for one in metrics if isinstance(one, Judge | Pairwise)}
        refuse_uncalibrated(cards, plan.least, plan.tolerance)
        baseline = kept.find(plan.baseline, is_whole=True) if isinstance(plan.baseline, str) else plan.baseline
        pins = pins_of(task, plan, metrics, settings=settings, prices_as_of=table_of(session.home).as_of)
        with session.one_cell(settings.budget_cell):
            run = run_cases(
                task,
                plan.data.cases,
                metrics,
                pins=pins,
                name=plan.name,
                kept=kept,
                pace=plan.pace,
                asked_by=session.environment.get(ASKED_BY, ""),
                on_progress=on_progress,
            )
    finally:
        kept.close()
    return Evaluated(run, baseline=baseline, cards=cards, sieve=shown)


def pass_or_raise(found: Evaluated, plan: Plan) -> None:
    """Raises `EvaluationFailed` where the run does not reach what was asked of it."""
    if plan.least or plan.tolerance:
        check(found.run, least=plan.least, baseline=found.baseline, tolerance=plan.tolerance)


def evaluate(  # noqa: PLR0913 - all by name
    task: str | Callable[[Case], object],
    data: object,
    metrics: Sequence[Wanted] | Wanted = (),
    *,
    index: str | None = None,
    name: str = "",
    limit: int | None = None,
    samples: int = 1,
    baseline: str | Evaluated | None = None,
    fail_under: Mapping[str, float] | None = None,
    tolerance: Mapping[str, float] | None = None,
    workers: int | None = None,
    per_minute: float | None = None,
    **own: object,
) -> Evaluated:
    """A prompt, or a function, over a data set: each answer scored, each mean with its interval.

    `task`: a prompt with `{{ input }}` in it, asked through guards, cache and records as every other call, or a
    function from a `Case` to a text, to what `nbkit.ask` gives, or to an `Answer`. `data`: what `nbkit.dataset` takes.
    `metrics`: names such as `f1` or `recall@5`, functions `(case, answer) -> float`, `nbkit.judge(...)`. `index`: the
    prompt is a question to this index, as in a `%%rag` cell. `own`: settings such as `model` and `temperature`.
    `baseline`: a run to compare with. `fail_under`, `tolerance`: limits by metric; raises `EvaluationFailed` beyond
    them. A run that was stopped goes on where it was. Cases without an answer are errors, and in no mean.

    >>> rows = [{"input": "2 + 2", "expected": "4"}, {"input": "3 + 3", "expected": "6"}]
    >>> found = evaluate(lambda case: str(eval(case.input)), rows, ["exact_match"])
    >>> found["exact_match"].mean, found["exact_match"].n
    (1.0, 2)
    """
    from nbkit.evals.datasets import dataset

    session = current()
    in_force = session.config({"rag_index": index, **own} if index else own).settings
    made: Task
    if isinstance(task, str):
        made = PromptTask(session, task, in_force, names={}, origin=origin(), is_rag=index is not None)
    else:
        made = FunctionTask(task)
    plan = Plan(
        limited(dataset(data), limit),
        [metrics] if isinstance(metrics, str) or not isinstance(metrics, Sequence) else metrics,
        name,
        samples,
        Pace(workers, per_minute),
        baseline.run if isinstance(baseline, Evaluated) else baseline,
        fail_under or {},
        tolerance or {},
    )
    found = carry_out(session, made, plan, settings=in_force, is_rag=index is not None)
    pass_or_raise(found, plan)
    return found


def judge(
    rubric: str,
    *,
    name: str = "judge",
    model: str | None = None,
    scale: Scale = "pass",
    repeats: int = 1,
    **own: object,
) -> Judge:
    """A metric that asks a model whether an answer meets a criterion: 1 or 0, or with `scale="1-5"` a grade.

    `model`: who judges; better not the model that is judged. `repeats`: so many verdicts, whose mean counts. It stops
    no gate before it was calibrated on answers that people judged: `nbkit.calibrate`.

    >>> judge("The answer names a date.", model="echo").name
    'judge'
    """
    session = current()
    in_force = judging_settings(session, {**own, "model": model} if model else own)
    return Judge(session, rubric, settings=in_force, name=name, scale=scale, repeats=repeats, origin=origin())


def preferred(
    rubric: str,
    over: Evaluated,
    *,
    name: str = "preferred",
    model: str | None = None,
    **own: object,
) -> Pairwise:
    """A metric that asks a model which of two answers to a case meets a criterion better: this one or that of a run.

    1 where the answer is better, 0 where that of `over` is, 0.5 where neither is. Both orders are asked, and a verdict
    that goes with the place counts as neither. It stops no gate: there are no labels that it could be set against.

    >>> before = evaluate(lambda case: "4", [{"id": "a", "input": "2 + 2"}], ["length"])
    >>> preferred("It is shorter.", before, model="echo").name
    'preferred'
    """
    session = current()
    in_force = judging_settings(session, {**own, "model": model} if model else own)
    # Of what an earlier try answered there is no text where none is kept.
    answers = {one.case.id: one.answer for one in reversed(over.run.graded) if one.answer is not None}
    said = {name: one.text for name, one in answers.items() if one.text or in_force.records_content}
    return Pairwise(session, rubric, others=said, settings=in_force, name=name, origin=origin())


def calibrate(judged: Judge, data: object, *, answer: str = "answer", label: str = "label") -> CardDrawing:
    """A judge set against answers that people judged: agreement, kappa, errors, bias, price; draws as a table.

    `data`: rows with a question, an `answer` and a `label` (pass or fail, 0 to 1, or for a judge of grades 1 to 5).
    From 50 labels on the judge may be a gate, and the rates that it gives are corrected by its errors. The card is
    kept: it stands beside every mean of the same criterion, model and parameters.
    """
    from nbkit.evals.calibrating import calibrate as measure
    from nbkit.evals.datasets import dataset

    session = current()
    card = measure(judged, dataset(data), answer=answer, label=label)
    kept = kept_runs(session, session.config().settings)
    try:
        kept.keep_card(card)
    finally:
        kept.close()
    return CardDrawing(card)


def power(found: Evaluated, *, delta: float, metric: str | None = None, power: float = 0.8) -> Power:
    """How many cases a comparison needs to show a difference of `delta` in a metric, and how many this run has.

    The spread is that of the differences to the baseline where there is one, else that of the values themselves, as two
    runs whose errors have nothing in common would differ. Raises `BadSetting` for a metric without spread.
    """
    return Power.of(found, delta=delta, metric=metric, power=power)


def default_metrics(data: Dataset, *, is_rag: bool) -> list[str]:
    """The metrics that a data set gives something to score, and latency and cost.

    >>> from nbkit.evals.datasets import dataset
    >>> default_metrics(dataset([{"input": "2 + 2", "expected": "4"}]), is_rag=False)
    ['exact_match', 'f1', 'latency', 'cost']
    """
    found: list[str] = []
    if any(one.is_answerable for one in data.cases):
        found += _OF_TEXT
    if any(one.is_answerable is False for one in data.cases):
        found.append("refusal")
    return [*found, *(_OF_RAG if is_rag else ()), *_OF_ALL]


def limited(data: Dataset, limit: int | None) -> Dataset:
    """The first cases of a data set."""
    if limit is None or limit >= len(data.cases):
        return data
    if limit < 1:
        raise BadSetting(what=f"--limit cannot be {limit}", why="it counts cases from 1", fix="--limit 20")
    return data.first(limit)


def reopened(
    session: Session, settings: Settings, kept: KeptRuns, run: Run, *, baseline: Run | None = None
) -> Evaluated:
    """A run that was kept, with what is known of its judges."""
    return Evaluated(run, baseline=baseline, cards=cards_of(kept, run), sieve=sieve(session, settings))


def cards_of(kept: KeptRuns, run: Run) -> dict[str, JudgeCard | None]:
    """What is known of each judge among the metrics of a run."""
    judged = run.pins.settings.get("judges")
    return {name: kept.card(str(own)) for name, own in judged.items()} if isinstance(judged, dict) else {}


def judging_settings(session: Session, own: Mapping[str, object]) -> Settings:
    """The settings of a judge: what tells the model that is judged how to answer does not tell the judge."""
    return session.config({"system": "", "stop": (), "temperature": 0.0, **own}).settings


def kept_runs(session: Session, settings: Settings) -> KeptRuns:
    """The runs that this home keeps, to be closed."""
    return KeptRuns(session.keeping_home, sieve=sieve(session, settings))


def sieve(session: Session, settings: Settings) -> Sieve:
    """What is taken out of a run before a file or a page has it."""

    @functools.lru_cache(maxsize=4096)
    def screened(text: str) -> str:
        given = session.screen([text], settings=settings, stage="input", contexts=(), question="")
        return given[0].text

    return Sieve(session.secrets.redact, keeps_content=settings.records_content, screen=screened)


def _tools(session: Session, settings: Settings) -> Tools:
    return Tools(embedder=lambda: session.collections.embedder(settings))
