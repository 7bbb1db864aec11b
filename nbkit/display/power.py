"""How many cases it takes to see a difference."""

from __future__ import annotations

import math
from dataclasses import dataclass

from nbkit.display.evaluated import Evaluated
from nbkit.display.evaluation import value_text
from nbkit.errors import BadSetting
from nbkit.evals.clustering import spread
from nbkit.evals.power import cases_needed, detectable, deviation_bounds, known_with, power_of
from nbkit.figures import count
from nbkit.registry import nearest


@dataclass(frozen=True, slots=True)
class Power:
    """What a comparison on one metric can see; draws as a sentence."""

    metric: str
    unit: str
    delta: float
    """The difference that is to be seen."""
    wanted: float
    """Chance with which it is to be seen."""
    sd: float
    """Standard deviation of the differences by case."""
    is_of_differences: bool
    """Whether `sd` was seen in differences to a baseline; else it is what two unrelated runs would have."""
    design_effect: float
    """How many times as large clusters make the variance."""
    cases: int
    """Cases that the run has."""
    needed: int
    """Cases that show `delta` with the chance that is wanted."""
    chance: float
    """With which the cases there are show it."""
    least: float
    """The smallest difference that they show with the chance that is wanted."""
    between: tuple[int, int] | None
    """Between what `needed` lies at 95 %, as far as the cases tell `sd`; None where they are too few to say."""

    @classmethod
    def of(cls, found: Evaluated, *, delta: float, metric: str | None, power: float) -> Power:
        """From a run, and its baseline where it has one. Raises `BadSetting`."""
        name = metric or next(iter(found))
        if name not in found:
            near = nearest(name, found)
            raise BadSetting(
                what=f"the run does not measure {name!r}",
                why=f"it measures {', '.join(found)}",
                fix=f"metric={near or next(iter(found))!r}",
            )
        if not (0 < power < 1 and delta and math.isfinite(delta)):
            raise BadSetting(
                what=f"power={power}, delta={delta} cannot be",
                why="a power is a chance between 0 and 1, and no number of cases shows a difference of 0",
                fix="nbkit.power(run, delta=0.03)",
            )
        values = found.run.of(name)
        seen = spread(values.means, values.clusters)
        sd, effect, n, is_paired = math.sqrt(2) * (seen.sd or 0.0), seen.design_effect, seen.n, False
        df = known_with(seen)
        if found.baseline is not None and name in (differences := found.compare(found.baseline)):
            one = differences[name]
            if one.sd and one.is_paired:
                sd, effect, n, is_paired, df = one.sd, one.design_effect, one.n, True, one.sd_df
        if not sd or n / effect <= 1:
            raise BadSetting(
                what=f"{name} has no spread to plan by",
                why="its values are all alike, or there are fewer than two",
                fix="run it on more cases first",
            )
        given, ends = {"design_effect": effect}, deviation_bounds(sd, df)
        return cls(
            name,
            found.run.units.get(name, ""),
            abs(delta),
            power,
            sd,
            is_paired,
            effect,
            n,
            cases_needed(sd, delta, power=power, **given),
            power_of(sd, delta, n, **given),
            detectable(sd, n, power=power, **given),
            None
            if ends is None
            else (
                cases_needed(ends[0], delta, power=power, **given),
                cases_needed(ends[1], delta, power=power, **given),
            ),
        )

    def __repr__(self) -> str:
        how = (
            "as the differences to the baseline spread" if self.is_of_differences else "as unrelated runs would spread"
        )
        cases = count(self.cases, "case")
        known = f"which {cases} are too few to tell well"
        if self.between is not None:
            known = f"as far as {cases} tell that: it may take {self.between[0]:,} to {self.between[1]:,}"
        return (
            f"A difference of {value_text(self.delta, self.unit)} in {self.metric} takes {count(self.needed, 'case')} "
            f"to be decisive {self.wanted:.0%} of the time, {how}, {known}. The {cases} there are "
            f"decide it {self.chance:.0%} of the time; what they decide {self.wanted:.0%} of the time is "
            f"{value_text(self.least, self.unit)}. So for one metric alone, two-sided at 5 %."
        )
