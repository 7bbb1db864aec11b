"""The five tiles of a card, in words, from the records of one cell.

Live calls and cache hits are never averaged or added together: where a cell has both, each is stated apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from nbkit.display.meter import Reading
from nbkit.figures import age, count, duration, money
from nbkit.pricing.own import price_tables
from nbkit.recorded import Record
from nbkit.types import CacheStatus, Cost, Timing, Usage, Verdict

_TEN = 10
"""From here on a rate is drawn without decimals."""
_PLURALS: dict[CacheStatus, str] = {"hit": "hits", "miss": "misses", "off": "off", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its name."""

    name: str
    value: str
    details: tuple[str, ...] = ()
    """Short lines below the value."""
    title: str = ""
    """What the figure means; shown by the browser on hover, never the only place of a fact."""


def tiles(records: Sequence[Record]) -> tuple[Tile, ...]:
    """Cost, Latency, Tokens, Cache, Guards of the records, which are the samples of one cell."""
    return (cost_tile(records), latency_tile(records), tokens_tile(records), cache_tile(records), guards_tile(records))


def running_tiles(
    reading: Reading, *, elapsed_s: float, first_token_s: float | None, provider_s: float, received_chars: int
) -> tuple[Tile, ...]:
    """The same five tiles of a cell that is still running, so that the page does not jump when the figures arrive.

    >>> [tile.value for tile in running_tiles(
    ...     Reading(12, 34, 34, Cost(Decimal("0.0123"))), elapsed_s=2, first_token_s=0.2, provider_s=1.7,
    ...     received_chars=160)]
    ['~$0.0123', '2.00 s', '~12 → ~34', '…', '…']
    """
    first = "waiting for first token" if first_token_s is None else f"first token {duration(first_token_s)}"
    is_rated = provider_s > 0 and reading.call_tokens > 1 and first_token_s is not None
    rate = _rate(reading.call_tokens / provider_s) if is_rated else "…"
    tokens = f"~{reading.input_tokens:,} → ~{reading.output_tokens:,}" if reading.cost is not None else "…"
    return (
        _running_cost(reading.cost),
        Tile("Latency", duration(elapsed_s), (first, f"~{rate} tokens/s" if is_rated else "… tokens/s")),
        Tile("Tokens in → out", tokens, (count(received_chars, "character"),), "So far, estimated."),
        Tile("Cache", "…"),
        Tile("Guards", "…"),
    )


def _running_cost(cost: Cost | None) -> Tile:
    if cost is None:
        return Tile("Cost", "…", ("nothing sent yet",))
    if cost.usd is None:
        title = "No price is known for this model, so the cost is not known; it is not zero."
        return Tile("Cost", "?", ("price unknown",), title)
    if cost.source == "local" and not cost.usd:
        return Tile("Cost", "$0 local", ("so far",), "The model runs on this machine and costs nothing per token.")
    mark = "~" if cost.usd else ""
    return Tile(
        "Cost", mark + money(cost.usd), ("so far, estimated",), "By estimated tokens; the final figure follows."
    )


def _rate(tokens_per_s: float) -> str:
    return f"{tokens_per_s:,.{0 if tokens_per_s >= _TEN else 1}f}"


def cost_tile(records: Sequence[Record]) -> Tile:
    """What the calls cost and what the cache saved.

    >>> cost_tile([]).value
    '$0'
    """
    costs = [record.cost for record in records]
    known = sum((cost.usd for cost in costs if cost.usd is not None), Decimal(0))
    unknown = [cost for cost in costs if cost.usd is None]
    mark = "~" if known and any(cost.is_estimate for cost in costs) else ""
    details = []
    if unknown:
        value, title = "?", "No price is known for this model, so the cost is not known; it is not zero."
        details.append("price unknown" if len(unknown) == len(costs) else f"{money(known)} + {len(unknown)} unpriced")
    elif costs and all(cost.source == "local" for cost in costs):
        value, title = "$0 local", "The model runs on this machine and costs nothing per token."
    else:
        value, title = mark + money(known), _price_title(records)
        if costs and all(cost.source == "none" for cost in costs):
            asked = sum(record.timing.attempts for record in records)
            details.append("no answer to price" if asked else "no call made")
    details += _savings(records)
    if mark:
        details.append("tokens estimated")
    return Tile("Cost", value, tuple(details), title)


def _price_title(records: Sequence[Record]) -> str:
    tables, own = price_tables(records)
    return " · ".join([*([f"Prices as of {', '.join(tables)}"] if tables else []), *own])


def _savings(records: Sequence[Record]) -> list[str]:
    hits = [record.cost for record in records if record.cache.status == "hit"]
    if not hits:
        return []
    if any(cost.saved_usd is None for cost in hits):
        return ["saved ? (price unknown)"]
    saved = sum((cost.saved_usd for cost in hits if cost.saved_usd is not None), Decimal(0))
    return [f"saved {money(saved)}"]


def latency_tile(records: Sequence[Record]) -> Tile:
    """How long it took: the whole, the first token; on a hit also how long the call took that it stands for."""
    hits = [record for record in records if record.cache.status == "hit"]
    live = [record for record in records if record.cache.status != "hit"]
    shown = live or hits
    value = duration(sum(_took(record).total_s for record in shown)) if shown else "—"
    details = []
    if len(records) == 1:
        details += _one_latency(records[0])
    elif records:
        details.append(f"{count(len(live), 'live call')} in all" if live else f"{count(len(hits), 'hit')} in all")
        if live and hits:
            details.append(f"{count(len(hits), 'hit')}: {duration(sum(record.timing.total_s for record in hits))}")
    attempts = sum(record.timing.attempts for record in live)
    if attempts > len(live):
        details.append(count(attempts, "attempt"))
    title = "From the request to the whole answer, guards and cache included."
    if any(record.replayed is not None for record in live):
        title = "Of the call as it was recorded; the replay asked nobody."
        details.append("as recorded" if all(record.replayed for record in live) else "some as recorded")
    return Tile("Latency", value, tuple(details), title)


def _took(record: Record) -> Timing:
    """How long a call took: of one that was given again, the call that was made; a hit is as fast as it is now."""
    return record.replayed if record.replayed is not None and record.cache.status != "hit" else record.timing


def _one_latency(record: Record) -> list[str]:
    original, took = record.replayed or record.cache.original, _took(record)
    if record.cache.status == "hit":
        if original is None:
            return []
        details = [f"originally {duration(original.total_s)}"]
        if original.first_token_s is not None:
            details.append(f"first token then {duration(original.first_token_s)}")
        return details
    if took.first_token_s is None:
        return []
    details = [f"first token {duration(took.first_token_s)}"]
    output_tokens = record.response.usage.output_tokens if record.response else 0
    if output_tokens > 1 and took.provider_s > 0:
        details.append(f"{_rate(output_tokens / took.provider_s)} tokens/s")
    return details


def tokens_tile(records: Sequence[Record]) -> Tile:
    """Tokens in and out, with those that the provider's prompt cache, reasoning and estimates account for."""
    hits = [record.response.usage for record in records if record.response and record.cache.status == "hit"]
    live = [record.response.usage for record in records if record.response and record.cache.status != "hit"]
    usages = live or hits
    name = "Tokens in → out"
    if not usages:
        return Tile(name, "—", ("none counted",))
    details = []
    cached = sum(usage.cached_input_tokens for usage in usages)
    if cached:
        details.append(f"{cached:,} in from prompt cache")
    written = sum(usage.cache_write_tokens for usage in usages)
    if written:
        details.append(f"{written:,} in to prompt cache")
    reasoning = sum(usage.reasoning_tokens for usage in usages)
    if reasoning:
        details.append(f"{reasoning:,} out reasoning")
    if any(usage.source == "estimate" for usage in usages):
        details.append("estimated")
    if hits:
        details.append(f"{count(len(hits), 'hit')}: {_in_out(hits)}" if live else "of the original call")
    return Tile(name, _in_out(usages), tuple(details), "Tokens sent and tokens generated.")


def _in_out(usages: Sequence[Usage]) -> str:
    mark = "~" if any(usage.source == "estimate" for usage in usages) else ""
    sent, made = sum(usage.input_tokens for usage in usages), sum(usage.output_tokens for usage in usages)
    return f"{mark}{sent:,} → {mark}{made:,}"


def cache_tile(records: Sequence[Record]) -> Tile:
    """What the cache did, how old a hit is, and the time it saved."""
    found = Counter(record.cache.status for record in records)
    value = " · ".join(
        f"{found[name]} {_PLURALS[name] if found[name] > 1 else name}" for name in _PLURALS if found[name]
    )
    if len(records) == 1:
        value = records[0].cache.status
    details = []
    hits = [record for record in records if record.cache.status == "hit"]
    ages = [record.cache.age_s for record in hits if record.cache.age_s is not None]
    if ages:
        details.append(f"stored {age(max(ages))}")
    stood_for = [(record.replayed or record.cache.original, record.timing) for record in hits]
    gained = sum(original.total_s - timing.total_s for original, timing in stood_for if original is not None)
    if gained > 0:
        details.append(f"saved {duration(gained)}")
    return Tile("Cache", value or "—", tuple(details), "Whether the answer was replayed from this machine's cache.")


def guards_tile(records: Sequence[Record]) -> Tile:
    """What the guards said, in words and counts."""
    verdicts: list[Verdict] = [verdict for record in records for verdict in record.verdicts]
    found = Counter(verdict.action for verdict in verdicts if verdict.stage != "retrieved" or verdict.action != "block")
    title = "Checks on what was sent and on what came back."
    if not verdicts:
        return Tile("Guards", "none ran", (), title)
    details = []
    if found["redact"]:
        details.append(count(sum(max(1, len(v.spans)) for v in verdicts if v.action == "redact"), "redaction"))
    if found["warn"]:
        details.append(count(found["warn"], "warning"))
    if found["block"]:
        names = sorted({one.guard for one in verdicts if one.action == "block" and one.stage != "retrieved"})
        return Tile("Guards", "✗ blocked", (f"by {', '.join(names)}", *details), title)
    refused = [one.guard for record in records if record.error for one in record.verdicts if one.action == "reask"]
    if refused:
        return Tile("Guards", "✗ refused", (f"by {', '.join(sorted(set(refused)))}", *details), title)
    if sum(found.values()) < len(verdicts):
        details.append("passages left out")
    if found["reask"]:
        details.append("answer asked again")
    if any(record.loosened for record in records):
        details.append("looser than standard")
    return Tile("Guards", f"✓ {len(verdicts)} ran", tuple(details), title)
