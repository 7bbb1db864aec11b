"""Two runs of an evaluation beside one another: each difference with its interval, and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from nbkit.display import evaluation as drawn
from nbkit.display.evaluation import DifferenceRow
from nbkit.display.judges import doubt
from nbkit.evals.alike import is_same_metric, told_apart, unlike
from nbkit.evals.comparing import compare
from nbkit.evals.differences import Difference, together
from nbkit.evals.judge_card import JudgeCard
from nbkit.evals.runs import Run
from nbkit.evals.sentences import sentence
from nbkit.evals.shown import Sieve
from nbkit.tables import Table


class Comparison(Mapping[str, Difference]):
    """How a run differs from one before it, by metric; draws as a table with a sentence for each."""

    def __init__(
        self,
        before: Run,
        after: Run,
        *,
        cards: Mapping[str, JudgeCard | None] = MappingProxyType({}),
        sieve: Sieve | None = None,
    ) -> None:
        self.before, self.after = before, after
        self._cards, self._sieve = cards, sieve or Sieve()
        shared = [name for name in after.pins.metrics if name in before.pins.metrics]
        names = [name for name in shared if is_same_metric(before, after, name)]
        self._differences = together({name: _difference(before, after, name) for name in names})

    def __getitem__(self, metric: str) -> Difference:
        return self._differences[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self._differences)

    def __len__(self) -> int:
        return len(self._differences)

    def sentence(self, metric: str) -> str:
        """What may be said of one metric."""
        return sentence(
            self._differences[metric],
            metric,
            names=(self.before.name, self.after.name),
            unit=self.after.units.get(metric, ""),
            is_better_high=metric not in self.after.lower_is_better,
        )

    def _rows(self) -> list[DifferenceRow]:
        redact = self._sieve.redact
        return [
            DifferenceRow(name, self.after.units.get(name, ""), one, redact(self._said(name)))
            for name, one in self._differences.items()
        ]

    def _said(self, metric: str) -> str:
        if metric not in self._cards:
            return self.sentence(metric)
        return f"{self.sentence(metric)} ({doubt(self._cards[metric])})"

    def _caption(self) -> str:
        return self._sieve.redact(f"{self.after.name} against {self.before.name}, paired by case")

    def _note(self) -> str:
        return self._sieve.redact(unlike(self.before, self.after))

    def _repr_html_(self) -> str:
        return drawn.differences_html(self._rows(), caption=self._caption(), note=self._note())

    def __repr__(self) -> str:
        rows = drawn.differences_text(self._rows())
        return Table(self._caption(), drawn.DIFFERENCE_COLUMNS, rows, note=self._note()).text()


def _difference(before: Run, after: Run, metric: str) -> Difference:
    then, now = told_apart(before, after, metric).of(metric), after.of(metric)
    return compare(
        dict(zip(then.cases, then.means, strict=True)),
        dict(zip(now.cases, now.means, strict=True)),
        clusters={
            **dict(zip(then.cases, then.clusters, strict=True)),
            **dict(zip(now.cases, now.clusters, strict=True)),
        },
        is_bounded=not after.units.get(metric),
    )
