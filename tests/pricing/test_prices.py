from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from nbkit.pricing.prices import context_tokens, model_names, price
from nbkit.pricing.table import bundled
from nbkit.types import Usage

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("provider", "model", "usage", "usd"),
    [
        # 0.15 and 0.60 USD a million, cached input 0.075.
        ("openai", "gpt-4o-mini", Usage(1_000, 100), "0.00021"),
        ("openai", "gpt-4o-mini", Usage(1_000, 100, cached_input_tokens=200), "0.000195"),
        ("openai", "gpt-4o-mini-2024-07-18", Usage(1_000, 100), "0.00021"),
        # Reasoning is part of the output and costs the same where there is no rate of its own.
        ("openai", "gpt-4o-mini", Usage(0, 100, reasoning_tokens=60), "0.00006"),
        # 3 and 15; read 0.30, written 3.75: 500 plain, 200 read, 300 written.
        (
            "anthropic",
            "claude-sonnet-4-5",
            Usage(1_000, 100, cached_input_tokens=200, cache_write_tokens=300),
            "0.004185",
        ),
        # 1.25 and 10 up to 200,000 tokens of input, 2.50 and 15 for everything above.
        ("gemini", "gemini-2.5-pro", Usage(200_000, 1_000), "0.26"),
        ("gemini", "gemini-2.5-pro", Usage(200_001, 1_000), "0.5150025"),
    ],
)
def test_tokens_cost_what_the_vendor_lists(provider, model, usage, usd):
    cost = price(provider, model, usage, at=AT)
    assert (cost.usd, cost.source) == (Decimal(usd), "table")


@pytest.mark.parametrize(
    ("provider", "model", "base_url"),
    [
        ("openai", "no-such-model", None),
        ("openai", "gpt-4o-mini", "http://127.0.0.1:8000/v1"),
        ("openai", "gpt-4o-mini", "https://llm.example.org/v1"),
        ("openai", "gpt-4o-mini", "https://api.openai.com.example.org/v1"),
        ("openai", "gpt-4o-mini", "https://example.org/https://api.openai.com"),
        ("my-openai-proxy", "gpt-4o-mini", None),
        ("ollama", "gpt-4o-mini", None),
        ("echo", "echo", None),
        ("gemini", "gemma-3", None),
    ],
)
def test_unknown_price_is_none_and_never_zero(provider, model, base_url):
    cost = price(provider, model, Usage(1_000, 100), base_url=base_url, at=AT)
    assert (cost.usd, cost.source) == (None, "unknown")


def test_contradicting_counts_have_no_price():
    assert price("openai", "gpt-4o-mini", Usage(10, 5, cached_input_tokens=20), at=AT).usd is None


@pytest.mark.parametrize(
    "base_url", ["https://api.openai.com/v1", "https://api.openai.com", "https://api.openai.com:443"]
)
def test_vendors_own_endpoint_is_priced(base_url):
    assert price("openai", "gpt-4o-mini", Usage(1_000, 100), base_url=base_url, at=AT).usd == Decimal("0.00021")


def test_known_router_has_its_own_prices():
    cost = price("openai", "openai/gpt-4o-mini", Usage(1_000_000, 0), base_url="https://openrouter.ai/api/v1", at=AT)
    assert cost.usd == Decimal("0.15")


def test_local_is_zero_and_says_so():
    cost = price("local", "qwen2.5-coder-0.5b", Usage(5, 5), is_local=True)
    assert (cost.usd, cost.source, cost.prices_as_of) == (Decimal(0), "local", None)


@pytest.mark.parametrize(
    ("model", "base_url"),
    [
        ("gpt-oss:120b-cloud", None),
        ("glm-4.6:cloud", "http://127.0.0.1:11434"),
        ("gpt-oss:120b", "https://ollama.com"),
        ("llama3.2", "http://192.168.1.7:11434"),
    ],
)
def test_model_that_ollama_runs_elsewhere_is_of_unknown_price(model, base_url):
    cost = price("ollama", model, Usage(1_000, 100), is_local=True, base_url=base_url)
    assert (cost.usd, cost.source) == (None, "unknown")


@pytest.mark.parametrize("base_url", [None, "http://localhost:11434", "http://127.0.0.1:9999/api"])
def test_model_that_ollama_runs_here_is_free(base_url):
    assert price("ollama", "cloudy-llama:1b", Usage(5, 5), is_local=True, base_url=base_url).source == "local"


def test_estimated_tokens_make_an_estimated_cost():
    assert price("openai", "gpt-4o-mini", Usage(5, 5, source="estimate")).is_estimate
    assert not price("openai", "gpt-4o-mini", Usage(5, 5)).is_estimate


def test_price_table_is_named_by_version():
    import genai_prices

    assert bundled().as_of == f"genai-prices {genai_prices.__version__}"
    assert price("openai", "gpt-4o-mini", Usage(5, 5)).prices_as_of == bundled().as_of


def test_context_window_of_known_models():
    assert context_tokens("openai", "gpt-4o-mini") == 128_000
    assert context_tokens("anthropic", "claude-sonnet-4-5") == 200_000
    assert context_tokens("openai", "gpt-4o-mini", base_url="http://localhost:1234/v1") is None
    assert context_tokens("openai", "no-such-model") is None


def test_model_names_are_the_vendors():
    names = model_names()
    assert {"gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-pro"} <= set(names)
    assert names == sorted(set(names))


def test_price_table_is_not_loaded_before_it_is_asked():
    code = "import sys, nbkit.pricing.prices, nbkit.pricing.tokens; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
