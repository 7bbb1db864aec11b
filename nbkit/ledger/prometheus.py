"""The record store's figures in the text format that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeAlias

from nbkit.figures import known_part
from nbkit.ledger.budgets import Standing
from nbkit.ledger.log import (
    DURATION_BOUNDS_S,
    OPERATION_DURATION,
    TIME_TO_FIRST_CHUNK,
    TOKEN_BOUNDS,
    TOKEN_USAGE,
    provider_name,
)
from nbkit.ledger.metered import Counted, Distribution, Metered
from nbkit.ledger.rows import to_usd

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Labels: TypeAlias = Mapping[str, str]
_PLAIN: Final = (
    ("nbkit_cached_input_tokens_total", "Of input tokens, those from a provider's cache.", "cached_input_tokens"),
    ("nbkit_cost_usd_total", "What calls cost, as far as their prices are known.", "cost_pusd"),
    ("nbkit_unpriced_answers_total", "Answers whose price is not known; the cost lacks them.", "unpriced"),
    ("nbkit_estimated_prices_total", "Answers whose cost rests on estimated tokens.", "estimated"),
    ("nbkit_saved_usd_total", "What cache hits would have cost, as far as that is known.", "saved_pusd"),
    ("nbkit_unpriced_hits_total", "Cache hits of which it is not known; what was saved lacks them.", "unsaved"),
    ("nbkit_saved_seconds_total", "How much longer the hits' original calls took.", "saved_us"),
    ("nbkit_refusals_total", "Answers in which the model declined.", "refused"),
)
"""Counters by model: name, meaning, and the sum behind it."""
_LACKING: Final = {"cost_pusd": "unpriced", "saved_pusd": "unsaved"}
"""Sums of money, each with the count of what it lacks."""


@dataclass(slots=True)
class _Family:
    """One metric: what it is, and its samples."""

    name: str
    kind: str
    meaning: str
    samples: list[tuple[str, Labels, str]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {_escaped(self.meaning)}"
        yield f"# TYPE {self.name} {self.kind}"
        for suffix, labels, number in self.samples:
            inner = ",".join(f'{name}="{_escaped(value, quote=True)}"' for name, value in labels.items() if value)
            yield f"{self.name}{suffix}{{{inner}}} {number}" if inner else f"{self.name}{suffix} {number}"


def exposition(metered: Metered, standings: Sequence[Standing] = (), *, version: str = "") -> str:
    r"""All metrics as text, each with its help and type. A label that is not known is left out.

    `nbkit_` before what has no name of OpenTelemetry's; those have underscores for dots, and the unit behind them.

    >>> print(exposition(Metered(), version="0.1.0").splitlines()[2])
    nbkit_info{version="0.1.0"} 1
    """
    about = _Family("nbkit_info", "gauge", "The version of nbkit that counted.", [("", {"version": version}, "1")])
    families = [about, *_counters(metered.counted), *_histograms(metered.distributions), *_budgets(standings)]
    return "".join(f"{line}\n" for family in families for line in family.lines())


def _counters(counted: Sequence[Counted]) -> Iterator[_Family]:
    calls = _Family("nbkit_calls_total", "counter", "Calls, by how they ended and what the cache did.")
    for one in counted:
        labels = {**_labels(one), "nbkit_status": one.status, "nbkit_cache_status": one.cache_status}
        _add(calls, labels, one.calls)
    yield _merged(calls)
    tokens = _Family("nbkit_tokens_total", "counter", "Tokens sent to providers, and received; hits send none.")
    for one in counted:
        _add(tokens, {**_labels(one), "gen_ai_token_type": "input"}, one.input_tokens)
        _add(tokens, {**_labels(one), "gen_ai_token_type": "output"}, one.output_tokens)
    yield _merged(tokens)
    for name, meaning, amount in _PLAIN:
        family = _Family(name, "counter", meaning)
        for one in counted:
            _add(family, _labels(one), _in_units(amount, getattr(one, amount)))
        merged = _merged(family)
        yield _known(merged, counted, _LACKING[amount]) if amount in _LACKING else merged
    blocked = _Family("nbkit_blocked_calls_total", "counter", "Calls that a guard, or a budget, did not let through.")
    for one in counted:
        if one.status == "blocked":
            _add(blocked, {"nbkit_guard": one.blocked_by or "unknown"}, one.calls)
    yield _merged(blocked)


def _histograms(found: Sequence[Distribution]) -> Iterator[_Family]:
    of = {name: [one for one in found if one.measure == name] for name in ("duration", "hit_duration", "first_chunk")}
    live = "from request to record, of answers that a provider gave."
    for measure, name, meaning in (
        ("duration", f"{_flat(OPERATION_DURATION)}_seconds", f"Seconds {live}"),
        ("first_chunk", f"{_flat(TIME_TO_FIRST_CHUNK)}_seconds", "Seconds to the first text that could be shown."),
        ("hit_duration", "nbkit_cache_hit_duration_seconds", "Seconds from request to record, of cache hits."),
    ):
        family = _Family(name, "histogram", meaning)
        for one in of[measure]:
            family.samples += _buckets(one, _labels(one), DURATION_BOUNDS_S, scale=10**6)
        yield family
    usage = _Family(_flat(TOKEN_USAGE), "histogram", "Tokens of an answer that a provider gave.")
    for one in found:
        if one.measure.endswith("_tokens"):
            labels = {**_labels(one), "gen_ai_token_type": one.measure.removesuffix("_tokens")}
            usage.samples += _buckets(one, labels, TOKEN_BOUNDS, scale=1)
    yield usage


def _buckets(
    one: Distribution, labels: Labels, bounds: Sequence[float], *, scale: int
) -> Iterator[tuple[str, Labels, str]]:
    seen = 0
    for bound, n in zip((*map(str, bounds), "+Inf"), one.counts, strict=True):
        seen += n
        yield "_bucket", {**labels, "le": bound}, str(seen)
    yield "_sum", labels, _text(Decimal(one.total) / scale)
    yield "_count", labels, str(seen)


def _budgets(standings: Sequence[Standing]) -> Iterator[_Family]:
    for name, meaning in (
        ("limit", "Most that may be spent."),
        ("spent", "What was spent of a budget."),
        ("reserved", "What calls under way may still cost, or calls that never came back."),
        ("left", "What a call may still cost."),
    ):
        family = _Family(f"nbkit_budget_{name}_usd", "gauge", meaning)
        for one in standings:
            _add(family, {"nbkit_budget": one.scope}, getattr(one, f"{name}_usd"))
        yield family


def _labels(one: Counted | Distribution) -> dict[str, str]:
    return {
        "gen_ai_operation_name": one.operation,
        "gen_ai_provider_name": provider_name(one.provider),
        "gen_ai_request_model": one.model,
    }


def _in_units(name: str, amount: int) -> Decimal:
    if name.endswith("_pusd"):
        return to_usd(amount)
    return Decimal(amount) / 10**6 if name.endswith("_us") else Decimal(amount)


def _add(family: _Family, labels: Labels, amount: Decimal | int) -> None:
    family.samples.append(("", labels, _text(amount)))


def _merged(family: _Family) -> _Family:
    """The family with one sample for each set of labels: rows differ in more than what it shows."""
    sums: dict[tuple[tuple[str, str], ...], Decimal] = {}
    for _, labels, number in family.samples:
        own = tuple(labels.items())
        sums[own] = sums.get(own, Decimal(0)) + Decimal(number)
    family.samples = [("", dict(own), _text(total)) for own, total in sums.items()]
    return family


def _known(family: _Family, counted: Sequence[Counted], lacking: str) -> _Family:
    """The family without sums of which nothing is known: a sample of 0 would say that nothing was paid."""
    unknown: dict[tuple[tuple[str, str], ...], int] = {}
    for one in counted:
        own = tuple(_labels(one).items())
        unknown[own] = unknown.get(own, 0) + getattr(one, lacking)
    family.samples = [
        (suffix, labels, number)
        for suffix, labels, number in family.samples
        if known_part(Decimal(number), unknown[tuple(labels.items())]) is not None
    ]
    return family


def _text(amount: Decimal | int) -> str:
    """All digits, and no exponent: money is exact also where a reader keeps only a float of it."""
    return f"{Decimal(amount).normalize():f}"


def _flat(name: str) -> str:
    return name.replace(".", "_")


def _escaped(text: str, *, quote: bool = False) -> str:
    said = text.replace("\\", "\\\\").replace("\n", "\\n")
    return said.replace('"', '\\"') if quote else said
