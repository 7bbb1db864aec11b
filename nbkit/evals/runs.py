"""One run of an evaluation: what it is pinned to, and what came of each case."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from nbkit.canonical import canonical_json, sha256
from nbkit.evals.cases import Answer, Case, Score
from nbkit.recorded import Failure
from nbkit.types import JsonValue

ID_CHARS = 8
"""How much of its id a run is shown by."""
_NOT_OF_IDENTITY = ("nbkit_version", "prices_as_of")


@dataclass(frozen=True, slots=True)
class Pins:
    """Everything that decides what a run measures."""

    task: str
    """The prompt as it was written, or the name of the function."""
    task_sha256: str | None
    """Of prompt and parameters, or of the function's source; None where that cannot be read."""
    settings: Mapping[str, JsonValue] = field(default_factory=dict)
    """Model, parameters and search that the answers were asked with."""
    index: str | None = None
    index_version: str | None = None
    """Hash of all documents of the index, and of what they were cut and embedded with."""
    dataset: str = ""
    dataset_sha256: str = ""
    cases: int = 0
    """How many of its cases, from the first."""
    samples: int = 1
    metrics: tuple[str, ...] = ()
    nbkit_version: str = ""
    prices_as_of: str | None = None

    @property
    def identity(self) -> str | None:
        """The same for runs that measure the same; None where that cannot be known.

        >>> Pins("Say {{ input }}", "ab").identity == Pins("Say {{ input }}", "ab", nbkit_version="2").identity
        True
        """
        if self.task_sha256 is None:
            return None
        pinned = {name: getattr(self, name) for name in self.__slots__ if name not in _NOT_OF_IDENTITY}
        return sha256(canonical_json(pinned))


@dataclass(frozen=True, slots=True)
class Graded:
    """What came of one sample of one case: an answer with its scores, or an error."""

    case: Case
    sample: int
    answer: Answer | None
    """None where there is none."""
    scores: Mapping[str, Score] = field(default_factory=dict)
    """By the name of the metric."""
    error: Failure | None = None
    """Why there is no answer: then it counts in no mean."""
    asked: str = ""
    """Hash of the question, which tells a case from another of its name; empty where it is not known."""
    right: str = ""
    """Hash of what is expected, likewise."""
    sought: str = ""
    """Hash of what a search should find, likewise."""


@dataclass(frozen=True, slots=True)
class Values:
    """What one metric says of the cases of a run: one value for each case, the mean of its samples."""

    cases: tuple[str, ...]
    means: tuple[float, ...]
    clusters: tuple[str | None, ...]
    """One for each value; None for a case that shares nothing with others."""
    repeats: tuple[tuple[float, ...], ...]
    """The values of the samples of each case."""
    failed: int = 0
    """Samples without a value because the answer or the metric failed."""
    unscored: int = 0
    """Samples that the metric has nothing to say of."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run, whole or as far as it came."""

    id: str
    name: str
    started_at: datetime
    pins: Pins
    graded: tuple[Graded, ...] = ()
    """In the order of the cases, each with its samples in order."""
    finished_at: datetime | None = None
    """None for one that was stopped: the same evaluation goes on with it."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Of metrics that are no share: `s`, `USD`."""
    lower_is_better: tuple[str, ...] = ()
    """Names of metrics of which less is better."""
    notes: tuple[str, ...] = ()
    """What the reader should know before the figures, one text for each."""

    asked_by: str = ""
    """The command that had a notebook executed for it; empty where a reader asked."""

    @property
    def title(self) -> str:
        """Its name with the beginning of its id, which no other run has.

        >>> Run("3f2a1b9c04d5", "plain", datetime(2026, 1, 2), Pins("p", None)).title
        'plain (3f2a1b9c)'
        """
        short = self.id[:ID_CHARS]
        return short if self.name == short else f"{self.name} ({short})"

    @property
    def planned(self) -> int:
        """How many answers a whole run has."""
        return self.pins.cases * self.pins.samples

    @property
    def answered(self) -> int:
        """How many answers there are."""
        return sum(one.answer is not None for one in self.graded)

    @property
    def failed(self) -> tuple[Graded, ...]:
        """Those without an answer."""
        return tuple(one for one in self.graded if one.error is not None)

    @property
    def usd(self) -> Decimal | None:
        """What answers and verdicts cost that were asked for, hits not counted; None where a price is not known."""
        return paid(self.graded)

    def of(self, metric: str) -> Values:
        """What one metric says, in the order of the cases."""
        by_case: dict[str, list[float]] = {}
        clusters: dict[str, str | None] = {}
        failed = unscored = 0
        for one in self.graded:
            score = one.scores.get(metric)
            if score is not None and score.value is not None:
                by_case.setdefault(one.case.id, []).append(score.value)
                clusters[one.case.id] = one.case.cluster
            elif score is not None and score.status == "none":
                unscored += 1
            else:
                failed += 1
        return Values(
            tuple(by_case),
            tuple(math.fsum(values) / len(values) for values in by_case.values()),
            tuple(clusters.values()),
            tuple(tuple(values) for values in by_case.values()),
            failed,
            unscored,
        )


def paid(graded: Iterable[Graded]) -> Decimal | None:
    """What answers and the verdicts of judges cost, hits not counted; None once a price is not known."""
    total = Decimal(0)
    for one in graded:
        answer = one.answer
        spent = [answer.usd] if answer is not None and not answer.is_cached else []
        for amount in [*spent, *(score.paid_usd for score in one.scores.values() if score.record_ids)]:
            if amount is None:
                return None
            total += amount
    return total
