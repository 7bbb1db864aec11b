"""Gates: what an evaluation has to reach, or may lose against an earlier one, for the cell or the command to pass.

A gate decides by the mean, and says beside it whether the sample carries that: the same answers give the same verdict,
a loss as large as the limit fails every second time, a larger one more often. With a tolerance of .02 over 50 cases
whose differences deviate by .5, a true loss of .1 fails in 87 % of runs, and none in 39 %. Rejected: to fail only where
the whole interval of the loss is beyond the tolerance, which lets that loss pass in 81 %, so that few cases make a gate
that nothing fails; and to pass only where the whole interval is within, which fails 96 % of runs that lost nothing
(tests/evals/test_gates.py). Who wants fewer verdicts by chance takes more cases, or a wider tolerance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from nbkit.errors import BadSetting, EvaluationFailed
from nbkit.evals.alike import by_another, is_same_metric, told_apart
from nbkit.evals.comparing import compare
from nbkit.evals.correction import CorrectedRate
from nbkit.evals.intervals import estimate
from nbkit.evals.judge_card import LEAST_LABELS, JudgeCard
from nbkit.evals.runs import Run, Values
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


def refuse_pairs(names: Iterable[str], *asked: Mapping[str, float]) -> None:
    """Raises `BadSetting` for a limit on a judge that says which of two answers is better."""
    for name in names:
        if any(name in one for one in asked):
            raise BadSetting(
                what=f"the judge of pairs {name!r} cannot be a gate",
                why="it says which of two answers is better, and no label here measures how often it is right",
                fix=f"nbkit.judge(criterion, name={name!r}), calibrated with answers that people judged",
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
) -> list[str]:
    """What each gate rests on, in a sentence; raises `EvaluationFailed` with those that do not hold.

    A mean below its least does not, nor one that is worse than the baseline's by more than tolerated. `rates`: of
    judges, the rate that their errors correct theirs to, which then is what has to reach the least; a loss is corrected
    by the same errors. Of metrics of which less is better, a mean above is what fails. A metric without a value fails,
    and so does a run of whose answers more than one in twenty failed, or more than one in twenty could not be scored.
    """
    found = [
        *((False, one) for one in _unscored(run, [*least, *(tolerance or {})])),
        *_reached(run, least, rates),
        *(_lost(run, baseline, tolerance, rates) if baseline is not None and tolerance else []),
    ]
    reasons = [one.error.what for one in run.failed if one.error is not None]
    if len(reasons) > _MOST_FAILED * run.planned:
        found.append((False, f"{len(reasons)} of {run.planned} answers failed: {reasons[0]}"))
    failed = [said for holds, said in found if not holds]
    if failed:
        raise EvaluationFailed(
            what=f"the evaluation {run.name!r} does not pass",
            why="; ".join(failed),
            fix="look at its worst cases (%evaluate show), or change the limit",
        )
    return [said for _, said in found]


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


def _reached(run: Run, least: Mapping[str, float], rates: Mapping[str, CorrectedRate]) -> Iterator[tuple[bool, str]]:
    for name, limit in least.items():
        values, is_low = run.of(name), name in run.lower_is_better
        found = estimate(values.means, clusters=values.clusters, is_bounded=not run.units.get(name))
        if found.mean is None:
            yield False, f"{name} has no value, and {limit:g} was asked"
            continue
        mean, low, high, seen = found.mean, found.low, found.high, f"n {found.n}{_in(found.clusters)}"
        if name in rates and (corrected := rates[name].rate) is not None:
            low, high = rates[name].low, rates[name].high
            mean, seen = corrected, f"{seen}; the judge says {mean:.3g}, corrected by its errors on labels"
        holds = mean <= limit + _ROUNDING if is_low else mean >= limit - _ROUNDING
        asked = f"{'at most' if is_low else 'at least'} {limit:g} was asked"
        yield holds, f"{name} is {mean:.3g}{_span(low, high)} ({seen}), and {asked}{_chance(low, high, limit)}"


def _lost(
    run: Run, baseline: Run, tolerance: Mapping[str, float], rates: Mapping[str, CorrectedRate]
) -> Iterator[tuple[bool, str]]:
    before = baseline.title if baseline.name == run.name else repr(baseline.name)
    for name, most in tolerance.items():
        if not is_same_metric(baseline, run, name):
            yield False, f"{name}: {by_another(baseline, run, name)} gave that of {before}"
            continue
        values, sign = run.of(name), 1 if name in run.lower_is_better else -1
        had, has = _by_case(told_apart(baseline, run, name).of(name)), _by_case(values)
        if not had.keys() & has.keys():
            yield False, f"{name}: the run and {before} share no case with a value"
            continue
        named = dict(zip(values.cases, values.clusters, strict=True))
        found = compare(had, has, clusters=named, is_bounded=not run.units.get(name))
        scale, how = _stretch(rates.get(name))
        loss, (low, high) = sign * (found.difference or 0.0) / scale, (found.low, found.high)
        if low is not None and high is not None:
            low, high = sorted((sign * low / scale, sign * high / scale))
        n = f"n {found.n}{_in(found.clusters)}{f', {found.left_out} left out' if found.left_out else ''}{how}"
        asked = f"{most:g} is tolerated{_chance(low, high, most)}"
        yield loss <= most + _ROUNDING, f"{name} is {_changed(before, loss, low, high)} ({n}), and {asked}"


def _changed(before: str, loss: float, low: float | None, high: float | None) -> str:
    if abs(loss) <= _ROUNDING:
        return f"in the mean what it was in {before}{_span(low, high)}"
    if loss > 0 or low is None or high is None:
        return f"{'worse' if loss > 0 else 'better'} than {before} by {abs(loss):.3g}{_span(low, high)}"
    return f"better than {before} by {-loss:.3g}{_span(-high, -low)}"


def _by_case(values: Values) -> dict[str, float]:
    return dict(zip(values.cases, values.means, strict=True))


def _stretch(rate: CorrectedRate | None) -> tuple[float, str]:
    """How many times as large as people's a judge's differences are, and how to say so."""
    if rate is None or rate.rate is None or rate.sensitivity is None or rate.specificity is None:
        return 1.0, ""
    return rate.sensitivity + rate.specificity - 1, "; corrected by the judge's errors on labels"


def _in(clusters: int | None) -> str:
    return "" if clusters is None else f" in {clusters} clusters"


def _span(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" [{low:.3g}, {high:.3g}]"


def _chance(low: float | None, high: float | None, limit: float) -> str:
    """Whether the interval reaches beyond the limit, so that the mean is on this side of it by chance perhaps."""
    if low is None or high is None:
        return ", decided by the mean: these cases do not say how sure it is"
    return ", decided by the mean: the interval holds the limit" if low <= limit <= high and low < high else ""
