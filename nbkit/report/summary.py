"""Sums over a notebook's calls; live calls and cache hits are never averaged together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from nbkit.recorded import Record


@dataclass(frozen=True, slots=True)
class Latency:
    """Durations of calls of one kind."""

    n: int
    p50_s: float | None = None
    p95_s: float | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What the calls of a notebook, or of one model in it, came to."""

    calls: int
    hits: int
    errors: int
    blocked: int
    interrupted: int
    cost_usd: Decimal
    """Of the calls whose price is known."""
    unpriced: int
    """Calls whose price is not known; `cost_usd` leaves them out and is shown with their number."""
    is_estimate: bool
    is_local: bool
    saved_usd: Decimal
    unpriced_savings: int
    live: Latency
    cached: Latency
    input_tokens: int
    """Of live calls."""
    output_tokens: int
    cached_input_tokens: int
    has_estimated_tokens: bool

    @property
    def failures(self) -> int:
        """Calls that ended in an error or were blocked."""
        return self.errors + self.blocked


def summarise(records: Sequence[Record]) -> Summary:
    """The sums.

    >>> summarise([]).calls
    0
    """
    hits = [record for record in records if record.cache.status == "hit"]
    # A call that a guard blocked, that failed, or that asked nobody has no latency to compare with an answer's.
    answered = [one for one in records if one.cache.status != "hit" and one.status == "ok" and not one.is_unasked]
    usages = [record.response.usage for record in records if record.response and record.cache.status != "hit"]
    sources = {record.cost.source for record in records}
    return Summary(
        calls=len(records),
        hits=len(hits),
        errors=sum(record.status == "error" for record in records),
        blocked=sum(record.status == "blocked" for record in records),
        interrupted=sum(record.status == "interrupted" for record in records),
        cost_usd=sum((record.cost.usd for record in records if record.cost.usd is not None), Decimal(0)),
        unpriced=sum(record.cost.usd is None for record in records),
        is_estimate=any(record.cost.is_estimate and record.cost.usd for record in records),
        is_local=bool(sources) and sources <= {"local", "none", "cache"} and "local" in sources,
        saved_usd=sum((record.cost.saved_usd for record in hits if record.cost.saved_usd is not None), Decimal(0)),
        unpriced_savings=sum(record.cost.saved_usd is None for record in hits),
        live=latency([record.timing.total_s for record in answered]),
        cached=latency([record.timing.total_s for record in hits]),
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        cached_input_tokens=sum(usage.cached_input_tokens for usage in usages),
        has_estimated_tokens=any(usage.source == "estimate" for usage in usages),
    )


def latency(seconds: Sequence[float]) -> Latency:
    """Nearest-rank percentiles: each is a duration that was measured.

    >>> latency([1.0, 2.0, 3.0, 4.0])
    Latency(n=4, p50_s=2.0, p95_s=4.0)
    """
    ordered = sorted(seconds)
    if not ordered:
        return Latency(0)
    return Latency(len(ordered), _at(ordered, 0.5), _at(ordered, 0.95))


def by_model(records: Sequence[Record]) -> list[tuple[str, Summary]]:
    """One summary for each model that was asked, in the order in which they were first asked."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        name = f"{record.provider}:{record.model}" if record.model else "blocked before sending"
        groups.setdefault(name, []).append(record)
    return [(name, summarise(group)) for name, group in groups.items()]


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
