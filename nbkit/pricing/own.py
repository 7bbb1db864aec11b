"""Prices of the user's own: of a self-hosted model, or of a contract that the table does not know."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from nbkit.errors import BadSetting
from nbkit.parse import usd
from nbkit.recorded import Record
from nbkit.types import Usage

_RATES: Final = ("input", "output", "cached_input", "cache_write")
_MILLION: Final = Decimal(1_000_000)


SETTINGS: Final = "settings"
PROJECT: Final = "this project's pyproject.toml"
"""A file that may be somebody else's: who reads a cost by its prices is told so."""


class ProjectPrices(dict[str, object]):
    """The setting `price`, where a project's own file sets it."""


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """What a model costs, in USD for a million tokens; or how much less than the table says.

    >>> OwnPrice(input=Decimal(2), output=Decimal(8)).of(Usage(1_000_000, 500_000))
    Decimal('6')
    """

    input: Decimal | None = None
    output: Decimal | None = None
    cached_input: Decimal | None = None
    """Of tokens read from the provider's cache; as `input` when left out."""
    cache_write: Decimal | None = None
    """Of tokens written to the provider's cache; as `input` when left out."""
    discount: Decimal = Decimal(0)
    """What is taken off, 0 to 1: 0.5 for a batch at half the price."""
    origin: str = SETTINGS
    """Who says so, in the words of a card."""

    @property
    def has_rates(self) -> bool:
        """Whether it is a price of its own, and not only a discount on the table's."""
        return self.input is not None

    def of(self, usage: Usage) -> Decimal:
        """What the tokens cost."""
        read, written = usage.cached_input_tokens, usage.cache_write_tokens
        plain = max(0, usage.input_tokens - read - written)
        base, output = self.input or Decimal(0), self.output or Decimal(0)
        cached = base if self.cached_input is None else self.cached_input
        write = base if self.cache_write is None else self.cache_write
        cost = plain * base + read * cached + written * write + usage.output_tokens * output
        return self.less(cost / _MILLION)

    def less(self, amount: Decimal) -> Decimal:
        """An amount after the discount."""
        return (amount * (1 - self.discount)).normalize() + 0 if self.discount else amount.normalize() + 0


def own_prices(raw: Mapping[str, object]) -> dict[str, OwnPrice]:
    """The prices by model name, from `[tool.nbkit.price."model"]`; raises `BadSetting` for one that cannot be.

    >>> own_prices({"my-llama": {"input": 0.2, "output": 0.6}})["my-llama"].output
    Decimal('0.6')
    """
    origin = PROJECT if isinstance(raw, ProjectPrices) else SETTINGS
    return {model: replace(_price(model, row), origin=origin) for model, row in raw.items()}


def price_tables(records: Sequence[Record]) -> tuple[list[str], list[str]]:
    """The tables that gave the prices, and words for prices of the reader's own, where there are any.

    >>> price_tables([])
    ([], [])
    """
    found = {record.cost.prices_as_of for record in records if record.cost.prices_as_of}
    return sorted(found - {SETTINGS}), ["your own prices"] * (SETTINGS in found)


def _price(model: str, row: object) -> OwnPrice:
    if not isinstance(row, Mapping) or not row:
        raise _refused(model, f"{row!r} is no table of prices")
    values: dict[str, Any] = {}
    for name, value in row.items():
        if name not in (*_RATES, "discount"):
            near = difflib.get_close_matches(str(name), (*_RATES, "discount"), n=1)
            raise _refused(model, f"it has no {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        try:
            amount = usd(value)
        except ValueError as error:
            raise _refused(model, f"{name} cannot be {value!r}: {error}") from None
        if amount is None or (name == "discount" and amount > 1):
            raise _refused(model, f"{name} cannot be {value!r}")
        values[name] = amount
    has_both = "input" in values and "output" in values
    if not has_both and set(values) != {"discount"}:
        raise _refused(model, "input and output belong together")
    return OwnPrice(**values)


def _refused(model: str, why: str) -> BadSetting:
    return BadSetting(
        what=f"the price of {model!r} cannot be used",
        why=why,
        fix=f'[tool.nbkit.price."{model}"] takes input and output (USD for a million tokens), cached_input, '
        "cache_write, discount",
    )
