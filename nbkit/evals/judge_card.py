"""How far a judge can be trusted, measured against answers that people judged.

A judge whose errors nobody knows says nothing about an answer, however sure it sounds. So it stops no gate before it
was set against at least `LEAST_LABELS` labels, and its card stands beside every mean that it gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from nbkit.evals.agreement import Coefficient
from nbkit.evals.biases import LengthBias
from nbkit.evals.correction import CorrectedRate, corrected_rate, counted
from nbkit.evals.intervals import Estimate
from nbkit.evals.runs import Values

LEAST_LABELS: Final = 50
"""Labels that a judge needs before a gate may rest on it: kappa's interval is still some 0.25 wide on either side."""
PASSED: Final = 0.5
"""The least value that counts as a pass."""


@dataclass(frozen=True, slots=True)
class JudgeCard:
    """What is known of one judge: criterion, model, parameters and scale are its identity."""

    identity: str
    name: str
    rubric: str
    model: str
    measured_at: datetime
    labels: int
    """Answers that people and the judge judged."""
    failed: int
    """Answers of which the judge gave no verdict."""
    agreement: Estimate
    """Share of answers on which both say the same, pass or fail."""
    kappa: Coefficient
    """Of both, beyond chance; with quadratic weights where grades are given. Labels of one question are a cluster."""
    repeated: Estimate | None
    """How often the judge says the same again; None where it was asked once."""
    by_length: LengthBias
    """How far its verdicts go with the length of the answer; a bias as far as people's do not."""
    usd_per_verdict: Decimal | None
    """None where no price is known."""
    pairs: tuple[tuple[bool, bool], ...]
    """Of each answer, whether the judge passed it, and whether people did."""
    clusters: tuple[int, ...] = ()
    """Of each answer, the number of what it shares with others: of its question, where the data set names nothing."""
    people_by_length: LengthBias | None = None
    """How far people's labels go with the length of the answer; None on a card of before it was measured."""
    scale: str = "pass"

    @property
    def is_calibrated(self) -> bool:
        """Whether a gate may rest on it."""
        return not self.flaw

    @property
    def flaw(self) -> str:
        """Why no gate may rest on it: too few labels, or none that show more than chance. Empty where one may."""
        if self.labels < LEAST_LABELS:
            return f"it was set against {self.labels} labels, and a gate needs {LEAST_LABELS}"
        if self.kappa.low is None or self.kappa.low <= 0:
            return f"{self.labels} labels do not show it to be better than chance"
        return ""

    def corrected(self, values: Values) -> CorrectedRate:
        """The share of answers that people would pass, of what the judge gave these values, by its errors on labels.

        Each sample is an answer of its own, as each label is. Where cases share clusters they count as fewer.
        """
        samples = values.repeats or tuple((mean,) for mean in values.means)
        passes = [sum(one >= PASSED for one in each) / len(each) for each in samples]
        if not passes:
            return CorrectedRate(None, None, None, 0.0, None, None, len(self.pairs), 0.95)
        rate, n = min(1.0, sum(passes) / len(passes)), counted(passes, values.clusters)
        return corrected_rate(rate, n, labelled=self.pairs, clusters=self.clusters or None)

    @property
    def youden(self) -> float | None:
        """By how much more often the judge passes what people pass than what they fail; None where labels lack either.

        Two runs that people would tell apart by 0.1 differ by 0.1 times as much in the judge's rates.
        """
        found = corrected_rate(0.5, 1, labelled=self.pairs)
        if found.sensitivity is None or found.specificity is None:
            return None
        return found.sensitivity + found.specificity - 1
