"""What vendors themselves work out in their documents, priced again: every figure, to a millionth of a cent.

Figures only, each with the page it stands on. Where the table no longer holds the price that an example was made
with, it is given as a price of one's own, so that the arithmetic is what is tested.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from nbkit.pricing.own import own_prices
from nbkit.pricing.prices import price
from nbkit.types import Usage

CLAUDE = "platform.claude.com/docs/en/about-claude/pricing"
RETRIEVAL = "anthropic.com/news/contextual-retrieval"
OPENAI = "openai.com/api/pricing"
TUNING = "platform.openai.com/docs/guides/fine-tuning, 'Estimate costs'"
GEMINI = "ai.google.dev/gemini-api/docs/pricing"
_NEAR = Decimal("0.00000001")


def cost(model: str, usage: Usage, **own: object) -> Decimal:
    """USD of one call; `own`: a price of one's own for the model."""
    vendor = "anthropic" if "claude" in model else "gemini" if "gemini" in model else "openai"
    found = price(vendor, model, usage, own=own_prices({model: own}) if own else {})
    assert found.usd is not None
    return found.usd


WORKED = [
    # A coding session of an hour; without its running time, which is no token.
    pytest.param("claude-opus-4-7", Usage(50_000, 15_000), "0.625", id=f"session, {CLAUDE}"),
    pytest.param("claude-opus-5", Usage(50_000, 15_000), "0.625", id=f"session of a later model, {CLAUDE}"),
    pytest.param("claude-opus-4-7", Usage(50_000, 15_000, 40_000), "0.445", id=f"session with cache reads, {CLAUDE}"),
    # Ten thousand tickets of 3,700 tokens, all of them counted as sent.
    pytest.param("claude-haiku-4-5", Usage(3_700 * 10_000, 0), "37", id=f"support tickets, {CLAUDE}"),
    # One picture: 255 tokens in tiles of 512 pixels, 765 for 1024 by 1024, 85 without detail.
    pytest.param("gpt-4o-2024-05-13", Usage(255, 0), "0.001275", id=f"small picture, {OPENAI}"),
    pytest.param("gpt-4o-2024-05-13", Usage(765, 0), "0.003825", id=f"picture, {OPENAI}"),
    pytest.param("gpt-4o-2024-05-13", Usage(85, 0), "0.000425", id=f"picture without detail, {OPENAI}"),
]


@pytest.mark.parametrize(("model", "usage", "usd"), WORKED)
def test_worked_example_costs_what_its_page_says(model: str, usage: Usage, usd: str) -> None:
    assert abs(cost(model, usage) - Decimal(usd)) <= _NEAR


@pytest.mark.parametrize(
    ("model", "usd_for_a_million", "usd"),
    [("gpt-4o-mini-2024-07-18", "3", "0.90"), ("gpt-3.5-turbo-0125", "8", "2.40")],
)
def test_training_costs_what_its_page_says_by_a_price_of_ones_own(model: str, usd_for_a_million: str, usd: str) -> None:
    """100,000 tokens in three epochs, from TUNING: no table of calls has the price of training."""
    assert cost(model, Usage(3 * 100_000, 0), input=usd_for_a_million, output=0) == Decimal(usd)


def test_contextual_retrieval_costs_what_its_page_says() -> None:
    """RETRIEVAL: $1.02 for a million tokens of documents of 8,000, chunks of 800, 50 of instructions, 100 of answer.

    The document is written to the cache once and read for each of its ten chunks.
    """
    documents, chunks = 1_000_000 // 8_000, 10
    model = "claude-3-haiku-20240307"
    written = documents * cost(model, Usage(8_000, 0, cache_write_tokens=8_000))
    read = documents * chunks * cost(model, Usage(8_000 + 800 + 50, 100, cached_input_tokens=8_000))

    assert abs(written + read - Decimal("1.021875")) <= _NEAR  # 0.30 + 0.30 + 0.265625 + 0.15625
    assert round(written + read, 2) == Decimal("1.02")


@pytest.mark.parametrize(
    ("model", "sent_usd", "made_usd"),
    [("claude-opus-4-6", "2.50", "12.50"), ("claude-sonnet-4-5", "1.50", "7.50"), ("claude-haiku-4-5", "0.50", "2.50")],
)
def test_batch_discount_gives_the_prices_of_the_batch_table(model: str, sent_usd: str, made_usd: str) -> None:
    """CLAUDE, 'Batch processing': 50 % less than the table says; in parts, since a million at once is a long prompt."""
    assert 10 * cost(model, Usage(100_000, 0), discount="0.5") == Decimal(sent_usd)
    assert 10 * cost(model, Usage(0, 100_000), discount="0.5") == Decimal(made_usd)


@pytest.mark.parametrize(
    ("model", "written_usd", "read_usd"),
    [
        ("claude-opus-4-5", "6.25", "0.50"),
        ("claude-sonnet-4-5", "3.75", "0.30"),
        ("claude-haiku-4-5", "1.25", "0.10"),
        ("claude-3-haiku-20240307", "0.30", "0.03"),
    ],
)
def test_cache_writes_and_reads_cost_what_the_model_table_says(model: str, written_usd: str, read_usd: str) -> None:
    """CLAUDE, 'Model pricing': writes for five minutes, and hits, for a million tokens."""
    assert 10 * cost(model, Usage(100_000, 0, cache_write_tokens=100_000)) == Decimal(written_usd)
    assert 10 * cost(model, Usage(100_000, 0, cached_input_tokens=100_000)) == Decimal(read_usd)


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        # Up to 200,000 tokens 1.25 and 10; above, for all tokens of the call, 2.50 and 15, cached 0.25.
        pytest.param("gemini-2.5-pro", Usage(100_000, 50_000), "0.625", id=f"short prompt, {GEMINI}"),
        pytest.param("gemini-2.5-pro", Usage(200_000, 0), "0.25", id=f"the last short prompt, {GEMINI}"),
        pytest.param("gemini-2.5-pro", Usage(200_001, 0), "0.5000025", id=f"the first long prompt, {GEMINI}"),
        pytest.param("gemini-2.5-pro", Usage(300_000, 1_000), "0.765", id=f"long prompt, {GEMINI}"),
        pytest.param("gemini-2.5-pro", Usage(300_000, 1_000, 100_000), "0.54", id=f"long prompt with hits, {GEMINI}"),
        # Up to 200,000 tokens 3 and 15; above 6 and 22.50.
        pytest.param("claude-sonnet-4-5", Usage(200_000, 1_000), "0.615", id=f"short prompt, {CLAUDE}"),
        pytest.param("claude-sonnet-4-5", Usage(300_000, 1_000), "1.8225", id=f"long prompt, {CLAUDE}"),
    ],
)
def test_long_prompt_is_of_its_tier_as_listed(model: str, usage: Usage, usd: str) -> None:
    """Worked by hand from the tiers that the vendor lists: Google publishes no total of its own."""
    assert abs(cost(model, usage) - Decimal(usd)) <= _NEAR
