from __future__ import annotations

import pytest

from nbkit.guards.limits import MAX_CHARS, LimitsGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.types import Message, Request


def verdict(text, *, window=None, max_tokens=1024, before=()):
    guard = LimitsGuard(GuardOptions(SecretRegistry(), context_tokens=lambda _: window))
    request = Request("echo", "tiny", (*before, Message("user", text)), max_tokens=max_tokens)
    screened = guard.screen(text, stage="input", request=request)
    assert screened.text == text
    return screened.verdict


@pytest.mark.parametrize("text", ["", "  \n\t"])
def test_empty_prompt_is_blocked(text):
    assert verdict(text).action == "block"


def test_prompt_that_fits_is_allowed():
    assert verdict("hello", window=4096).action == "allow"
    assert verdict("hello " * 10_000).action == "allow"


def test_prompt_longer_than_the_window_is_blocked_with_what_to_do():
    found = verdict("hello " * 10_000, window=4096)
    assert found.action == "block"
    assert "4,096" in found.reason
    assert "--max-tokens" in found.reason
    assert "hello" not in found.reason


def test_max_tokens_counts():
    assert verdict("hello", window=4096, max_tokens=5000).action == "block"


def test_earlier_turns_count():
    assert verdict("hello", window=4096, before=(Message("user", "hello " * 10_000),)).action == "block"


def test_near_the_limit_warns_because_tokens_are_estimated():
    assert verdict("hello " * 3_000, window=4096).action == "warn"


def test_huge_prompt_is_blocked_for_every_model():
    assert verdict("x" * (MAX_CHARS + 1)).action == "block"
