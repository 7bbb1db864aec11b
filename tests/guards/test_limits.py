from __future__ import annotations

import pytest

from nbkit.guards.limits import MAX_CHARS, LimitsGuard
from nbkit.protocols import GuardOptions
from nbkit.secrets import SecretRegistry
from nbkit.testing.contracts import GuardContract
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


def screened(text, stage="input", **options):
    guard = LimitsGuard(GuardOptions(SecretRegistry(), **options))
    return guard.screen(text, stage=stage, request=Request("echo", "tiny", (Message("user", text),)))


class TestContract(GuardContract):
    texts = ("pay\u202e 10", "hi\U000e0041\U000e0042", "a\u200bb\x00", "x\u200d\u200d\u200d")

    def guard(self):
        return LimitsGuard(GuardOptions(SecretRegistry()))


@pytest.mark.parametrize("stage", ["input", "retrieved"])
def test_hidden_characters_are_stripped_and_flagged_with_their_places(stage):
    found = screened("pay\u202e 10\U000e0041\U000e0042", stage)
    assert found.text == "pay 10"
    assert found.verdict.action == "redact"
    assert [(span.start, span.end, span.kind) for span in found.verdict.spans] == [(3, 4, "bidi"), (7, 9, "tags")]
    assert found.verdict.reason == "hidden characters: bidi 1, tags 2"


def test_a_policy_can_warn_block_or_look_away():
    for action in ("warn", "block"):
        found = screened("a\u202eb", actions={"input": action})
        assert (found.text, found.verdict.action) == ("a\u202eb", action)
    quiet = screened("a\u202eb", actions={"input": "allow"}).verdict
    assert (quiet.action, len(quiet.spans)) == ("allow", 1)


def test_allowed_kinds_stay():
    assert screened("a\u202eb", allowed_kinds=frozenset({"bidi"})).verdict.action == "allow"


def test_a_prompt_of_hidden_characters_only_is_empty():
    assert screened("\u200b\U000e0041").verdict.action == "block"


def test_retrieved_text_may_be_empty():
    assert screened("", "retrieved").verdict.action == "allow"
