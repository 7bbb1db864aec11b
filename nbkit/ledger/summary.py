"""What a set of records adds up to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

_BINS_A_DOUBLING: Final = 64
_SMALLEST_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers took, in seconds; None where there were none."""

    n: int = 0
    mean_s: float | None = None
    p50_s: float | None = None
    p95_s: float | None = None
    is_exact: bool = True
    """Whether the quantiles are exact; over many records they are within 0.6 %."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures over calls. What came from the cache is counted apart from what was asked of a provider."""

    calls: int = 0
    failures: int = 0
    blocked: int = 0
    interrupted: int = 0
    unasked: int = 0
    """Answers for which nobody was asked: `%%rag` found nothing near the question. No latency counts them."""
    refused: int = 0
    """Answers in which the model declined, hits among them."""
    hits: int = 0
    misses: int = 0
    """Those of which a provider was asked; what a budget refused, or `--cache only` ended, is none."""
    input_tokens: int = 0
    """Sent to providers; a hit sends none."""
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    """Sum of the known prices; None where some are not known and the known ones come to nothing."""
    unknown_prices: int = 0
    """Answers from providers whose price is not known: `cost_usd` lacks them."""
    estimated_prices: int = 0
    saved_usd: Decimal | None = Decimal(0)
    """What the hits would have cost, as far as that is known; None where some is not, and the rest comes to nothing."""
    unknown_savings: int = 0
    saved_s: float = 0.0
    """How much longer the hits' original calls took than they did, as far as that is known."""
    latency_live: Latency = field(default_factory=Latency)
    """Of answers that a provider gave, from request to record."""
    latency_hits: Latency = field(default_factory=Latency)

    @property
    def success_rate(self) -> float | None:
        """Calls that were answered among all, 0 to 1; None when there were none."""
        failed = self.failures + self.blocked + self.interrupted
        return (self.calls - failed) / self.calls if self.calls else None

    @property
    def cache_hit_rate(self) -> float | None:
        """As `cache_hit_rate` of the hits and misses."""
        return cache_hit_rate(self.hits, self.misses)


def cache_hit_rate(hits: int, misses: int) -> float | None:
    """Hits among hits and misses, 0 to 1; None when there is neither. The one definition, wherever it is shown.

    A hit is a call that the cache answered, whatever guards said of the answer then. A miss is one of which a provider
    was asked after the cache had nothing, whatever came of it. Calls that never came to the cache (a guard blocked
    them, it was off), and those that ended at it (a budget refused them, `--cache only`), are neither.

    >>> cache_hit_rate(1, 3), cache_hit_rate(0, 0)
    (0.25, None)
    """
    return hits / (hits + misses) if hits or misses else None


@dataclass(frozen=True, slots=True)
class Rating:
    """What a person said of an answer."""

    score: float
    """0 to 1; 1 is good."""
    note: str
    rated_at: datetime


def bin_of(seconds: float) -> int:
    """The number of the histogram bin a latency is in: 64 bins for each doubling, from a microsecond up.

    >>> bin_of(0.002) - bin_of(0.001)
    64
    """
    return max(0, math.floor(math.log2(max(seconds, _SMALLEST_S) / _SMALLEST_S) * _BINS_A_DOUBLING))


def exact_latency(seconds: Sequence[float]) -> Latency:
    """Mean and quantiles of the values: the smallest value that is at least as large as that part of all.

    >>> exact_latency([0.2, 0.1, 0.4]).p50_s
    0.2
    """
    if not seconds:
        return Latency()
    ordered = sorted(seconds)
    n = len(ordered)
    p50, p95 = (ordered[math.ceil(part * n) - 1] for part in (0.5, 0.95))
    return Latency(n, math.fsum(ordered) / n, p50, p95)


def binned_latency(counts: Mapping[int, int], *, total_s: float) -> Latency:
    """Mean and quantiles from a histogram by `bin_of`, each quantile the middle of its bin.

    >>> binned_latency({bin_of(0.1): 3}, total_s=0.3).mean_s
    0.09999999999999999
    """
    n = sum(counts.values())
    if not n:
        return Latency()
    quantiles: list[float] = []
    ordered = sorted(counts)
    for part in (0.5, 0.95):
        wanted, seen = math.ceil(part * n), 0
        for number in ordered:
            seen += counts[number]
            if seen >= wanted:
                quantiles.append(_SMALLEST_S * 2 ** ((number + 0.5) / _BINS_A_DOUBLING))
                break
    return Latency(n, total_s / n, quantiles[0], quantiles[1], is_exact=False)
