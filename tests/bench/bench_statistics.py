"""Whether intervals cover what they say, and tests reject true nulls as often as they say: by simulation, printed.

Every row draws the same sample many times from a population whose mean is known. The goal is a coverage of 95 ± 1 %
and a type-I error of 5 ± 1 %, marked where it is missed. Beside each stands the usual method: Student's t or the naive
interval that takes clustered values for independent ones. Binary rows are not simulated but summed over all outcomes:
`attainable` are the two coverages nearest 95 % that any interval can have there, since a rate of n cases takes only
n + 1 values; `near` is the mean over 200 rates within .04 of that one, which no interval can be tuned to.
Run: python tests/bench/bench_statistics.py [--draws 10000] [--only PART …]
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent))

from statistics_populations import CLUSTERED, LAYOUTS, PAIRED, SKEWED, UNBOUNDED, normal_clusters

from nbkit.evals.clustering import spread
from nbkit.evals.comparing import compare
from nbkit.evals.correction import corrected_rate
from nbkit.evals.distributions import critical
from nbkit.evals.intervals import estimate, quantile
from nbkit.evals.proportions import score_bounds

_GOAL = (0.94, 0.96)
_SIZES = (20, 50, 500)


def _mark(rate: float) -> str:
    return f"{rate:7.1%}{' ' if _GOAL[0] <= rate <= _GOAL[1] else '*'}"


def independent(draws: int) -> Iterator[str]:
    generator = np.random.default_rng(11)
    yield "independent values: coverage of estimate()          ours   Student t"
    for name, (draw, mean) in {**UNBOUNDED, **SKEWED}.items():
        for n in _SIZES:
            ours = theirs = 0
            reach = stats.t.ppf(0.975, n - 1)
            for _ in range(draws):
                values = draw(generator, n)
                found = estimate(values.tolist(), is_bounded=name in SKEWED)
                ours += found.low is not None and found.low <= mean <= found.high
                theirs += abs(values.mean() - mean) <= reach * values.std(ddof=1) / math.sqrt(n)
            yield f"  {name:20s} n={n:<4d} {' ' * 18} {_mark(ours / draws)}  {_mark(theirs / draws)}"


def binary(_: int) -> Iterator[str]:
    yield "independent 0/1: exact coverage of Wilson            ours      near    attainable"
    for p in (0.05, 0.5, 0.95):
        for n in _SIZES:
            bounds = [estimate([1.0] * k + [0.0] * (n - k)) for k in range(n + 1)]
            at = _covered(bounds, n, p)
            near = np.mean([_covered(bounds, n, one) for one in np.linspace(p - 0.04, p + 0.04, 200)])
            less, more = _attainable(n, p)
            yield f"  p = {p:4.2f}             n={n:<4d} {' ' * 18} {_mark(at)}  {_mark(near)}  {less:.1%} {more:.1%}"


def _covered(bounds: list, n: int, p: float) -> float:
    return float(sum(stats.binom.pmf(k, n, p) for k, one in enumerate(bounds) if one.low <= p <= one.high))


def _attainable(n: int, p: float) -> tuple[float, float]:
    """The chances of runs of outcomes, nearest 95 % from below and from above."""
    below = np.concatenate([[0.0], stats.binom.cdf(np.arange(n + 1), n, p)])
    chances = (below[None, :] - below[:, None])[np.triu_indices(n + 2, 1)]
    return float(chances[chances <= 0.95].max()), float(chances[chances >= 0.95].min())


def clustered(draws: int) -> Iterator[str]:
    generator = np.random.default_rng(12)
    yield "clustered values: coverage of estimate()             ours  kurtosis 0  G - 1, t   naive rejects"
    for layout, sizes in LAYOUTS.items():
        groups = np.repeat(np.arange(len(sizes)), sizes)
        for name, (draw, mean) in CLUSTERED.items():
            ours = plain = theirs = naive = 0
            reach = stats.t.ppf(0.975, len(sizes) - 1)
            for _ in range(draws):
                values = draw(generator, sizes)
                found = estimate(values.tolist(), clusters=groups.tolist(), is_bounded=name not in UNBOUNDED)
                ours += found.low <= mean <= found.high
                low, high = (
                    _without_kurtosis(values, groups) if found.method == "effective wilson" else (found.low, found.high)
                )
                plain += low <= mean <= high
                sums = np.bincount(groups, weights=values - values.mean())
                usual = math.sqrt((sums**2).sum() * len(sizes) / (len(sizes) - 1)) / len(values)
                theirs += abs(values.mean() - mean) <= reach * usual
                naive += abs(values.mean() - mean) > 1.959964 * values.std(ddof=1) / math.sqrt(len(values))
            rates = f"{_mark(ours / draws)}  {_mark(plain / draws)}   {_mark(theirs / draws)}  {naive / draws:7.1%}"
            yield f"  {layout:20s} {name:24s}    {rates}"


def _without_kurtosis(values: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    seen = spread(values.tolist(), groups.tolist())
    share = seen.mean * (1 - seen.mean)
    most, number = 1 / seen.alone, seen.variance / share if share else math.inf
    return score_bounds(seen.mean, critical(0.95, seen.df) ** 2 * min(most, number))


def paired(draws: int) -> Iterator[str]:
    generator = np.random.default_rng(13)
    yield "the same cases: compare()                          coverage  rejects a true null"
    for name, (draw, true) in PAIRED.items():
        for n in _SIZES:
            covered = rejected = 0
            for _ in range(draws):
                a, b = draw(generator, n)
                found = compare(_named(a), _named(b), is_bounded=name.split(",")[0] not in UNBOUNDED)
                covered += found.low is not None and found.low <= true <= found.high
                rejected += found.is_decisive
            null = (
                f"{rejected / draws:7.1%}{_off(rejected / draws)}" if not true else f"   (power {rejected / draws:.0%})"
            )
            yield f"  {name:26s} n={n:<4d} {' ' * 12} {_mark(covered / draws)}  {null}"


def paired_clustered(draws: int) -> Iterator[str]:
    generator = np.random.default_rng(14)
    yield "the same cases in clusters: compare()              coverage  rejects a true null   naive"
    for layout, sizes in LAYOUTS.items():
        groups = _named(np.repeat(np.arange(len(sizes)), sizes))
        for name, (draw, _) in CLUSTERED.items():
            covered = rejected = naive = 0
            for _ in range(draws):
                a, b = draw(generator, sizes), draw(generator, sizes)
                found = compare(_named(a), _named(b), clusters=groups, is_bounded=name not in UNBOUNDED)
                covered += found.low is not None and found.low <= 0 <= found.high
                rejected += found.is_decisive
                apart = b - a
                naive += abs(apart.mean()) > 1.959964 * apart.std(ddof=1) / math.sqrt(len(apart))
            rates = f"{_mark(covered / draws)}  {rejected / draws:7.1%}{_off(rejected / draws)}  {naive / draws:15.1%}"
            yield f"  {layout:20s} {name:24s}   {rates}"


def unpaired(draws: int) -> Iterator[str]:
    generator = np.random.default_rng(15)
    yield "runs that share no case: compare()                 coverage  rejects a true null"
    binary = {f"0/1 p = {p}": (lambda one, n, p=p: (one.random(n) < p).astype(float)) for p in (0.05, 0.5, 0.95)}
    kinds = {name: draw for name, (draw, _) in SKEWED.items() if name.startswith("F1")} | binary
    for name, draw in kinds.items():
        for n in _SIZES:
            covered = rejected = 0
            for _ in range(draws):
                a, b = draw(generator, n), draw(generator, n)
                found = compare(_named(a), {f"b{case}": value for case, value in _named(b).items()})
                covered += found.low is not None and found.low <= 0 <= found.high
                rejected += found.is_decisive
            rates = f"{_mark(covered / draws)}  {rejected / draws:7.1%}{_off(rejected / draws)}"
            yield f"  {name:26s} n={n:<4d} {' ' * 12} {rates}"


def quantiles(draws: int) -> Iterator[str]:
    generator = np.random.default_rng(16)
    yield "p50 and p95 of lognormal seconds: coverage          ours   percentile bootstrap (both of draws / 10)"
    for at in (0.5, 0.95):
        true = math.exp(stats.norm.ppf(at) * 0.8)
        for n in _SIZES:
            ours = theirs = 0
            for _ in range(few := max(1, draws // 10)):
                values = generator.lognormal(0, 0.8, n)
                found = quantile(values.tolist(), at)
                ours += (found.low or 0.0) <= true <= (found.high or math.inf)
                drawn = np.quantile(values[generator.integers(0, n, (500, n))], at, axis=1)
                low, high = np.quantile(drawn, (0.025, 0.975))
                theirs += low <= true <= high
            yield f"  p{at * 100:.0f}                  n={n:<4d} {' ' * 18} {_mark(ours / few)}  {_mark(theirs / few)}"
        sizes = LAYOUTS["50 x 10"]
        groups = np.repeat(np.arange(len(sizes)), sizes).tolist()
        ours = 0
        for _ in range(draws):
            normal = (normal_clusters(generator, sizes) - 3) * 0.8
            found = quantile(np.exp(normal).tolist(), at, clusters=groups)
            ours += (found.low or 0.0) <= true <= (found.high or math.inf)
        yield f"  p{at * 100:.0f}, 50 x 10 clusters {' ' * 26} {_mark(ours / draws)}"


def corrections(draws: int) -> Iterator[str]:
    generator = np.random.default_rng(17)
    yield "rates corrected for a judge's errors: coverage       ours   judge's own, Wilson"
    for rate in (0.1, 0.5, 0.9):
        for right, labels, n in ((0.9, 50, 200), (0.9, 200, 500), (0.75, 100, 200), (0.97, 50, 200)):
            ours = theirs = 0
            for _ in range(draws):
                people = generator.random(labels) < rate
                judged = np.where(generator.random(labels) < right, people, ~people)
                observed = generator.binomial(n, rate * right + (1 - rate) * (1 - right)) / n
                found = corrected_rate(observed, n, labelled=list(zip(judged.tolist(), people.tolist(), strict=True)))
                ours += found.low is None or found.low <= rate <= found.high
                own = estimate([1.0] * round(observed * n) + [0.0] * round(n - observed * n))
                theirs += own.low <= rate <= own.high
            row = f"rate {rate}, judge right {right}, {labels} labels, n={n}"
            yield f"  {row:50s} {_mark(ours / draws)}  {theirs / draws:7.1%}"


def _named(values: np.ndarray) -> dict[str, float]:
    return {str(place): value for place, value in enumerate(values.tolist())}


def _off(rate: float) -> str:
    return " " if 1 - _GOAL[1] <= rate <= 1 - _GOAL[0] else "*"


PARTS = {
    "independent": independent,
    "binary": binary,
    "clustered": clustered,
    "paired": paired,
    "paired_clustered": paired_clustered,
    "unpaired": unpaired,
    "quantiles": quantiles,
    "corrections": corrections,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=[*PARTS])
    given = parser.parse_args()
    for name in given.only:
        start = time.process_time()
        for line in PARTS[name](given.draws):
            print(line, flush=True)
        print(
            f"  ({given.draws:,} draws a row, {time.process_time() - start:.0f} s of CPU; * outside 95 ± 1 %)\n",
            flush=True,
        )


if __name__ == "__main__":
    main()
