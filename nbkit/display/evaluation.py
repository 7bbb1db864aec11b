"""An evaluation as tables: each metric with its interval and a forest plot, and what differs from another run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from nbkit.display.forest import Axis, forest_img
from nbkit.escape import NO_MATH, escape, line
from nbkit.evals.differences import Difference
from nbkit.evals.intervals import Estimate
from nbkit.evals.runs import ID_CHARS, Run
from nbkit.figures import count, duration, money

_CELL = 'style="text-align:left;padding:2px 12px 2px 0;vertical-align:top"'
_TABLE = f'<table {NO_MATH} style="border-collapse:collapse;font-variant-numeric:tabular-nums">'
_CAPTION = '<caption style="caption-side:top;text-align:left;font-weight:bold">'


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of a run."""

    name: str
    unit: str
    estimate: Estimate
    failed: int = 0
    unscored: int = 0
    note: str = ""
    """What has to be known of it, such as that a judge was never calibrated."""
    marked: float | None = None
    """A value to see it against, such as no preference."""


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """One metric of two runs."""

    name: str
    unit: str
    difference: Difference
    sentence: str = ""


DIFFERENCE_COLUMNS = ("metric", "difference", "95 % interval", "p, Holm", "n", "in words")


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


def n_text(found: Estimate) -> str:
    """How many cases a mean is of, and into how many clusters they fall where any share one.

    >>> from nbkit.evals.intervals import estimate
    >>> n_text(estimate([0.1, 0.5, 0.9], clusters=["a", "a", "b"]))
    '3 in 2 clusters'
    """
    return (
        f"{found.n}" if found.clusters in (None, found.n) else f"{found.n} in {count(found.clusters or 0, 'cluster')}"
    )


def unbroken(figure: str) -> str:
    """A figure that is not broken over two lines of a table."""
    return figure.replace(" ", "\N{NO-BREAK SPACE}")


def metrics_html(rows: Sequence[MetricRow], *, caption: str) -> str:
    """The table of metrics with a forest plot of those that run from 0 to 1."""
    body = ""
    for row in rows:
        found = row.estimate
        if found.mean is None:
            body += html_row([row.name, "—", "—", "0", _left(row), ""])
            continue
        said = value_text(found.mean, row.unit)
        interval = interval_text(found.low, found.high, row.unit)
        most = max(1.0, found.high or 0.0, found.mean) if not row.unit else (found.high or found.mean) * 1.1
        axis = Axis(0, most, row.marked)
        words = f"{row.name}: {said} {interval}"
        picture = forest_img(axis, found.mean, found.low, found.high, words=words)
        body += html_row([row.name, said, unbroken(interval), n_text(found), _left(row)], picture=picture)
    head = ("metric", "mean", "95 % interval", "n", "left out", "from 0 to 1, or past the interval")
    return html_table(caption, head, body)


def metrics_text(rows: Sequence[MetricRow]) -> list[tuple[str, ...]]:
    """The same rows as words."""
    return [
        (row.name, "—", "—", "0", _left(row))
        if row.estimate.mean is None
        else (
            row.name,
            value_text(row.estimate.mean, row.unit),
            interval_text(row.estimate.low, row.estimate.high, row.unit),
            n_text(row.estimate),
            _left(row),
        )
        for row in rows
    ]


def differences_html(rows: Sequence[DifferenceRow], *, caption: str, note: str = "") -> str:
    """The table of differences, each with its interval about a line at no difference."""
    body = ""
    for row, words in zip(rows, differences_text(rows), strict=True):
        found, picture = row.difference, ""
        if found.difference is not None:
            reach = 1.1 * max(abs(end) for end in (found.low or 0.0, found.high or 0.0, found.difference)) or 1.0
            said = f"{' '.join(words[:3])}, about no difference"
            picture = forest_img(Axis(-reach, reach, 0.0), found.difference, found.low, found.high, words=said)
        name, value, interval, p, n, sentence = words
        body += html_row([name, value, unbroken(interval), unbroken(p), n], picture=picture, last=sentence)
    *names, last = DIFFERENCE_COLUMNS
    said = f"<p {NO_MATH}>{escape(note)}</p>" if note else ""
    return html_table(caption, (*names, "less, more", last), body) + said


def differences_text(rows: Sequence[DifferenceRow]) -> list[tuple[str, ...]]:
    """The same rows as words."""
    return [
        (
            row.name,
            value_text(row.difference.difference, row.unit, is_signed=True),
            interval_text(row.difference.low, row.difference.high, row.unit, is_signed=True),
            _p(row.difference.p_adjusted),
            _n_of(row.difference),
            row.sentence,
        )
        for row in rows
    ]


def said_of(run: Run) -> str:
    """What a run is pinned to, in one line."""
    pins = run.pins
    model = pins.settings.get("model")
    parts = [
        f"run {run.id[:ID_CHARS]}",
        *([str(model)] if model else [line(pins.task, most_chars=60)]),
        *([f"temperature {pins.settings['temperature']}"] if "temperature" in pins.settings else []),
        *([f"index {pins.index} {(pins.index_version or '')[:8]}"] if pins.index else []),
        f"data set {pins.dataset or '(unnamed)'} {pins.dataset_sha256[:8]}",
        f"{count(pins.cases, 'case')}" + (f", {pins.samples} samples of each" if pins.samples > 1 else ""),
        f"{'prompt' if model else 'function'} {(pins.task_sha256 or '?')[:8]}",
        f"nbkit {pins.nbkit_version}",
        *([_prices(pins.prices_as_of)] if pins.prices_as_of else []),
        *run.notes,
        *(["stopped: evaluated again, it goes on where it was"] if run.finished_at is None else []),
    ]
    return " · ".join(parts)


def _prices(as_of: str) -> str:
    return as_of if as_of.startswith("your own") else f"prices of {as_of}"


def html_row(cells: Sequence[str], *, picture: str | None = None, last: str | None = None) -> str:
    """A row whose first cell names it; `picture` is a cell of HTML, and `last` comes behind it."""
    head, *rest = cells
    return (
        f'<tr><th scope="row" {_CELL}>{escape(head)}</th>'
        + "".join(f"<td {_CELL}>{escape(cell)}</td>" for cell in rest)
        + ("" if picture is None else f"<td {_CELL}>{picture}</td>")
        + ("" if last is None else f"<td {_CELL}>{escape(last)}</td>")
        + "</tr>"
    )


def html_table(caption: str, columns: Sequence[str], body: str, *, is_html: bool = False) -> str:
    """A table with its caption, from the HTML of its rows."""
    named = [name if is_html and "<" in name else escape(name) for name in columns]
    head = "".join(f'<th scope="col" {_CELL}>{name}</th>' for name in named)
    return f"{_TABLE}{_CAPTION}{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _left(row: MetricRow) -> str:
    parts = [f"{row.failed} failed"] if row.failed else []
    why = "of unknown price" if row.unit == "USD" else "with nothing to score"
    parts += [f"{count(row.unscored, 'answer')} {why}"] if row.unscored else []
    return ", ".join([*parts, *([row.note] if row.note else [])])


def _n_of(found: Difference) -> str:
    shared = "" if found.clusters in (None, found.n) else f" in {count(found.clusters or 0, 'cluster')}"
    return f"{found.n}{shared}" + (f", {found.left_out} left out" if found.left_out else "")


def _p(p: float | None) -> str:
    return "—" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004 - three digits are shown
