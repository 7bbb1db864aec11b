"""Populations whose mean is known, for the simulations of `bench_statistics.py`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Sampler = Callable[[np.random.Generator, int], np.ndarray]
ClusterSampler = Callable[[np.random.Generator, np.ndarray], np.ndarray]
PairSampler = Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]]

_GROUPS, _EACH = 50, 10
_CORRELATION = 2 / 3
"""Within clusters of 10: the naive interval then rejects a true null 45.9 % of the time."""


def _skewed(perfect: float, failed: float) -> tuple[Sampler, float]:
    """Scores like F1: many 1, some 0, the rest between."""

    def draw(generator: np.random.Generator, n: int) -> np.ndarray:
        which = generator.random(n)
        return np.where(which < perfect, 1.0, np.where(which < perfect + failed, 0.0, generator.beta(2, 2, n)))

    return draw, perfect + (1 - perfect - failed) / 2


SKEWED: dict[str, tuple[Sampler, float]] = {
    "F1, half perfect": _skewed(0.5, 0.25),
    "F1, mean .9": _skewed(0.85, 0.05),
    "beta(.5, .2)": (lambda generator, n: generator.beta(0.5, 0.2, n), 0.5 / 0.7),
    "beta(5, .5)": (lambda generator, n: generator.beta(5, 0.5, n), 5 / 5.5),
    "beta(.3, 3)": (lambda generator, n: generator.beta(0.3, 3, n), 0.3 / 3.3),
}


UNBOUNDED: dict[str, tuple[Sampler, float]] = {
    "normal": (lambda generator, n: generator.normal(3, 1, n), 3.0),
    "lognormal seconds": (lambda generator, n: generator.lognormal(0, 0.8, n), math.exp(0.32)),
}


def _binary_clusters(p: float, correlation: float = _CORRELATION) -> ClusterSampler:
    scale = 1 / correlation - 1

    def draw(generator: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
        rates = np.repeat(generator.beta(p * scale, (1 - p) * scale, len(sizes)), sizes)
        return (generator.random(len(rates)) < rates).astype(float)

    return draw


def normal_clusters(generator: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
    shared = np.repeat(generator.normal(0, math.sqrt(_CORRELATION), len(sizes)), sizes)
    return 3 + shared + generator.normal(0, math.sqrt(1 - _CORRELATION), len(shared))


def _seconds_clusters(generator: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
    return np.exp(0.8 * (normal_clusters(generator, sizes) - 3))


def _skewed_clusters(generator: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
    rates = np.repeat(generator.beta(0.425, 0.075, len(sizes)), sizes)
    return generator.beta(2 * rates + 1e-9, 2 * (1 - rates) + 1e-9)


CLUSTERED = {
    "normal": (normal_clusters, 3.0),
    "lognormal seconds": (_seconds_clusters, math.exp(0.32)),
    "skewed 0..1": (_skewed_clusters, 0.85),
    "binary p = .05": (_binary_clusters(0.05), 0.05),
    "binary p = .50": (_binary_clusters(0.5), 0.5),
    "binary p = .95": (_binary_clusters(0.95), 0.95),
    "binary p = .05, icc .1": (_binary_clusters(0.05, 0.1), 0.05),
}
LAYOUTS = {
    "50 x 10": np.full(_GROUPS, _EACH),
    "20 x 10": np.full(20, 10),
    "one of 100, 20 of 5": np.array([100] + [5] * 20),
    "50, lognormal": np.maximum(1, np.random.default_rng(5).lognormal(1.5, 1.2, 50).astype(int)),
}


def _redrawn(draw: Sampler, better: Sampler) -> PairSampler:
    """A second run that answers 6 of 10 cases alike."""

    def pair(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        first = draw(generator, n)
        return first, np.where(generator.random(n) < 0.6, first, better(generator, n))

    return pair


def _flips(gained: float, lost: float, passed: float) -> PairSampler:
    """Shares of the cases that only the second run passes, that only the first does, that both do."""

    def pair(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        which = generator.choice(4, n, p=[gained, lost, passed, 1 - gained - lost - passed])
        return np.isin(which, (1, 2)).astype(float), np.isin(which, (0, 2)).astype(float)

    return pair


def _normals(generator: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    first = generator.normal(3, 1, n)
    return first, first + generator.normal(0, 0.5, n)


PAIRED = {
    "normal, null": (_normals, 0.0),
    "lognormal seconds, null": (_redrawn(UNBOUNDED["lognormal seconds"][0], UNBOUNDED["lognormal seconds"][0]), 0.0),
    "F1, null": (_redrawn(SKEWED["F1, half perfect"][0], SKEWED["F1, half perfect"][0]), 0.0),
    "F1, +.11": (_redrawn(SKEWED["F1, half perfect"][0], SKEWED["F1, mean .9"][0]), 0.4 * (0.9 - 0.625)),
    "F1 mean .9, null": (_redrawn(SKEWED["F1, mean .9"][0], SKEWED["F1, mean .9"][0]), 0.0),
    "0/1 flips 5+5 %, null": (_flips(0.05, 0.05, 0.5), 0.0),
    "0/1 flips 15+15 %, null": (_flips(0.15, 0.15, 0.4), 0.0),
    "0/1 flips 25+25 %, null": (_flips(0.25, 0.25, 0.25), 0.0),
    "0/1 flips 20+10 %": (_flips(0.2, 0.1, 0.4), 0.1),
    "0/1 flips 10+2 %": (_flips(0.1, 0.02, 0.7), 0.08),
}
