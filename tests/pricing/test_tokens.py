from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.pricing.tokens import estimate_tokens


# An estimate: the bounds are wide on purpose, and a cost made from it is drawn with `~`.
@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("Hello world", 2, 3),
        ("The quick brown fox jumps over the lazy dog.", 9, 12),
        ("def add(a, b):\n    return a + b\n", 9, 16),
        ("你好,世界", 4, 7),
        ("1234567890", 4, 6),
        ("a b c d e f g h", 4, 9),
    ],
)
def test_estimate_is_near(text, low, high):
    assert low <= estimate_tokens(text) <= high


def test_empty_text_has_no_tokens():
    assert estimate_tokens("") == 0


@given(st.text(st.characters(), min_size=1))
def test_any_text_has_at_least_one_token_and_at_most_two_a_character(text):
    assert 1 <= estimate_tokens(text) <= 2 * len(text)
