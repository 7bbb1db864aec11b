"""An evaluation as tables: each metric with its interval, what differs from another run, the worst cases, one case."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from nbkit.display.forest import Axis, forest_img
from nbkit.escape import NO_MATH, clean, escape, excerpt, line
from nbkit.evals.comparing import Difference
from nbkit.evals.intervals import Estimate
from nbkit.evals.runs import Graded, Run
from nbkit.figures import count, duration, money

_CELL = 'style="text-align:left;padding:2px 12px 2px 0;vertical-align:top"'
_TABLE = f'<table {NO_MATH} style="border-collapse:collapse;font-variant-numeric:tabular-nums">'
_CAPTION = '<caption style="caption-side:top;text-align:left;font-weight:bold">'
_SHOWN_CHARS = 160
_WORDS = re.compile(r"\s+|[^\s\w]|\w+")


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of a run."""

    name: str
    unit: str
    estimate: Estimate | None
    """None where nothing was scored."""
    failed: int = 0
    unscored: int = 0
    note: str = ""
    """What has to be known of it, such as that a judge was never calibrated."""


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One metric of two runs."""

    name: str
    unit: str
    difference: Difference | None
    """None where the runs share no case that both have a value for."""
    sentence: str = ""


def value_text(value: float | None, unit: str = "", *, is_signed: bool = False) -> str:
    """A value of a metric in its unit.

    >>> value_text(0.71234), value_text(0.0123, "USD"), value_text(1.5, "s"), value_text(0.05, is_signed=True)
    ('0.712', '$0.0123', '1.50 s', '+0.050')
    """
    if value is None:
        return "—"
    sign = "+" if is_signed and value > 0 else "-" if value < 0 else ""
    size = abs(value)
    if unit == "USD":
        return sign + money(Decimal(f"{size:.12f}").normalize())
    return sign + (duration(size) if unit == "s" else f"{size:.3f}" if not unit else f"{size:,.1f} {unit}")


def interval_text(low: float | None, high: float | None, unit: str = "", *, is_signed: bool = False) -> str:
    """An interval in its unit; a dash where there is none.

    >>> interval_text(0.61, 0.79)
    '[0.610, 0.790]'
    """
    if low is None or high is None:
        return "—"
    ends = [value_text(end, unit, is_signed=is_signed) for end in (low, high)]
    return f"[{', '.join(ends)}]"


def metrics_html(rows: Sequence[MetricRow], *, caption: str) -> str:
    """The table of metrics with a forest plot of those that run from 0 to 1."""
    body = ""
    for row in rows:
        found = row.estimate
        if found is None:
            body += _row([row.name, "—", "—", "0", _left(row), ""])
            continue
        said = value_text(found.mean, row.unit)
        interval = interval_text(found.low, found.high, row.unit)
        axis = Axis(0, max(1.0, found.high or 0.0, found.mean) if not row.unit else (found.high or found.mean) * 1.1)
        words = f"{row.name}: {said} {interval}"
        picture = forest_img(axis, found.mean, found.low, found.high, words=words)
        body += _row([row.name, said, interval, _n(found), _left(row)], last=picture)
    head = ("metric", "mean", "95 % interval", "n", "left out", "0 to 1, or 0 to beyond the interval")
    return _table(caption, head, body)


def metrics_text(rows: Sequence[MetricRow]) -> list[tuple[str, ...]]:
    """The same rows as words."""
    return [
        (row.name, "—", "—", "0", _left(row))
        if row.estimate is None
        else (
            row.name,
            value_text(row.estimate.mean, row.unit),
            interval_text(row.estimate.low, row.estimate.high, row.unit),
            _n(row.estimate),
            _left(row),
        )
        for row in rows
    ]


def differences_html(rows: Sequence[DifferenceRow], *, caption: str) -> str:
    """The table of differences, each with its interval about a line at no difference."""
    body = ""
    for row in rows:
        found = row.difference
        if found is None:
            body += _row([row.name, "—", "—", "—", "no case that both runs have a value for"])
            continue
        said = value_text(found.difference, row.unit, is_signed=True)
        interval = interval_text(found.low, found.high, row.unit, is_signed=True)
        reach = 1.1 * max(abs(end) for end in (found.low or 0.0, found.high or 0.0, found.difference)) or 1.0
        words = f"{row.name}: {said} {interval}, about no difference"
        picture = forest_img(Axis(-reach, reach, 0.0), found.difference, found.low, found.high, words=words)
        body += _row([row.name, said, interval, _p(found.p), row.sentence], last=picture)
    return _table(caption, ("metric", "difference", "95 % interval", "p, Holm", "in words", "worse · better"), body)


def worst(run: Run, *, most: int) -> list[Graded]:
    """The cases that did worst, failures first; by the mean of those of their scores that are shares, less is worse."""

    def key(one: Graded) -> tuple[float, float]:
        values = [
            score.value
            for name, score in one.scores.items()
            if score.value is not None and not run.units.get(name) and name not in run.lower_is_better
        ]
        return (0.0, 0.0) if one.error is not None else (1.0, sum(values) / len(values) if values else 1.0)

    return sorted(run.graded, key=key)[:most]


def cases_html(run: Run, graded: Sequence[Graded], *, caption: str) -> str:
    """A table of cases: question, what was expected, what was answered, each score."""
    names = list(run.pins.metrics)
    body = "".join(
        _row(
            [
                one.case.id,
                excerpt(one.case.input, most_chars=_SHOWN_CHARS),
                excerpt(_expected(one), most_chars=_SHOWN_CHARS),
                excerpt(_said(one), most_chars=_SHOWN_CHARS),
                *(_score(run, one, name) for name in names),
            ]
        )
        for one in graded
    )
    return _table(caption, ("case", "question", "expected", "answer", *names), body)


def case_html(run: Run, samples: Sequence[Graded]) -> str:
    """One case whole: question, right answer, each answer with its passages, and each score with its reason."""
    case = samples[0].case
    parts = [_part("Question", case.input), _part("Expected", _expected(samples[0]))]
    for one in samples:
        of = f" {one.sample + 1} of {len(samples)}" if len(samples) > 1 else ""
        parts.append(_part(f"Answer{of}", _said(one)))
        if one.answer is None:
            continue
        places = [
            f"[{number}] {passage.source}" + (f", page {passage.page}" if passage.page else "")
            for number, passage in enumerate(one.answer.passages, 1)
        ]
        if places:
            parts.append(_part("Passages", "\n".join(places)))
        body = "".join(
            _row([name, _score(run, one, name), score.note or ("" if score.status != "none" else "nothing to score")])
            for name, score in one.scores.items()
        )
        parts.append(_table(f"Scores{of}", ("metric", "score", "reason"), body))
        if one.answer.record_ids:
            parts.append(_part("Record", ", ".join(name[:8] for name in one.answer.record_ids)))
    return f"<div {NO_MATH}><p><b>Case {escape(case.id)}</b></p>{''.join(parts)}</div>"


def changed_words(before: str, after: str) -> str:
    """The second text as HTML: what is new in it underlined, what is gone struck through. Reads without styles.

    >>> changed_words("open at nine", "open at ten")
    'open at <s>nine</s> <u>ten</u>'
    """
    old, new = _WORDS.findall(clean(before)), _WORDS.findall(clean(after))
    parts: list[str] = []
    for kind, left, right, start, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = escape("".join(old[left:right])), escape("".join(new[start:end]))
        if kind == "equal":
            parts.append(come)
        else:
            parts.append(" ".join([*([f"<s>{gone}</s>"] if gone else []), *([f"<u>{come}</u>"] if come else [])]))
    return "".join(parts)


def changes(before: Run, after: Run) -> Iterator[tuple[Graded, Graded]]:
    """The samples that both runs have, whose answers differ, in the order of the second."""
    had = {(one.case.id, one.sample): one for one in before.graded}
    for one in after.graded:
        other = had.get((one.case.id, one.sample))
        if other is not None and _said(other) != _said(one):
            yield other, one


def changes_html(before: Run, after: Run, pairs: Sequence[tuple[Graded, Graded]], *, caption: str) -> str:
    """A table of cases whose answers differ, with the words that changed marked and both scores."""
    names = [name for name in after.pins.metrics if name in before.pins.metrics]
    body = "".join(
        f'<tr><th scope="row" {_CELL}>{escape(new.case.id)}</th>'
        f"<td {_CELL}>{escape(excerpt(new.case.input, most_chars=_SHOWN_CHARS))}</td>"
        f"<td {_CELL}>{changed_words(_said(old), _said(new))}</td>"
        + "".join(
            f"<td {_CELL}>{escape(_score(before, old, name))} → {escape(_score(after, new, name))}</td>"
            for name in names
        )
        + "</tr>"
        for old, new in pairs
    )
    return _table(caption, ("case", "question", "answer, <s>before</s> <u>after</u>", *names), body, is_html=True)


def said_of(run: Run) -> str:
    """What a run is pinned to, in one line."""
    pins = run.pins
    model = pins.settings.get("model")
    parts = [
        *([str(model)] if model else [line(pins.task, most_chars=60)]),
        *([f"temperature {pins.settings['temperature']}"] if "temperature" in pins.settings else []),
        *([f"index {pins.index} {(pins.index_version or '')[:8]}"] if pins.index else []),
        f"data set {pins.dataset or '(unnamed)'} {pins.dataset_sha256[:8]}",
        f"{count(pins.cases, 'case')}" + (f", {pins.samples} samples of each" if pins.samples > 1 else ""),
        f"prompt {(pins.task_sha256 or '?')[:8]}",
        f"nbkit {pins.nbkit_version}",
        *([f"prices of {pins.prices_as_of}"] if pins.prices_as_of else []),
    ]
    return " · ".join(parts)


def _expected(one: Graded) -> str:
    if one.case.is_answerable is False:
        return "(there is no answer)"
    return "—" if one.case.expected is None else " | ".join(one.case.acceptable)


def _said(one: Graded) -> str:
    if one.answer is None:
        return f"✗ {one.error.what}" if one.error is not None else "✗"
    return one.answer.text if one.answer.kept_text is None else one.answer.kept_text


def _score(run: Run, one: Graded, name: str) -> str:
    score = one.scores.get(name)
    if score is None or score.status == "error":
        return "✗ failed" if score is not None else "—"
    return value_text(score.value, run.units.get(name, ""))


def _left(row: MetricRow) -> str:
    parts = [f"{row.failed} failed"] if row.failed else []
    parts += [f"{row.unscored} without anything to score"] if row.unscored else []
    return ", ".join([*parts, *([row.note] if row.note else [])])


def _n(found: Estimate) -> str:
    return (
        f"{found.n}" if found.clusters in (None, found.n) else f"{found.n} in {count(found.clusters or 0, 'cluster')}"
    )


def _p(p: float | None) -> str:
    return "—" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004 - three digits are shown


def _part(name: str, text: str) -> str:
    return f'<p><b>{escape(name)}</b><br><span style="white-space:pre-wrap">{escape(text)}</span></p>'


def _row(cells: Sequence[str], *, last: str = "") -> str:
    head, *rest = cells
    return (
        f'<tr><th scope="row" {_CELL}>{escape(head)}</th>'
        + "".join(f"<td {_CELL}>{escape(cell)}</td>" for cell in rest)
        + (f"<td {_CELL}>{last}</td>" if last else "")
        + "</tr>"
    )


def _table(caption: str, columns: Sequence[str], body: str, *, is_html: bool = False) -> str:
    named = [name if is_html and "<" in name else escape(name) for name in columns]
    head = "".join(f'<th scope="col" {_CELL}>{name}</th>' for name in named)
    return f"{_TABLE}{_CAPTION}{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
