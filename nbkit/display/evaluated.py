"""What an evaluation gives: means with intervals, drawn as tables, compared, sliced, looked into case by case."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nbkit import registry
from nbkit.canonical import canonical_json
from nbkit.display import evaluation as drawn
from nbkit.display import evaluation_cases as cases
from nbkit.display.compared import Comparison
from nbkit.display.evaluation import MetricRow
from nbkit.display.evaluation_case import case_html, case_text
from nbkit.display.judges import NO_PREFERENCE, card_note, doubt, pair_table
from nbkit.display.repeats import repeats_table
from nbkit.errors import BadSetting
from nbkit.escape import NO_MATH, escape, line
from nbkit.evals.alike import is_another, told_apart
from nbkit.evals.intervals import Estimate, estimate
from nbkit.evals.judge_card import JudgeCard
from nbkit.evals.pairs import pair_cards
from nbkit.evals.runs import Graded, Run
from nbkit.evals.shelf import Shelf
from nbkit.evals.shown import Sieve
from nbkit.figures import count, money
from nbkit.tables import Table

if TYPE_CHECKING:
    import pandas as pd

_WORST = 5
_REASON_CHARS = 80
_AMOUNTS = ("s", "USD")
_NEITHER = 0.5
_GROUPS = (
    "Each interval is of its group alone, and one of twenty misses: whether two groups differ takes a test of its own."
)
_COLUMNS = ("metric", "mean", "95 % interval", "n", "left out")


@dataclasses.dataclass(frozen=True, slots=True)
class Drawing:
    """A part of an evaluation, to be the value of a cell."""

    html: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


class Evaluated(Mapping[str, Estimate]):
    """A run with the interval of each metric; draws as a table.

    `found["f1"]` is a mean with its interval and n. `baseline`: the run that it is compared with. `cards`: what is
    known of the judges among the metrics. `sieve`: what is left out of what is drawn. `shelf`: what is kept
    beside it.
    """

    def __init__(
        self,
        run: Run,
        *,
        baseline: Run | None = None,
        cards: Mapping[str, JudgeCard | None] | None = None,
        sieve: Sieve | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self.run = run
        """Every answer with its scores."""
        self.baseline = baseline
        self.cards = cards or {}
        """What is known of the judges among its metrics; None for one that was never measured."""
        self._sieve = sieve or Sieve()
        self._shelf = shelf or Shelf()
        self._shown = self._sieve.run(run)
        self._estimates = {name: _estimate(run, name) for name in run.pins.metrics}

    def __getitem__(self, metric: str) -> Estimate:
        return self._estimates[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self._estimates)

    def __len__(self) -> int:
        return len(self._estimates)

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.run.name

    @property
    def cost(self) -> Decimal | None:
        """What its answers cost, in USD, hits not counted; None where a price is not known."""
        return self.run.usd

    def compare(self, other: Evaluated | Run | str) -> Comparison:
        """How it differs from another run, also one by its name, case by case: each difference, and in words."""
        return Comparison(self._shelf.run(other), self.run, cards=self.cards, sieve=self._sieve)

    def by(self, column: str) -> Drawing:
        """The means of each group of cases that have the same value in a column of their metadata."""
        groups: dict[str, list[Graded]] = {}
        for one in self.run.graded:
            groups.setdefault(str(one.case.metadata.get(column, "(none)")), []).append(one)
        if list(groups) == ["(none)"]:
            known = sorted({name for one in self.run.graded for name in one.case.metadata})
            near = registry.nearest(column, known)
            raise BadSetting(
                what=f"no case has {column!r}",
                why=f"columns there are: {', '.join(known) or 'none'}",
                fix=f"use {near!r}" if near else "add it to the data set's metadata",
            )
        names = list(self._estimates)
        rows, drawn_rows = [], []
        for value, graded in sorted(groups.items()):
            part = dataclasses.replace(self.run, graded=tuple(graded))
            held = len({one.case.id for one in graded})
            first = (self._sieve.redact(value), f"{held}")
            found = [(_estimate(part, name), self.run.units.get(name, "")) for name in names]
            rows.append((*first, *(" ".join(_of_group(one, unit, held)) for one, unit in found)))
            drawn_rows.append((*first, *(" ".join(map(drawn.unbroken, _of_group(*one, held))) for one in found)))
        caption, note = f"{self._shown.title} by {column}", f"{_GROUPS} {self._doubts()}".strip()
        text, page = (Table(caption, (column, "cases", *names), one, note=note) for one in (rows, drawn_rows))
        return Drawing(page.html(), text.text())

    def worst(self, most: int = 10) -> Drawing:
        """The cases that did worst, failures first."""
        graded = cases.worst(self._shown, most=most)
        caption = f"Worst {count(len(graded), 'answer')} of {self._shown.title}"
        table = cases.cases_table(self._shown, graded, caption=caption, note=self._doubts())
        return Drawing(table.html(), table.text())

    def _doubts(self) -> str:
        """How far the judges among the metrics are to be trusted, wherever their scores stand without their row."""
        return " ".join(f"{name}: {doubt(card)}." for name, card in self.cards.items())

    def case(self, case_id: str) -> Drawing:
        """One case whole: question, right answer, answers, passages, scores with their reasons, records."""
        samples = [one for one in self._shown.graded if one.case.id == case_id]
        if not samples:
            near = registry.nearest(case_id, [one.case.id for one in self._shown.graded])
            raise BadSetting(
                what=f"the run has no case {case_id!r}",
                why=f"it has {count(self.run.pins.cases, 'case')}",
                fix=f"use {near!r}" if near else ".worst() shows names of cases",
            )
        given: dict[str, Any] = {"find": self._shelf.record, "texts": self._texts(case_id)}
        return self._doubted(case_html(self._shown, samples, **given), case_text(self._shown, samples, **given))

    def _texts(self, case_id: str) -> dict[str, str]:
        """What the passages of a case say, as far as they were handed in and may be drawn."""
        answers = [one.answer for one in self.run.graded if one.case.id == case_id and one.answer is not None]
        return {one.id: self._sieve.passage(one.text) for answer in answers for one in answer.passages if one.text}

    def diff(self, other: Evaluated | Run | str, *, most: int = 20) -> Drawing:
        """The cases whose answers differ from another run's, with the words that changed marked."""
        before = told_apart(self._sieve.run(self._shelf.run(other)), self._shown)
        pairs = list(cases.changes(before, self._shown))
        caption = f"{count(len(pairs), 'answer')} of {self._shown.title} that {before.title} answered otherwise"
        left = f", the first {most}" if len(pairs) > most else ""
        others = count(len({one.case.id for one in before.graded if is_another(one)}), "case")
        left += "" if others.startswith("0 ") else f"; {others} left out: what is asked has changed"
        html = cases.changes_html(before, self._shown, pairs[:most], caption=f"{caption}{left}")
        return self._doubted(html, cases.changes_text(before, self._shown, pairs[:most], caption=f"{caption}{left}"))

    def _doubted(self, html: str, text: str) -> Drawing:
        said = self._doubts()
        return Drawing(f"{html}<p {NO_MATH}>{escape(said)}</p>", f"{text}\n{said}") if said else Drawing(html, text)

    def to_frame(self) -> pd.DataFrame:
        """One row for each sample: case, question, expected, answer, each score, latency, cost; extra `[data]`."""
        with registry.pandas_for("to_frame()"):
            import pandas as pd
        return pd.DataFrame([_frame_row(one, self.run.pins.metrics) for one in self.run.graded])

    def _rows(self) -> list[MetricRow]:
        rows = []
        of_pairs = {one.name for one in pair_cards(self.run)}
        for name, found in self._estimates.items():
            values, is_pair = self.run.of(name), name in of_pairs
            note = card_note(self.cards[name], values) if name in self.cards else _why(self._shown, name)
            note = "; ".join(filter(None, (note, NO_PREFERENCE))) if is_pair else note
            unit, middle = self.run.units.get(name, ""), _NEITHER if is_pair else None
            rows.append(MetricRow(name, unit, found, values.failed, values.unscored, note, middle))
        return rows

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """The tables as HTML that reads untrusted, and as text."""
        return {"text/html": self._html(), "text/plain": repr(self)}

    def _html(self) -> str:
        run = self._shown
        shown = count(min(_WORST, len(run.graded)), "answer")
        parts = [
            drawn.metrics_html(self._rows(), caption=f"Evaluation {run.name}: {_headline(run)}"),
            *([self._against_html()] if self.baseline is not None else []),
            *(pair_table(one).html() for one in pair_cards(run)),
            *([repeats_table(run).html()] if run.pins.samples > 1 else []),
            f"<details><summary>Worst {shown}</summary>{self._worst_table().html()}</details>",
            f"<p {NO_MATH}><small>{escape(drawn.said_of(run))}</small></p>",
        ]
        return "".join(parts)

    def _worst_table(self) -> Table:
        run = self._shown
        graded = cases.worst(run, most=_WORST)
        return cases.cases_table(run, graded, caption="Worst answers, failures first", note=self._doubts())

    def _against_html(self) -> str:
        assert self.baseline is not None
        return self.compare(self.baseline)._repr_html_()

    def __repr__(self) -> str:
        table = Table(
            f"Evaluation {self._shown.name}: {_headline(self._shown)}",
            _COLUMNS,
            drawn.metrics_text(self._rows()),
            note=drawn.said_of(self._shown),
        )
        against = [] if self.baseline is None else [repr(self.compare(self.baseline))]
        repeats = [repeats_table(self._shown).text()] if self.run.pins.samples > 1 else []
        pairs = [pair_table(one).text() for one in pair_cards(self._shown)]
        return "\n\n".join([table.text(), *against, *pairs, *repeats])


def _estimate(run: Run, metric: str) -> Estimate:
    found = run.of(metric)
    unit = run.units.get(metric)
    one = estimate(found.means, clusters=found.clusters, is_bounded=not unit)
    # No mean of seconds or dollars is below 0, so no interval of it has to be.
    return dataclasses.replace(one, low=max(0.0, one.low)) if unit in _AMOUNTS and one.low is not None else one


def _figures(found: Estimate, unit: str) -> tuple[str, ...]:
    if found.mean is None:
        return ("—",)
    return drawn.value_text(found.mean, unit), drawn.interval_text(found.low, found.high, unit)


def _of_group(found: Estimate, unit: str, held: int) -> tuple[str, ...]:
    """A group's mean with its interval, and its n where that is not the number of its cases, each its own."""
    n = drawn.n_text(found)
    return (*_figures(found, unit), *([] if n == f"{held}" or found.mean is None else [f"(n {n})"]))


def _headline(run: Run) -> str:
    live = [one.answer for one in run.graded if one.answer is not None]
    cached = sum(one.is_cached for one in live)
    parts = [
        count(run.pins.cases, "case") + (f", {run.pins.samples} samples of each" if run.pins.samples > 1 else ""),
        f"stopped at {len(run.graded):,} of {count(run.planned, 'answer')}" if run.finished_at is None else "",
        f"{len(run.failed):,} failed{_first(run)}" if run.failed else "",
        f"{cached:,} cached" if cached else "",
        # What asks no model has no price to know.
        money(run.usd) if run.usd is not None else "price not known" if run.pins.settings.get("model") else "",
    ]
    return ", ".join(filter(None, parts))


def _first(run: Run) -> str:
    """Of what failed, why the first did."""
    error = run.failed[0].error
    return "" if error is None else f" ({line(error.what, most_chars=_REASON_CHARS)})"


def _why(run: Run, metric: str) -> str:
    """Why a metric failed first, where the answer did not."""
    found = (one.scores[metric] for one in run.graded if metric in one.scores)
    note = next((one.note for one in found if one.status == "error"), "")
    return line(note, most_chars=_REASON_CHARS)


def _frame_row(one: Graded, metrics: Sequence[str]) -> dict[str, Any]:
    answer = one.answer
    row: dict[str, Any] = {
        "case": one.case.id,
        "sample": one.sample,
        "input": one.case.input,
        "expected": one.case.expected if isinstance(one.case.expected, str) else canonical_json(one.case.expected),
        "answer": None if answer is None else answer.text,
        "error": None if one.error is None else one.error.what,
    }
    for name in metrics:
        score = one.scores.get(name)
        row[name] = math.nan if score is None or score.value is None else score.value
    row |= {f"metadata.{name}": value for name, value in one.case.metadata.items()}
    if answer is not None:
        usd = None if answer.usd is None else float(answer.usd)
        row |= {"latency_s": answer.latency_s, "usd": usd, "is_cached": answer.is_cached}
    return row
