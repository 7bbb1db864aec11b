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
from nbkit.evals.correction import CorrectedRate, corrected_rate
from nbkit.evals.intervals import Estimate, estimate
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
    """Of both, beyond chance; with quadratic weights where grades are given."""
    repeated: Estimate | None
    """How often the judge says the same again; None where it was asked once."""
    by_length: LengthBias
    """How far its verdicts go with the length of the answer; it says little where people's do too."""
    usd_per_verdict: Decimal | None
    """None where no price is known."""
    pairs: tuple[tuple[bool, bool], ...]
    """Of each answer, whether the judge passed it, and whether people did."""

    @property
    def is_calibrated(self) -> bool:
        """Whether there are labels enough for a gate."""
        return self.labels >= LEAST_LABELS

    @property
    def why_no_gate(self) -> str | None:
        """Why no gate may rest on it; None for a judge that labels enough show to be better than chance."""
        if not self.is_calibrated:
            return f"it was set against {self.labels} labels, and a gate needs {LEAST_LABELS}"
        if self.kappa.low is None or self.kappa.low <= 0:
            return f"{self.labels} labels do not show it to be better than chance"
        return None

    def corrected(self, values: Values) -> CorrectedRate:
        """The share that people would pass of what the judge gave these values, by its errors on the labels."""
        passes = [float(mean >= PASSED) for mean in values.means]
        found = estimate(passes, clusters=values.clusters)
        return corrected_rate(found.mean or 0.0, len(passes), labelled=self.pairs)
