"""Two runs of an evaluation beside one another: each difference with its interval, and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from nbkit.display import evaluation as drawn
from nbkit.display.evaluation import DifferenceRow
from nbkit.display.judges import doubt, stretch
from nbkit.evals.alike import is_same_metric, told_apart, unlike
from nbkit.evals.comparing import compare
from nbkit.evals.differences import Difference, together
from nbkit.evals.judge_card import JudgeCard
from nbkit.evals.runs import Run
from nbkit.evals.sentences import sentence
from nbkit.evals.shown import Sieve
from nbkit.figures import count
from nbkit.tables import Table

_ALONE = "Each interval is of its metric alone; p counts {} (Holm), and decides."
_PLAN = (
    "More cases: so many that a difference as large as the one seen, were it the true one, is found in 4 of 5 samples. "
    "Decide on the number first: who looks again after every few cases finds one by chance."
)


class Comparison(Mapping[str, Difference]):
    """How a run differs from one before it, by metric; draws as a table with a sentence for each.

    Scores are one family for Holm, and what they take, such as seconds and dollars, another: whether an answer is good
    and what it costs are two questions, and showing a price beside a score makes no claim about the score weaker.
    Rejected: one family of all, which took F1 at p = 0.02 for undecided where latency and cost stood beside it.
    """

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
        found = {name: _difference(before, after, name) for name in names}
        scores = {name: one for name, one in found.items() if not after.units.get(name)}
        taken = {name: one for name, one in found.items() if name not in scores}
        corrected = {**together(scores), **together(taken)}
        self._differences = {name: corrected[name] for name in names}

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
            names=self._names(),
            unit=self.after.units.get(metric, ""),
            is_better_high=metric not in self.after.lower_is_better,
        )

    def _names(self) -> tuple[str, str]:
        """Of both runs; with their ids where they have one name."""
        runs = (self.before, self.after)
        if self.before.name != self.after.name:
            return self.before.name, self.after.name
        first, second = (f"{one.name} ({one.id[:8]})" for one in runs)
        return first, second

    def _rows(self) -> list[DifferenceRow]:
        redact = self._sieve.redact
        return [
            DifferenceRow(name, self.after.units.get(name, ""), one, redact(self._said(name)))
            for name, one in self._differences.items()
        ]

    def _said(self, metric: str) -> str:
        if metric not in self._cards:
            return self.sentence(metric)
        card = self._cards[metric]
        return f"{self.sentence(metric)} ({doubt(card)}{stretch(card)})"

    def _caption(self) -> str:
        before, after = self._names()
        had = {one.case.id for one in told_apart(self.before, self.after).graded}
        has = {one.case.id for one in self.after.graded}
        alone = [f"{len(own)} of {name} alone" for own, name in ((had - has, before), (has - had, after)) if own]
        if not had & has:
            said = f"{after} against {before}, which share no case: of different cases, unpaired"
        else:
            left = (
                f", over the {count(len(had & has), 'case')} of both; {' and '.join(alone)} left out" if alone else ""
            )
            said = f"{after} against {before}, paired by case{left}"
        return self._sieve.redact(said)

    def _note(self) -> str:
        parts = [
            _ALONE.format(_counted(self)) if any(one.compared > 1 for one in self.values()) else "",
            _PLAN if any(one.more_cases() is not None for one in self.values()) else "",
            unlike(self.before, self.after),
        ]
        return self._sieve.redact(" ".join(filter(None, parts)))

    def _repr_html_(self) -> str:
        return drawn.differences_html(self._rows(), caption=self._caption(), note=self._note())

    def __repr__(self) -> str:
        rows = drawn.differences_text(self._rows())
        return Table(self._caption(), drawn.DIFFERENCE_COLUMNS, rows, note=self._note()).text()


def _counted(found: Comparison) -> str:
    """How many metrics each family has."""
    scores, taken = (
        max((one.compared for name, one in found.items() if bool(found.after.units.get(name)) == is_taken), default=0)
        for is_taken in (False, True)
    )
    of_scores = f"that {count(scores, 'score')} are compared" if scores > 1 else ""
    of_taken = f"that {count(taken, 'measure')} of what they take are" if taken > 1 else ""
    return ", and apart from them ".join(filter(None, (of_scores, of_taken)))


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
