"""One evaluation carried out: what it is asked for, what it is pinned to, its gates, and where its runs are kept."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from nbkit.display.evaluated import Evaluated
from nbkit.display.unshown import keep_unshown
from nbkit.errors import BadSetting
from nbkit.evals.asking import Task
from nbkit.evals.gates import check, refuse_alone, refuse_pairs, refuse_uncalibrated, refuse_unmeasured
from nbkit.evals.judge_card import JudgeCard
from nbkit.evals.judging import Judge, Pairwise
from nbkit.evals.kept import KeptRuns
from nbkit.evals.metrics import resolve
from nbkit.evals.plans import Plan, pins_of, refuse_counts
from nbkit.evals.running import run_cases
from nbkit.evals.runs import Graded, Run
from nbkit.evals.shelf import Shelf
from nbkit.evals.shown import Sieve
from nbkit.evals.tally import Progress
from nbkit.evals.tools import Tools
from nbkit.evaluation.searching import notes_of_search
from nbkit.pricing.own import price_tables
from nbkit.pricing.table import table_of
from nbkit.recorded import Outcome
from nbkit.session import Session
from nbkit.session.labelled import refuse_private

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
    refuse_private(session, {"--name": plan.name, "--tag": settings.tag}, settings)
    wanted = list(plan.metrics) or default_metrics(plan.data, is_rag=is_rag)
    metrics = resolve(wanted, tools=_tools(session, settings, plan))
    names = [one.name for one in metrics]
    refuse_unmeasured(names, plan.least, option="--fail-under")
    refuse_unmeasured(names, plan.tolerance, option="--tolerance")
    refuse_alone(plan.tolerance, plan.baseline)
    shown = sieve(session, settings)
    kept = KeptRuns(session.keeping_home, sieve=shown)
    try:
        cards = {one.name: kept.card(one.identity) for one in metrics if isinstance(one, Judge | Pairwise)}
        refuse_pairs([one.name for one in metrics if isinstance(one, Pairwise)], plan.least, plan.tolerance)
        refuse_uncalibrated(cards, plan.least, plan.tolerance)
        baseline = kept.find(plan.baseline, is_whole=True) if isinstance(plan.baseline, str) else plan.baseline
        notes = notes_of_search(session, task, plan.data.cases, metrics)
        as_of = table_of(session.home).as_of
        pins_now = functools.partial(pins_of, task, plan, metrics, settings=settings, prices_as_of=as_of)
        with carried(session, settings) as asked:
            run = run_cases(
                task,
                plan.data.cases,
                metrics,
                pins=pins_now(),
                pins_now=pins_now,
                name=plan.name,
                kept=kept,
                pace=plan.pace,
                asked_by=session.environment.get(ASKED_BY, ""),
                notes=notes,
                on_progress=on_progress,
            )
            asked.sort(key=_in_order_of(run))
            run = _priced(run, asked, kept=kept)
    finally:
        kept.close()
    return Evaluated(run, baseline=baseline, cards=cards, sieve=shown, shelf=shelf_of(session))


@contextlib.contextmanager
def carried(session: Session, settings: Settings) -> Iterator[list[Outcome]]:
    """A `with` block whose calls, in whatever thread, share the cell's budget, and are carried by its outputs.

    Gives the list of them, which is carried in the order that it is left in.
    """
    with session.cell.of(settings.budget_cell) as asked:
        try:
            yield asked
        finally:
            keep_unshown(asked, dataclasses.replace(settings, quiet=True))


def _priced(run: Run, asked: Sequence[Outcome], *, kept: KeptRuns) -> Run:
    """The run with the prices that its calls were priced by, where those are not the table's of now."""
    tables, own = price_tables([one.record for one in asked])
    # What an earlier try asked is priced as it says; of what asks nobody there are no prices.
    has_calls = bool(asked) or any(one.answer is not None and one.answer.record_ids for one in run.graded)
    as_of = ", ".join([*tables, *own]) or (run.pins.prices_as_of if has_calls else None)
    if as_of == run.pins.prices_as_of:
        return run
    kept.finish(run := dataclasses.replace(run, pins=dataclasses.replace(run.pins, prices_as_of=as_of)))
    return run


def _in_order_of(run: Run) -> Callable[[Outcome], int]:
    """Places of calls by the cases that they were made for, whichever thread was first."""
    ids = [name for one in run.graded if one.answer is not None for name in (*one.answer.record_ids, *_judging(one))]
    places = {name: number for number, name in enumerate(ids)}
    return lambda outcome: places.get(outcome.record.id, len(places))


def _judging(graded: Graded) -> Iterator[str]:
    for score in graded.scores.values():
        yield from score.record_ids


def pass_or_raise(found: Evaluated, plan: Plan) -> list[str]:
    """What each gate rests on; raises `EvaluationFailed` where the run does not reach what was asked of it."""
    return gate(found, least=plan.least, tolerance=plan.tolerance) if plan.least or plan.tolerance else []


def gate(found: Evaluated, *, least: Mapping[str, float], tolerance: Mapping[str, float]) -> list[str]:
    """What each gate rests on, in a sentence.

    Raises `EvaluationFailed` beyond a limit, `BadSetting` for a limit on a judge that cannot be a gate. Of a judge of
    passes it is the corrected rate that has to reach a limit.
    """
    refuse_uncalibrated(found.cards, least, tolerance)
    rates = {}
    for name, card in found.cards.items():
        verdicts = {one for each in found.run.graded if name in each.scores for one in each.scores[name].repeats}
        # Of grades the mean is no rate of passes.
        if card is not None and verdicts and verdicts <= {0.0, 1.0}:
            rates[name] = card.corrected(found.run.of(name))
    return check(found.run, least=least, baseline=found.baseline, tolerance=tolerance, rates=rates)


def kept_evaluation(session: Session, kept: KeptRuns, run: Run, *, baseline: Run | None = None) -> Evaluated:
    """A run that was kept, with what is known of its judges, and its records."""
    shown = sieve(session, session.config().settings)
    return Evaluated(run, baseline=baseline, cards=cards_of(kept, run), sieve=shown, shelf=shelf_of(session))


def cards_of(kept: KeptRuns, run: Run) -> dict[str, JudgeCard | None]:
    """What is known of each judge among the metrics of a run."""
    judged = run.pins.settings.get("judges")
    return {name: kept.card(str(own)) for name, own in judged.items()} if isinstance(judged, dict) else {}


def judging_settings(session: Session, own: Mapping[str, object]) -> Settings:
    """The settings of a judge: what tells the model that is judged how to answer does not tell the judge."""
    return session.config({"system": "", "stop": (), "temperature": 0.0, **own}).settings


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


def kept_runs(session: Session, settings: Settings) -> KeptRuns:
    """The runs that this home keeps, to be closed."""
    return KeptRuns(session.keeping_home, sieve=sieve(session, settings))


def shelf_of(session: Session) -> Shelf:
    """The records and the runs that this home keeps."""

    def named(name: str) -> Run:
        kept = kept_runs(session, session.config().settings)
        try:
            return kept.find(name)
        finally:
            kept.close()

    return Shelf(session.ledger.find, named)


def sieve(session: Session, settings: Settings) -> Sieve:
    """What is taken out of a run before a file or a page has it."""

    @functools.lru_cache(maxsize=4096)
    def screened(text: str) -> str:
        given = session.screen([text], settings=settings, stage="input", contexts=(), question="")
        return given[0].text

    return Sieve(session.secrets.redact, keeps_content=settings.records_content, screen=screened)


def _tools(session: Session, settings: Settings, plan: Plan) -> Tools:
    return Tools(embedder=lambda: session.collections.embedder(settings), names=plan.names)
