"""How far apart two runs are, how sure that is beside the other metrics compared, and how many more cases it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from nbkit.evals.power import cases_needed

Test: TypeAlias = Literal["mcnemar", "paired t", "clustered t", "score", "welch", "none"]
"""`none` where the values cannot say."""

_NOTHING = 1e-9
"""A difference below this share of the deviation is rounding."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher the mean of run B is than that of run A; `compare` makes it."""

    difference: float | None = None
    """B less A, over the cases compared; None where there is none."""
    low: float | None = None
    """Of this metric alone, also where Holm took several. None, as is `high`, where the differences cannot say: fewer
    than two, one cluster, or no spread."""
    high: float | None = None
    p: float | None = None
    """Two-sided; None where the values cannot say."""
    p_adjusted: float | None = None
    """After Holm over the metrics compared with it; as `p` until `together` sees them all."""
    effect_size: float | None = None
    """The difference in standard deviations: of the differences (Cohen's d_z), or, unpaired, of the values (d)."""
    n: int = 0
    """Cases that both runs have; where they share none, the cases of both."""
    left_out: int = 0
    """Cases that only one of the runs has, where they share others."""
    clusters: int | None = None
    """How many clusters the cases fall into; None where none is shared."""
    is_paired: bool = True
    test: Test = "none"
    mean_a: float | None = None
    """Over the cases compared."""
    mean_b: float | None = None
    std_error: float | None = None
    """Of the difference, robust to clusters."""
    sd: float | None = None
    """Standard deviation of the differences by case; unpaired, the one that n cases of this standard error have."""
    sd_df: float = 0.0
    """Degrees of freedom with which these cases tell `sd`; 0.0 where they do not."""
    design_effect: float = 1.0
    """How many times as large clusters make the variance of the difference."""
    compared: int = 1
    """How many metrics Holm took together."""
    confidence: float = 0.95

    @property
    def is_decisive(self) -> bool:
        """Whether the difference is more than the sample's luck, after Holm.

        >>> Difference(0.1, 0.01, 0.19, p=0.03, p_adjusted=0.09, compared=3).is_decisive
        False
        """
        return self.p_adjusted is not None and self.p_adjusted <= 1 - self.confidence

    def more_cases(self, *, power: float = 0.8) -> int | None:
        """How many more cases would show a true difference as large as the one seen with chance `power`.

        Unpaired, of both runs together. None where the difference is decisive, is 0, or has no spread. A plan, not a
        promise: the true difference is anywhere in the interval. It holds whatever the metrics beside this one show: by
        Bonferroni's share of the error, the least that Holm leaves. A test after each few more cases rejects a true
        null more often than it says; one at the number planned, on all cases, at most a little.

        >>> Difference(0.02, -0.03, 0.07, p=0.43, p_adjusted=0.43, n=60, sd=0.2).more_cases()
        727
        """
        if self.is_decisive or not (self.difference and self.sd and self.p and self.p_adjusted):
            return None
        if abs(self.difference) < _NOTHING * self.sd:
            return None
        confidence = 1 - (1 - self.confidence) / self.compared
        effect = self.design_effect
        needed = cases_needed(self.sd, self.difference, power=power, confidence=confidence, design_effect=effect)
        return max(1, needed - self.n)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values after the correction of Holm for how many they are, in the order given.

    Below the error rate, the chance of any false difference among all of them is below it too. Source: Holm 1979, "A
    simple sequentially rejective multiple test procedure"; equal to statsmodels `multipletests(method="holm")`.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, floor = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda one: p_values[one])):
        floor = max(floor, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = floor
    return adjusted


def together(differences: Mapping[str, Difference]) -> dict[str, Difference]:
    """The same differences, by metric, with their p-values corrected for all of them by Holm.

    One without a p-value stays as it is and does not count.

    >>> found = together({"f1": Difference(0.1, p=0.01, p_adjusted=0.01), "rouge": Difference(0.1, p=0.04)})
    >>> [one.p_adjusted for one in found.values()], found["f1"].compared
    ([0.02, 0.04], 2)
    """
    tested = {name: one.p for name, one in differences.items() if one.p is not None}
    corrected = dict(zip(tested, holm([*tested.values()]), strict=True))
    return {
        name: replace(one, p_adjusted=corrected[name], compared=len(tested)) if name in corrected else one
        for name, one in differences.items()
    }
