"""What Python code calls to evaluate: `evaluate`, `judge`, `preferred`, `calibrate`, `power`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nbkit.display.evaluated import Evaluated
from nbkit.display.judges import CardDrawing
from nbkit.display.origin import origin, variables
from nbkit.display.power import Power
from nbkit.display.progress import Bar
from nbkit.errors import BadSetting
from nbkit.evals.asking import PromptTask, Task
from nbkit.evals.calling import FunctionTask
from nbkit.evals.cases import Case
from nbkit.evals.judging import Judge, Pairwise, Scale
from nbkit.evals.metrics import Wanted
from nbkit.evals.plans import Plan
from nbkit.evals.running import Pace
from nbkit.evaluation.carrying import carried, carry_out, judging_settings, kept_runs, limited, pass_or_raise, shelf_of
from nbkit.evaluation.telling import Told
from nbkit.session import current


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
    them. A run that was stopped goes on where it was. Cases without an answer are errors, and in no mean. In a notebook
    and on a terminal a bar says how far it is, unless `quiet=True`.

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
        variables(),
    )
    with Told(None if in_force.quiet else Bar(session.secrets), is_priced=isinstance(task, str)) as told:
        found = carry_out(session, made, plan, settings=in_force, is_rag=index is not None, on_progress=told)
        told.end(f"Evaluation {found.run.title}")
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
    rubric: str, over: Evaluated | str, *, name: str = "preferred", model: str | None = None, **own: object
) -> Pairwise:
    """A metric that asks a model which of two answers to a case meets a criterion better: this one or that of a run.

    1 where the answer is better, 0 where that of `over` is, 0.5 where neither is; `over` is a run, or the name of one.
    Both orders are asked, and a verdict that goes with the place counts as neither. It stops no gate: there are no
    labels that it could be set against.

    >>> before = evaluate(lambda case: "4", [{"id": "a", "input": "2 + 2"}], ["length"])
    >>> preferred("It is shorter.", before, model="echo").name
    'preferred'
    """
    session = current()
    in_force = judging_settings(session, {**own, "model": model} if model else own)
    # Of what an earlier try answered there is no text where none is kept.
    answers = {
        one.case.id: one.answer for one in reversed(shelf_of(session).run(over).graded) if one.answer is not None
    }
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

    if not isinstance(judged, Judge):
        raise BadSetting(
            what="only a judge of single answers can be set against labels",
            why="a label says of one answer whether it passes",
            fix="nbkit.judge(criterion) makes one; what nbkit.preferred gives says how it follows place and length",
        )
    session = current()
    settings = session.config().settings
    bar = None if settings.quiet else Bar(session.secrets)
    with carried(session, settings), Told(bar, things="verdict") as told:
        card = measure(judged, dataset(data), answer=answer, label=label, on_progress=told)
        told.end(f"Judge {card.name}")
    kept = kept_runs(session, settings)
    try:
        kept.keep_card(card)
    finally:
        kept.close()
    return CardDrawing(card)


def power(found: Evaluated | str, *, delta: float, metric: str | None = None, power: float = 0.8) -> Power:
    """How many cases a comparison needs to show a difference of `delta` in a metric, and how many this run has.

    `found`: a run, or the name of one. The spread is that of the differences to the baseline where there is one, else
    that of the values themselves, as two runs whose errors have nothing in common would differ. Raises `BadSetting` for
    a metric without spread.
    """
    found = Evaluated(shelf_of(current()).run(found)) if isinstance(found, str) else found
    return Power.of(found, delta=delta, metric=metric, power=power)
