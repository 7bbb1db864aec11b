"""`nbkit prices`: which table of prices holds, what a model costs by it, and fetching a newer one."""

from __future__ import annotations

import os

from nbkit.config import home_path
from nbkit.errors import BadSetting
from nbkit.figures import money
from nbkit.pricing.prices import price
from nbkit.pricing.table import refresh, table_of
from nbkit.types import Usage

_MILLION = 1_000_000


def show(model: str | None) -> int:
    """Prints the table, and of a model what a million tokens in and out cost.

    >>> show("openai:gpt-4o-mini")  # doctest: +ELLIPSIS
    genai-prices ...
    openai:gpt-4o-mini: ... for a million tokens in
    openai:gpt-4o-mini: ... for a million tokens out
    0
    """
    table = table_of(home_path(os.environ))
    models = sum(len(vendor.models) for vendor in table.vendors)
    print(f"{table.as_of}: {models:,} models of {len(table.vendors)} vendors")
    if model is None:
        return 0
    provider, colon, name = model.partition(":")
    if not colon:
        raise BadSetting(
            what=f"{model!r} names no provider", why="a price is a vendor's", fix=f"nbkit prices show openai:{model}"
        )
    for said, usage in (("in", Usage(_MILLION, 0)), ("out", Usage(0, _MILLION))):
        cost = price(provider, name, usage, table=table)
        print(f"{model}: {money(cost.usd)} for a million tokens {said}")
    return 0


def renew(url: str | None) -> int:
    """Fetches the newest table into the home, and prints which it is."""
    home = home_path(os.environ)
    before = table_of(home).as_of
    print(f"{refresh(home, url=url).as_of}, in place of {before}")
    return 0
