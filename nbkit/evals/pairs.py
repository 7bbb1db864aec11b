"""What the verdicts of a judge of pairs show of the judge: how far they follow the places and lengths of answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from nbkit.evals.biases import LengthBias, PositionBias, Winner, length_bias, position_bias
from nbkit.evals.cases import Score
from nbkit.evals.runs import Run

_BOTH = 2
"""Verdicts of a pair, one for each order."""
_WINNERS: dict[float, Winner] = {1.0: "a", 0.5: "tie", 0.0: "b"}


@dataclass(frozen=True, slots=True)
class PairCard:
    """What is known of a judge of pairs from the pairs of a run; no labels are needed for it."""

    name: str
    model: str
    same: int
    """Pairs that nobody judged, since both answers are the same text: they count as no preference."""
    failed: int
    """Pairs without a verdict in one order or both."""
    by_position: PositionBias
    by_length: LengthBias
    """Of how much longer the answer is than the other."""
    usd_per_verdict: Decimal | None
    """None where no price is known."""
    clusters: int | None
    """How many clusters the pairs fall into; None where none is shared."""


def pair_cards(run: Run) -> list[PairCard]:
    """The card of each judge of pairs among the metrics of a run.

    >>> from datetime import UTC, datetime
    >>> from nbkit.evals.runs import Pins
    >>> pair_cards(Run("id", "plain", datetime.now(UTC), Pins("p", None, metrics=("f1",))))
    []
    """
    pairs = run.pins.settings.get("pairs")
    models = pairs if isinstance(pairs, dict) else {}
    return [_card(run, name, str(models[name])) for name in run.pins.metrics if name in models]


def _card(run: Run, name: str, model: str) -> PairCard:
    scores = [(one.scores[name], one.case) for one in run.graded if name in one.scores]
    judged = [(score, case.cluster or case.id) for score, case in scores if len(score.repeats) == _BOTH]
    clusters = [cluster for _, cluster in judged]
    by_position = position_bias([_winners(score) for score, _ in judged], clusters=clusters)
    measured = [score for score, _ in judged if score.longer_chars is not None and score.value is not None]
    return PairCard(
        name,
        model,
        sum(score.status == "ok" and not score.repeats for score, _ in scores),
        sum(score.status == "error" for score, _ in scores),
        by_position,
        length_bias([one.value or 0.0 for one in measured], [float(one.longer_chars or 0) for one in measured]),
        _price([score for score, _ in judged]),
        by_position.flipped.clusters,
    )


def _winners(score: Score) -> tuple[Winner, Winner]:
    """Who won with the answer shown first, and with the other shown first; the answer is `a`."""
    first, second = (_WINNERS[value] for value in score.repeats)
    return first, second


def _price(scores: Sequence[Score]) -> Decimal | None:
    known = [score.usd for score in scores if score.usd is not None]
    return sum(known, Decimal(0)) / (_BOTH * len(scores)) if scores and len(known) == len(scores) else None
