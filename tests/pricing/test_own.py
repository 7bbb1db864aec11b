from __future__ import annotations

from decimal import Decimal

import pytest

from nbkit.errors import BadSetting
from nbkit.pricing.own import ProjectPrices, own_prices
from nbkit.pricing.prices import price
from nbkit.types import Usage

MILLION = 1_000_000
LLAMA = {"llama": {"input": 2, "output": "8", "cached_input": "0.5"}}


def cost(model, usage, raw, provider="openai", **fields):
    return price(provider, model, usage, own=own_prices(raw), **fields)


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(MILLION, 0), "2"),
        (Usage(0, MILLION), "8"),
        (Usage(MILLION, 0, cached_input_tokens=MILLION // 2), "1.25"),
        (Usage(MILLION, 0, cache_write_tokens=MILLION // 2), "2"),
        (Usage(1, 1, reasoning_tokens=1), "0.00001"),
        (Usage(0, 0), "0"),
    ],
)
def test_each_kind_of_token_has_its_rate(usage, usd):
    found = cost("llama", usage, LLAMA)
    assert (found.usd, found.source, found.prices_as_of) == (Decimal(usd), "own", "settings")


def test_they_come_before_the_table_and_before_local_models_being_free():
    assert cost("gpt-4o-mini", Usage(MILLION, 0), {"gpt-4o-mini": LLAMA["llama"]}).usd == Decimal(2)
    assert cost("llama", Usage(MILLION, 0), LLAMA, provider="local", is_local=True).usd == Decimal(2)
    assert cost("other", Usage(MILLION, 0), LLAMA, provider="local", is_local=True).usd == Decimal(0)


def test_a_provider_may_be_named_too():
    raw = {"openai:llama": {"input": 1, "output": 1}, "llama": {"input": 9, "output": 9}}
    assert cost("llama", Usage(MILLION, 0), raw).usd == Decimal(1)
    assert cost("llama", Usage(MILLION, 0), raw, provider="ollama").usd == Decimal(9)


def test_a_discount_is_on_what_the_table_says():
    table = price("openai", "gpt-4o-mini", Usage(MILLION, MILLION))
    found = cost("gpt-4o-mini", Usage(MILLION, MILLION), {"gpt-4o-mini": {"discount": 0.5}})
    assert found.usd == table.usd / 2
    assert table.prices_as_of in found.prices_as_of
    assert "50" in found.prices_as_of


def test_a_discount_on_what_nobody_knows_is_not_known():
    assert cost("unheard", Usage(1, 1), {"unheard": {"discount": 0.5}}).usd is None


def test_a_discount_on_a_price_of_ones_own():
    assert cost("m", Usage(MILLION, 0), {"m": {"input": 2, "output": 2, "discount": "0.25"}}).usd == Decimal("1.5")


@pytest.mark.parametrize(
    "row",
    [3, {}, {"input": 1}, {"output": 1}, {"cached_input": 1}, {"inputs": 1, "output": 1}, {"discount": 2},
     {"input": "free", "output": 1}, {"input": -1, "output": 1}, {"input": None, "output": 1}],
)  # fmt: skip
def test_what_cannot_be_a_price_is_refused_and_says_what_can(row):
    with pytest.raises(BadSetting, match="cached_input"):
        own_prices({"m": row})


def test_a_price_of_the_projects_file_says_so_and_whether_it_is_below_the_tables():
    free = ProjectPrices({"gpt-4o-mini": {"input": 0, "output": 0}, "house": {"input": 0, "output": 0}})
    listed = price("openai", "gpt-4o-mini", Usage(MILLION, 0))
    found = cost("gpt-4o-mini", Usage(MILLION, 0), free)
    assert (found.usd, found.prices_as_of) == (0, f"this project's pyproject.toml, below {listed.prices_as_of}")
    dear = ProjectPrices({"gpt-4o-mini": {"input": 99, "output": 99}})
    assert cost("gpt-4o-mini", Usage(MILLION, 0), dear).prices_as_of == "this project's pyproject.toml"
    assert cost("house", Usage(MILLION, 0), free).prices_as_of == "this project's pyproject.toml"
    half = ProjectPrices({"gpt-4o-mini": {"discount": 0.5}})
    assert "by this project's pyproject.toml" in cost("gpt-4o-mini", Usage(MILLION, 0), half).prices_as_of
