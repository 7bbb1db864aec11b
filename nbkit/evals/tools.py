"""What a metric is made from, and what it may use."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Protocol, TypeAlias

from nbkit.errors import BadSetting
from nbkit.evals.cases import NOTHING, Answer, Case, Score
from nbkit.protocols import Embedder

Supports: TypeAlias = Callable[[str, Sequence[str]], bool]
"""Whether passages, taken together, say what a sentence says."""


class Ask(Protocol):
    """Asks a model for a judgement. Called from several threads at once."""

    def __call__(self, prompt: str, *, schema: str | None = None, sample: int = 0) -> Answer:
        """The answer, with what it took; `schema` is JSON Schema that it has to fit. Raises an `NbkitError`.

        Two samples of one prompt are two calls; the same sample may come from the cache.
        """


@dataclass(frozen=True, slots=True)
class Tools:
    """What metrics may use, as far as it is there."""

    embedder: Callable[[], Embedder] | None = None
    """Gives the embedder, opened on first use; the same each time."""
    ask: Ask | None = None
    """Asks the judge's model."""
    supports: Supports | None = None
    """Tells whether passages support a sentence; None is by wording, as the guard `grounded` does it."""
    names: Mapping[str, object] = field(default_factory=dict)
    """Variables of the notebook, of which a metric may name one, such as the schema `json_schema:Person`."""

    def embedder_for(self, metric: str) -> Callable[[], Embedder]:
        """What gives the embedder; raises `BadSetting` where there is none.

        >>> from nbkit.testing import FakeEmbedder
        >>> Tools(embedder=FakeEmbedder).embedder_for("similarity")().name
        'fake'
        """
        if self.embedder is None:
            raise BadSetting(
                what=f"the metric {metric!r} needs an embedder",
                why="none was handed in",
                fix=f"leave {metric!r} out, or give `tools` an embedder",
            )
        return self.embedder


@dataclass(frozen=True, slots=True)
class MetricOptions:
    """What a metric is built from.

    An entry point of the group `nbkit.metrics` names a class, or a function, that takes it and gives a metric.
    """

    name: str
    """As it was asked for, parameter included, such as `numeric:0.01`: the metric's own name."""
    parameter: str = ""
    """What follows the colon, or the `@`; empty when nothing does."""
    tools: Tools = field(default_factory=Tools)


@dataclass(frozen=True, slots=True)
class FunctionMetric:
    """A metric that is a function of the case and its answer, which gives a score, a number, a truth value or None.

    True is 1 and False is 0; None says that there is nothing to score. What is no number is an error, never 0.

    >>> shout = FunctionMetric("shouts", lambda case, answer: answer.text.isupper())
    >>> shout.score(Case("q", "Hi?"), Answer("HI!")).value
    1.0
    """

    name: str
    of: Callable[[Case, Answer], object]
    is_better_high: bool = True
    unit: str = ""

    def score(self, case: Case, answer: Answer) -> Score:
        """What the function says."""
        given = self.of(case, answer)
        if isinstance(given, Score):
            return given
        if given is None:
            return NOTHING
        value = number_of(given)
        if value is None:
            return Score(None, "error", f"the metric gave {_named(given)}, which is no number")
        return Score(value)


def number_of(given: object) -> float | None:
    """The number that a function gave, also one of numpy; None for what is none, NaN and infinities included.

    >>> number_of(True), number_of(float("nan")), number_of("0.5")
    (1.0, None, None)
    """
    # numpy's truth values are no `Real`, but have the method that all its scalars have.
    plain = given.item() if hasattr(given, "item") and getattr(given, "size", 1) == 1 else given
    if not isinstance(plain, Real):
        return None
    try:
        value = float(plain)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def _named(given: object) -> str:
    return str(given) if isinstance(given, float) else f"a {type(given).__name__}"
