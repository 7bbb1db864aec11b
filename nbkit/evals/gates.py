"""Gates: what an evaluation has to reach, or may lose against an earlier one, for the cell or the command to pass."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from nbkit.errors import BadSetting, EvaluationFailed
from nbkit.evals.alike import is_same_metric, told_apart
from nbkit.evals.correction import CorrectedRate
from nbkit.evals.judge_card import LEAST_LABELS, JudgeCard
from nbkit.evals.runs import Run
from nbkit.parse import listed
from nbkit.registry import nearest

_MOST_FAILED = 0.05
_ROUNDING = 1e-12
_PAIR = re.compile(r"\s*([\w@.-]+(?::.+?)?)\s*=\s*([^\s=]+)\s*")


def limits(given: Sequence[str], *, option: str) -> dict[str, float]:
    """Metric to number, from `f1=0.7` and `f1=0.7,em=0.5`; raises `BadSetting`.

    >>> limits(["f1=0.7,latency=2"], option="--fail-under")
    {'f1': 0.7, 'latency': 2.0}
    """
    found: dict[str, float] = {}
    for part in (part for text in given for part in listed(text)):
        pair = _PAIR.fullmatch(part)
        try:
            number = float(pair[2]) if pair else math.nan
        except ValueError:
            number = math.nan
        if pair is None or not math.isfinite(number):
            raise BadSetting(
                what=f"{option} cannot be {part.strip()!r}",
                why="it takes METRIC=NUMBER, several of them with commas between",
                fix=f"{option} f1=0.7",
            )
        found[pair[1]] = number
    return found


def refuse_unmeasured(run_metrics: Sequence[str], asked: Mapping[str, float], *, option: str) -> None:
    """Raises `BadSetting` for a limit on a metric that is not measured, or that is no number: nothing can fail it."""
    for name, limit in asked.items():
        if isinstance(limit, bool) or not isinstance(limit, int | float) or not math.isfinite(limit):
            raise BadSetting(
                what=f"the limit of {name} cannot be {limit!r}",
                why="it is a number that a mean is set against",
                fix=f"{option} {name}=0.7",
            )
        if name not in run_metrics:
            near = nearest(name, run_metrics)
            raise BadSetting(
                what=f"{option} names {name!r}, which is not measured",
                why=f"measured: {', '.join(run_metrics)}",
                fix=f"use {near}" if near else f"--metrics {','.join([*run_metrics, name])}",
            )


def refuse_uncalibrated(cards: Mapping[str, JudgeCard | None], *asked: Mapping[str, float]) -> None:
    """Raises `BadSetting` for a limit on a judge that may be no gate; `cards`: what is known of each judge."""
    for name, card in cards.items():
        if not any(name in one for one in asked) or (card is not None and card.is_calibrated):
            continue
        has_enough = card is not None and card.labels >= LEAST_LABELS
        raise BadSetting(
            what=f"the judge {name!r} cannot be a gate",
            why="it was never set against what people said" if card is None else card.flaw,
            fix="judge with a larger model, or put the criterion in other words"
            if has_enough
            else f"nbkit.calibrate({name}, labelled): answers that people judged, {LEAST_LABELS} or more",
        )


def refuse_alone(tolerance: Mapping[str, float], baseline: object) -> None:
    """Raises `BadSetting` for a tolerance without a run that it could be measured from."""
    if tolerance and baseline is None:
        raise BadSetting(
            what="--tolerance has no run to compare with",
            why="it says how much worse than the baseline is tolerated",
            fix="--baseline RUN; `%evaluate ls` lists the runs there are",
        )


def check(
    run: Run,
    *,
    least: Mapping[str, float],
    baseline: Run | None = None,
    tolerance: Mapping[str, float] | None = None,
    rates: Mapping[str, CorrectedRate] = MappingProxyType({}),
) -> None:
    """Raises `EvaluationFailed` where a mean is below its least, or worse than the baseline's by more than tolerated.

    `rates`: of judges, the rate that their errors correct theirs to, which then is what has to reach the least.
    Of metrics of which less is better, a mean above is what fails. The limits are on the means: the interval is said
    beside them, for a mean near its limit passes or fails by chance. A metric without a value fails, and so does a run
    of whose answers more than one in twenty failed, or more than one in twenty could not be scored.
    """
    said = [
        *_unscored(run, [*least, *(tolerance or {})]),
        *_under(run, least, rates),
        *(_worse(run, baseline, tolerance) if baseline is not None and tolerance else []),
    ]
    reasons = [one.error.what for one in run.failed if one.error is not None]
    if len(reasons) > _MOST_FAILED * run.planned:
        said.append(f"{len(reasons)} of {run.planned} answers failed: {reasons[0]}")
    if said:
        raise EvaluationFailed(
            what=f"the evaluation {run.name!r} does not pass",
            why="; ".join(said),
            fix="look at its worst cases (%evaluate show), or change the limit",
        )


def _unscored(run: Run, names: Sequence[str]) -> list[str]:
    """Metrics that failed on too many answers: a mean over those that are left says little of the others."""
    said = []
    for name in dict.fromkeys(names):
        failed = run.of(name).failed - len(run.failed)
        if failed > _MOST_FAILED * run.planned and run.of(name).means:
            notes = (
                one.scores[name].note for one in run.graded if one.error is None and one.scores[name].status == "error"
            )
            said.append(f"{name} failed on {failed} of {run.planned} answers: {next(filter(None, notes), '')}")
    return said


def _under(run: Run, least: Mapping[str, float], rates: Mapping[str, CorrectedRate]) -> list[str]:
    said = []
    for name, limit in least.items():
        values = run.of(name).means
        if not values:
            said.append(f"{name} has no value, and {limit:g} was asked")
            continue
        mean, seen = math.fsum(values) / len(values), f"n {len(values)}"
        if name in rates and (corrected := rates[name].rate) is not None:
            mean, seen = corrected, f"{seen}; the judge says {mean:.3g}, corrected by its errors on labels"
        is_low = name in run.lower_is_better
        if mean > limit + _ROUNDING if is_low else mean < limit - _ROUNDING:
            said.append(f"{name} is {mean:.3g} ({seen}), and {'at most' if is_low else 'at least'} {limit:g} was asked")
    return said


def _worse(run: Run, baseline: Run, tolerance: Mapping[str, float]) -> list[str]:
    said, named = [], baseline.title if baseline.name == run.name else repr(baseline.name)
    for name, most in tolerance.items():
        if not is_same_metric(baseline, run, name):
            said.append(f"{name} of {named} is another metric of this name")
            continue
        now, then = run.of(name), told_apart(baseline, run, name).of(name)
        had = dict(zip(then.cases, then.means, strict=True))
        pairs = [(value, had[case]) for case, value in zip(now.cases, now.means, strict=True) if case in had]
        if not pairs:
            said.append(f"{name}: the run and {named} share no case with a value")
            continue
        change = math.fsum(new - old for new, old in pairs) / len(pairs)
        loss = change if name in run.lower_is_better else -change
        if loss > most + _ROUNDING:
            said.append(f"{name} is worse than {named} by {loss:.3g} (n {len(pairs)}), and {most:g} is tolerated")
    return said
