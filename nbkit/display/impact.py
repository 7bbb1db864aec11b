"""Whether the cache was worth it, as a table: as it was, beside what it would have been without it."""

from __future__ import annotations

from decimal import Decimal

from nbkit.figures import count, duration, money, sum_of
from nbkit.ledger.impact import Impact
from nbkit.tables import Table

_NAMES = ("figure", "without the cache", "with it", "change")


def impact_table(found: Impact, *, caption: str) -> Table:
    """The two sides and the change of each figure.

    >>> from nbkit.ledger.impact import Side
    >>> from nbkit.ledger.summary import exact_latency
    >>> given = [([2, 2], Decimal(2)), ([2, 0], Decimal(1))]
    >>> sides = [Side(exact_latency(seconds), usd, usd) for seconds, usd in given]
    >>> found = Impact(*sides, hits=1, asked=2, left_out=0, unpriced=0, first_at=None, last_at=None)
    >>> impact_table(found, caption="Cache impact").rows[0]
    ('latency, mean', '2.00 s', '1.00 s', '-50 %')
    """
    before, after = found.without, found.with_cache
    rate = found.cache_hit_rate
    rows = [
        _times("latency, mean", before.latency.mean_s, after.latency.mean_s),
        _times("latency, p50", before.latency.p50_s, after.latency.p50_s),
        _times("latency, p95", before.latency.p95_s, after.latency.p95_s),
        _amounts("cost", before.cost_usd, after.cost_usd, unpriced=found.unpriced),
        _amounts("cost per day", before.cost_usd_by_day, after.cost_usd_by_day, unpriced=found.unpriced),
        ("hit rate", "—", "—" if rate is None else f"{rate:.0%} ({found.hits:,} of {found.asked:,})", ""),
        ("n, answered calls", f"{before.latency.n:,}", f"{after.latency.n:,}", ""),
    ]
    return Table(caption, _NAMES, rows, note=_note(found))


def _note(found: Impact) -> str:
    said = ["Without the cache: each hit counted with the latency and cost of the call that it stands for."]
    if found.left_out:
        said.append(f"{count(found.left_out, 'hit')} left out: the original is not known.")
    if found.unpriced:
        said.append(f"The price of {count(found.unpriced, 'call')} is not known; their cost counts on neither side.")
    return " ".join(said)


def _times(name: str, before: float | None, after: float | None) -> tuple[str, ...]:
    return (name, duration(before), duration(after), _change(before, after))


def _amounts(name: str, before: Decimal, after: Decimal, *, unpriced: int) -> tuple[str, ...]:
    """Two sums; `?` and `≥` where calls are in neither, for then the sums say nothing, or only a part."""
    if not unpriced:
        return (name, money(before), money(after), _change(float(before), float(after)))
    return (name, *(sum_of(amount, unpriced) for amount in (before, after)), "—")


def _change(before: float | None, after: float | None) -> str:
    """How much less or more, in percent of what it was before."""
    if before is None or after is None or not before:
        return "—"
    percent = round(100 * (after / before - 1))
    return f"{percent:+d} %" if percent else "0 %"
