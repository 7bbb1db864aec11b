"""How far two who label the same cases agree, beyond chance: judges and people, or one judge and itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal, TypeAlias

from nbkit.evals.clustering import places, spread
from nbkit.evals.distributions import critical
from nbkit.evals.intervals import Estimate, estimate
from nbkit.evals.proportions import wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Label: TypeAlias = str | int | float | bool
Weights: TypeAlias = Literal["none", "linear", "quadratic"]
Level: TypeAlias = Literal["nominal", "ordinal", "interval"]
"""Labels that are names; that have an order; that are numbers."""

_RATERS = 2


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient of agreement: 1 is perfect, 0 is chance, below is worse than chance."""

    value: float | None
    """None where everyone always says the same, so that chance explains all; and where there is nothing to compare."""
    low: float | None
    high: float | None
    n: int
    """Cases that two labelled."""
    std_error: float | None
    confidence: float


def self_agreement(
    samples: Sequence[Sequence[Hashable]],
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """How often two verdicts on the same answer are the same: the mean over cases of the share of pairs that agree.

    `samples`: each case's verdicts; a case with fewer than two is left out.

    >>> round(self_agreement([["yes", "yes", "no"], ["no", "no", "no"], ["yes"]]).mean, 3)
    0.667
    """
    kept = [place for place, verdicts in enumerate(samples) if len(verdicts) >= _RATERS]
    shares = []
    for place in kept:
        pairs = [*combinations(samples[place], 2)]
        shares.append(sum(left == right for left, right in pairs) / len(pairs))
    named = None if clusters is None else [clusters[place] for place in kept]
    return estimate(shares, clusters=named, confidence=confidence)


def cohen_kappa(
    first: Sequence[Label],
    second: Sequence[Label],
    *,
    weights: Weights = "none",
    categories: Sequence[Label] | None = None,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> Coefficient:
    """Agreement of two who labelled the same cases, beyond what their own frequencies of labels give by chance.

    `weights`: what a disagreement costs by its distance: all alike, or linear, or squared. The distance is that of
    numbers where all labels are, else of places in `categories`, which then gives the order. The standard error is that
    of Fleiss, Cohen & Everitt 1969; where all agree it would be 0, and the interval is Wilson's of the share that
    agrees. Where cases share `clusters` it is that of `clustering`, over what each case adds to kappa. Raises
    `ValueError` for labels of different number, and for one that `categories` does not have.

    >>> one = cohen_kappa(["yes"] * 25 + ["no"] * 25, ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15)
    >>> round(one.value, 3), round(one.low, 3), round(one.high, 3)
    (0.4, 0.151, 0.649)
    """
    import numpy as np

    names = _names([*first, *second], categories)
    table, n = np.zeros((len(names), len(names))), len(first)
    cells = [(names.index(left), names.index(right)) for left, right in zip(first, second, strict=True)]
    for cell in cells:
        table[cell] += 1
    if not n:
        return Coefficient(None, None, None, 0, None, confidence)
    agreed = 1 - _distances(names, weights)
    shares = table / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    seen, chance = float((agreed * shares).sum()), float(rows @ agreed @ columns)
    if math.isclose(chance, 1.0):
        return Coefficient(None, None, None, n, None, confidence)
    value = (seen - chance) / (1 - chance)
    if max(rows.max(), columns.max()) == 1.0:
        # Who always says the same agrees as often as chance does, whatever the other says: that 0 has no spread.
        return Coefficient(value, None, None, n, None, confidence)
    expected = (agreed @ columns)[:, None] + (rows @ agreed)[None, :]
    added = (agreed - expected * (1 - value)) / (1 - chance)
    found = spread([float(added[cell]) for cell in cells], clusters)
    if math.isclose(seen, 1.0):
        low = (wilson(1.0, found.alone, confidence=confidence)[0] - chance) / (1 - chance)
        return Coefficient(value, max(-1.0, low), 1.0, n, 0.0, confidence)
    error, reach = math.sqrt(float((shares * (added - found.mean) ** 2).sum()) / n), critical(confidence)
    if found.is_clustered:
        if found.std_error is None or found.df is None:
            return Coefficient(value, None, None, n, None, confidence)
        error, reach = found.std_error, critical(confidence, found.df)
    low, high = value - reach * error, value + reach * error
    return Coefficient(value, max(-1.0, low), min(1.0, high), n, error, confidence)


def krippendorff_alpha(
    ratings: Sequence[Sequence[Label | None]],
    *,
    level: Level = "nominal",
    categories: Sequence[Label] | None = None,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    draws: int = 2_000,
    seed: int = 0,
) -> Coefficient:
    """Agreement of any number of raters, some of whom may not have labelled every case, beyond chance.

    `ratings`: each case's labels, None where a rater gave none; a case with fewer than two labels does not count.
    `categories`: the order of labels that are no numbers, for `ordinal`. The interval is a percentile bootstrap over
    cases, or over `clusters` of them, the same for the same `seed`; None where no two labels differ. Raises
    `ValueError` for labels that are no numbers at level `interval`. Source: Krippendorff 2011, "Computing
    Krippendorff's Alpha-Reliability".

    >>> round(krippendorff_alpha([[1, 1], [2, 2], [3, 3], [3, 3], [2, 2], [1, 2]]).value, 3)
    0.766
    """
    import numpy as np

    units = [[label for label in unit if label is not None] for unit in ratings]
    kept = [at for at, unit in enumerate(units) if len(unit) >= _RATERS]
    shared = None if clusters is None else [clusters[at] for at in kept]
    units = [units[at] for at in kept]
    names = _names([label for unit in units for label in unit], categories)
    if level == "interval" and not all(isinstance(name, int | float) for name in names):
        msg = "at level interval the labels are numbers"
        raise ValueError(msg)
    if len({label for unit in units for label in unit}) < _RATERS:
        return Coefficient(None, None, None, len(units), None, confidence)
    counts = np.array([[unit.count(name) for name in names] for unit in units], dtype=float)
    seen, chance = _disagreements(counts, np.ones((1, len(units))), names, level)
    value, place = float(1 - seen[0] / chance[0]), np.array(places([0.0] * len(units), shared))
    sizes = np.bincount(place)
    if not seen[0]:
        # Where all agree every choice of cases does: as for kappa, the interval is Wilson's.
        farthest = _squared_distances(counts.sum(axis=0), names, level).max()
        alone = len(units) ** 2 / float((sizes**2).sum())
        low = 1 - (1 - wilson(1.0, alone, confidence=confidence)[0]) * farthest / chance[0]
        return Coefficient(1.0, max(-1.0, float(low)), 1.0, len(units), 0.0, confidence)
    if len(sizes) == 1:
        return Coefficient(value, None, None, len(units), None, confidence)
    chosen = np.random.default_rng(seed).multinomial(len(sizes), [1 / len(sizes)] * len(sizes), draws)[:, place]
    seen, chance = _disagreements(counts, chosen.astype(float), names, level)
    # A choice of cases in which all labels are the same has no alpha.
    drawn = 1 - seen[chance > 0] / chance[chance > 0]
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Coefficient(value, float(low), float(high), len(units), float(drawn.std()), confidence)


def _disagreements(
    counts: NDArray[np.float64], chosen: NDArray[np.float64], names: Sequence[Label], level: Level
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each choice of cases, how far labels are apart within cases, and how far they would be by chance."""
    import numpy as np

    totals = chosen @ counts
    if level == "ordinal" and len(chosen) > 1:
        # The distance of two labels depends on how many lie between, which is another with each choice.
        each = [_disagreements(counts, one[None], names, level) for one in chosen]
        return np.concatenate([seen for seen, _ in each]), np.concatenate([chance for _, chance in each])
    apart = _squared_distances(totals[0], names, level)
    within = ((counts @ apart) * counts).sum(axis=1) / (counts.sum(axis=1) - 1)
    numbers = totals.sum(axis=1)
    return chosen @ within / numbers, ((totals @ apart) * totals).sum(axis=1) / (numbers * (numbers - 1))


def _squared_distances(totals: NDArray[np.float64], names: Sequence[Label], level: Level) -> NDArray[np.float64]:
    import numpy as np

    apart: NDArray[np.float64] = 1 - np.eye(len(names))
    if level == "interval":
        numbers = np.array(names, dtype=float)
        apart = numbers[:, None] - numbers[None, :]
    elif level == "ordinal":
        middles = np.cumsum(totals) - totals / 2
        apart = middles[:, None] - middles[None, :]
    return apart**2


def _distances(names: Sequence[Label], weights: Weights) -> NDArray[np.float64]:
    """From 0 to 1, the farthest pair being 1."""
    import numpy as np

    apart: NDArray[np.float64] = 1 - np.eye(len(names))
    if weights != "none":
        are_numbers = all(isinstance(name, int | float) for name in names)
        places = np.array(names if are_numbers else range(len(names)), dtype=float)
        apart = np.abs(places[:, None] - places[None, :])
        apart = (apart / (apart.max() or 1.0)) ** (1 if weights == "linear" else 2)
    return apart


def _names(labels: Sequence[Label], categories: Sequence[Label] | None) -> list[Label]:
    if categories is None:
        order: Callable[[Label], tuple[bool, float, str]] = lambda one: (  # noqa: E731
            isinstance(one, str),
            0.0 if isinstance(one, str) else float(one),
            str(one),
        )
        return sorted(set(labels), key=order)
    unknown = next((label for label in labels if label not in categories), None)
    if unknown is not None:
        msg = f"{unknown!r} is none of the categories"
        raise ValueError(msg)
    return [*categories]
