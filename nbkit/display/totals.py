"""What calls add up to, as a mapping that draws as a table: for all of them, or for each model, tag, cell and so on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from nbkit import registry
from nbkit.figures import count, duration, sum_of
from nbkit.ledger.summary import Latency, Summary
from nbkit.tables import Table

if TYPE_CHECKING:
    import pandas as pd

NOTHING = "(none)"
"""The group of calls that have no such thing as what they are grouped by."""


class Totals(Mapping[str, Any]):
    """Figures of calls by their names; draws as a table.

    Keys: `total_calls success_rate total_cost_usd saved_usd saved_s latency_mean_s latency_p50_s latency_p95_s
    latency_n latency_is_exact input_tokens output_tokens cached_input_tokens cache_hit_rate blocked_calls failed_calls
    interrupted_calls unasked_calls refused_calls unknown_prices unknown_savings cost_usd_by_hour`. Latencies are of
    live answers, in seconds; hits are apart. Rates are 0 to 1. What is not known is None.

    >>> totals = Totals(Summary(calls=4, hits=1, misses=3, cost_usd=Decimal("0.02")), {}, caption="All calls")
    >>> totals["total_calls"], totals["cache_hit_rate"], totals["latency_p95_s"]
    (4, 0.25, None)
    """

    def __init__(self, summary: Summary, by_hour: Mapping[datetime, Decimal], *, caption: str) -> None:
        self.summary = summary
        """The figures that the others are taken from."""
        self.caption = caption
        live = summary.latency_live
        self._figures: dict[str, Any] = {
            "total_calls": summary.calls,
            "success_rate": summary.success_rate,
            "total_cost_usd": summary.cost_usd,
            "saved_usd": summary.saved_usd,
            "saved_s": summary.saved_s,
            "latency_mean_s": live.mean_s,
            "latency_p50_s": live.p50_s,
            "latency_p95_s": live.p95_s,
            "latency_n": live.n,
            "latency_is_exact": live.is_exact,
            "input_tokens": summary.input_tokens,
            "output_tokens": summary.output_tokens,
            "cached_input_tokens": summary.cached_input_tokens,
            "cache_hit_rate": summary.cache_hit_rate,
            "blocked_calls": summary.blocked,
            "failed_calls": summary.failures,
            "interrupted_calls": summary.interrupted,
            "unasked_calls": summary.unasked,
            "refused_calls": summary.refused,
            "unknown_prices": summary.unknown_prices,
            "unknown_savings": summary.unknown_savings,
            "cost_usd_by_hour": dict(by_hour),
        }

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - figures are numbers, None and one mapping
        return self._figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()

    def table(self) -> Table:
        """The figures in words."""
        return Table(self.caption, ("figure", "value"), rows(self.summary))

    def to_frame(self) -> pd.DataFrame:
        """One row, a column for each figure but those by hour; needs the extra `[data]`."""
        return _frame([{name: self[name] for name in self if name != "cost_usd_by_hour"}])


class TotalsBy(Mapping[str, Totals]):
    """Figures of each group of calls, the dearest first; draws as a table.

    >>> by_tag = TotalsBy("tag", {"draft": Summary(calls=2), None: Summary(calls=1)}, {}, caption="Last 24 h")
    >>> list(by_tag), by_tag["draft"]["total_calls"]
    (['draft', '(none)'], 2)
    """

    def __init__(
        self,
        by: str,
        groups: Mapping[str | None, Summary],
        by_hour: Mapping[str | None, Mapping[datetime, Decimal]],
        *,
        caption: str,
    ) -> None:
        self.by = by
        """What they are grouped by."""
        self.caption = caption
        self._groups = {
            own or NOTHING: Totals(found, by_hour.get(own, {}), caption=f"{caption}, {by} {own or NOTHING}")
            for own, found in groups.items()
        }

    def __getitem__(self, name: str) -> Totals:
        return self._groups[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def __repr__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()

    def table(self) -> Table:
        """One row of words for each group."""
        names = (self.by, "calls", "cost", "saved", "hit rate", "p50", "p95", "n", "tokens in → out", "failed, blocked")
        return Table(f"{self.caption}, by {self.by}", names, [_row(own, one.summary) for own, one in self.items()])

    def to_frame(self) -> pd.DataFrame:
        """One row for each group; needs the extra `[data]`."""
        found = [{self.by: own} | {n: one[n] for n in one if n != "cost_usd_by_hour"} for own, one in self.items()]
        return _frame(found)


def rows(summary: Summary) -> list[tuple[str, str]]:
    """The figures in words; what came from the cache stands apart from what a provider was asked.

    >>> rows(Summary())[0]
    ('calls', '0')
    """
    cached = f" ({summary.cached_input_tokens:,} cached)"
    return [
        ("calls", f"{summary.calls:,}"),
        ("failed", f"{summary.failures:,}"),
        ("blocked", f"{summary.blocked:,}"),
        ("interrupted", f"{summary.interrupted:,}"),
        *([("not in the sources, nobody asked", f"{summary.unasked:,}")] if summary.unasked else []),
        ("refused by the model", f"{summary.refused:,}"),
        ("cache", _cache(summary)),
        ("tokens in → out", f"{summary.input_tokens:,} → {summary.output_tokens:,}{cached}"),
        ("cost", cost(summary)),
        ("saved by the cache", _saved(summary)),
        ("latency, live", latency(summary.latency_live)),
        ("latency, hits", latency(summary.latency_hits)),
    ]


def cost(summary: Summary) -> str:
    """What the calls cost, and of how many that is not known or only estimated.

    >>> cost(Summary(cost_usd=Decimal(3), unknown_prices=1))
    'at least $3.00 (the price of 1 answer is not known)'
    """
    if not summary.estimated_prices:
        return _lacking(summary.cost_usd, summary.unknown_prices, of="answer")
    text = _lacking(summary.cost_usd, summary.unknown_prices, of="answer", about="~")
    return f"{text}, {count(summary.estimated_prices, 'answer')} by estimated tokens"


def latency(found: Latency) -> str:
    """Quantiles, mean and n; "about" where quantiles are within 0.6 %.

    >>> latency(Latency())
    'none'
    """
    if not found.n:
        return "none"
    about = "" if found.is_exact else "about "
    quantiles = f"p50 {duration(found.p50_s)}, p95 {duration(found.p95_s)}"
    return f"{about}{quantiles}, mean {duration(found.mean_s)}, n = {found.n:,}"


def _row(own: str, found: Summary) -> tuple[str, ...]:
    rate = found.cache_hit_rate
    return (
        own,
        f"{found.calls:,}",
        sum_of(found.cost_usd, found.unknown_prices, about="~" if found.estimated_prices else ""),
        sum_of(found.saved_usd, found.unknown_savings),
        "—" if rate is None else f"{rate:.0%}",
        duration(found.latency_live.p50_s),
        duration(found.latency_live.p95_s),
        f"{found.latency_live.n:,}",
        f"{found.input_tokens:,} → {found.output_tokens:,}",
        f"{found.failures:,}, {found.blocked:,}",
    )


def _cache(summary: Summary) -> str:
    rate = summary.cache_hit_rate
    hits = f"{count(summary.hits, 'hit')}, {summary.misses:,} {'miss' if summary.misses == 1 else 'misses'}"
    return hits if rate is None else f"{hits} ({rate:.0%} of {summary.hits + summary.misses:,})"


def _saved(summary: Summary) -> str:
    text = _lacking(summary.saved_usd, summary.unknown_savings, of="hit")
    return f"{text}, {duration(summary.saved_s)}" if summary.saved_s else text


def _lacking(known_usd: Decimal | None, unknown: int, *, of: str, about: str = "") -> str:
    said = sum_of(known_usd, unknown, about=about)
    if not unknown:
        return said
    return f"{said.replace('≥', 'at least')} (the price of {count(unknown, of)} is not known)"


def _frame(found: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    with registry.pandas_for("to_frame()"):
        import pandas as pd
    return pd.DataFrame(found)
