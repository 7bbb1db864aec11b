"""Keywords are found wherever a plain search finds them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nbkit.guards.keywords import Keywords, lowered
from nbkit.guards.secret_formats import keywords

WORDS = [("sk-", True), ("sk-ant-", True), ("k-", True), ("token", False), ("tok", False), ("key is", False)]
TEXTS = st.text(st.sampled_from("skant-TOKEN ykeyis\u0130\u212a\u017f"), max_size=60)


def plainly(text: str, start: int, exact_from: int) -> list[tuple[int, int]]:
    found = []
    for number, (word, is_exact) in enumerate(WORDS):
        hay = text if is_exact else lowered(text)
        at = hay.find(word, exact_from if is_exact else start)
        while at >= 0:
            found.append((number, at))
            at = hay.find(word, at + 1)
    return found


@given(TEXTS, st.integers(0, 20), st.integers(0, 20))
def test_words_are_found_where_a_plain_search_finds_them(text, start, exact_from):
    assert Keywords(WORDS).find(text, start, exact_from=exact_from) == plainly(text, start, exact_from)


@given(TEXTS, st.integers(0, 60))
def test_nothing_is_missed_that_begins_before_what_is_said_to_be_open(text, cut):
    words = Keywords(WORDS)
    first, start = text[:cut], max(0, min(cut, len(text)) - words.open_chars(text[:cut]))
    later = [(number, at + start) for number, at in words.find(text[start:])]
    assert sorted({*words.find(first), *later}) == words.find(text)


def test_every_word_of_the_rules_is_found_alone_and_in_a_run():
    words = keywords()
    for number, (word, _) in enumerate(words.words):
        assert (number, 0) in words.find(word)
        assert (number, 3) in words.find(f"xy {word}{word}")


def test_a_keyword_that_arrives_letter_by_letter_is_kept_open():
    words = Keywords(WORDS)
    assert [words.open_chars("say TOKEN"[:end]) for end in range(4, 10)] == [0, 1, 2, 3, 4, 0]
