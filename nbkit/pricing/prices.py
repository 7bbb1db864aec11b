"""What a call cost, by the user's own prices, or by a table (`nbkit.pricing.table`).

A provider is priced when it is one of nbkit's own, on the vendor's endpoint, or when its endpoint is one the table
knows. The table's own matching is looser (any provider with "openai" in its name): a self-hosted model must not be
priced as somebody's product, so that door stays shut. What is not known is `None`, never 0; that includes models
listed without a price for tokens.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from nbkit.http.client import is_loopback
from nbkit.pricing.own import PROJECT, OwnPrice
from nbkit.pricing.table import PriceTable, bundled
from nbkit.types import Cost, Usage

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

_VENDORS: Final[Mapping[str, str]] = MappingProxyType(
    {"openai": "openai", "anthropic": "anthropic", "gemini": "google"}
)
"""Provider plug-ins that speak to a vendor unless they are given a base URL, and the vendor's id in the table."""


NO_PRICES: Final[Mapping[str, OwnPrice]] = MappingProxyType({})


def price(
    provider: str,
    model: str,
    usage: Usage,
    *,
    is_local: bool = False,
    base_url: str | None = None,
    at: datetime | None = None,
    own: Mapping[str, OwnPrice] = NO_PRICES,
    table: PriceTable | None = None,
) -> Cost:
    """What the tokens cost in USD; `usd` is None when the price is unknown.

    Cached, written and reasoning tokens have their own rates, and some models a higher rate for long inputs. `at` is
    when the call was made (some prices change by date or hour); now unless said. `is_local` does not hold for what a
    local server passes on: a model of Ollama's cloud. `own`: prices of the user's, by model or `provider:model`; they
    come before the table, and before local models being free. Of one that a project's own file sets below the table's,
    `prices_as_of` says so.

    >>> cost = price("openai", "gpt-4o-mini", Usage(1_000_000, 0))
    >>> cost.usd == Decimal("0.15") and cost.source == "table"
    True
    >>> price("openai", "gpt-4o-mini", Usage(1_000_000, 0), base_url="http://localhost:8000/v1").usd is None
    True
    >>> price("ollama", "gpt-oss:120b-cloud", Usage(1_000_000, 0), is_local=True).usd is None
    True
    """
    is_estimate = usage.source == "estimate"
    special = own.get(f"{provider}:{model}") or own.get(model)
    if special is not None and special.has_rates:
        own_usd, as_of = special.of(usage), special.origin
        if special.origin == PROJECT:
            listed = price(provider, model, usage, is_local=is_local, base_url=base_url, at=at, table=table)
            if listed.usd is not None and own_usd < listed.usd:
                as_of = f"{as_of}, below {listed.prices_as_of}"
        return Cost(usd=own_usd, prices_as_of=as_of, source="own", is_estimate=is_estimate)
    if is_local and not _is_hosted(provider, model, base_url):
        return Cost(usd=Decimal(0), source="local", is_estimate=is_estimate)
    table = table or bundled()
    found = _find(provider, model, base_url, table)
    usd = None if found is None else _calculate(*found, usage=usage, at=at)
    if usd is None:
        return Cost(usd=None, prices_as_of=table.as_of, source="unknown", is_estimate=is_estimate)
    if special is not None:
        # A discount is on what the table says.
        as_of = f"{table.as_of}, discount {special.discount:%} by {special.origin}"
        return Cost(usd=special.less(usd), prices_as_of=as_of, source="own", is_estimate=is_estimate)
    return Cost(usd=usd, prices_as_of=table.as_of, source="table", is_estimate=is_estimate)


def context_tokens(
    provider: str, model: str, *, base_url: str | None = None, table: PriceTable | None = None
) -> int | None:
    """The model's context window in tokens, None when the table does not say.

    >>> context_tokens("openai", "gpt-4o-mini")
    128000
    """
    found = _find(provider, model, base_url, table or bundled())
    return None if found is None else found[1].context_window


def model_names() -> list[str]:
    """Names of the vendors' models in the table, sorted: what a mistyped name is compared with.

    >>> "gpt-4o-mini" in model_names()
    True
    """
    vendors = set(_VENDORS.values())
    return sorted({model.id for vendor in bundled().vendors if vendor.id in vendors for model in vendor.models})


def _is_hosted(provider: str, model: str, base_url: str | None) -> bool:
    # The server on this machine takes the call, and somebody else's answers it: the name's end is all that says so.
    if provider != "ollama":
        return False
    return model.endswith(("-cloud", ":cloud")) or (base_url is not None and not is_loopback(base_url))


def _find(provider: str, model: str, base_url: str | None, table: PriceTable) -> tuple[Provider, ModelInfo] | None:
    """The table's vendor and model; by endpoint when there is one, else by the plug-in's name."""
    name = _VENDORS.get(provider)
    if base_url is None:
        vendor = next((known for known in table.vendors if known.id == name), None)
    else:
        vendor = next((known for known in table.vendors if _is_endpoint(known.api_pattern, base_url)), None)
    found = vendor and vendor.find_model(model.lower(), all_providers=table.vendors)
    return (vendor, found) if vendor and found else None


@functools.lru_cache(maxsize=1024)
def _is_endpoint(pattern: str, base_url: str) -> bool:
    match = re.match(pattern, base_url)
    if match is None:
        return False
    # The patterns are prefixes: `https://api.openai.com.example.org` must not pass for the vendor's host.
    return pattern.endswith(r"\.") or match.group().endswith("/") or base_url[match.end() : match.end() + 1] in "/:?"


def _calculate(vendor: Provider, model: ModelInfo, *, usage: Usage, at: datetime | None) -> Decimal | None:
    from genai_prices import Usage as TableUsage

    when = at or datetime.now(UTC)
    rates = model.get_prices(when)
    has_rates = (not usage.input_tokens or rates.input_mtok is not None) and (
        not usage.output_tokens or rates.output_mtok is not None
    )
    if not has_rates:
        return None
    counts = {
        "input_tokens": usage.input_tokens,
        "cache_read_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }
    try:
        found = model.calc_price(TableUsage(**counts), vendor, genai_request_timestamp=when)
    except (ValueError, LookupError):
        # Counts that contradict each other, such as more cached than sent: no price can be right.
        return None
    return Decimal(found.total_price)
