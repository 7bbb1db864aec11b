from __future__ import annotations

import json
import os
import random
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.evals.overlap import common_length, is_same, normalised, rouge_l, rouge_tokens, says, token_f1

WORDS = [
    *[
        "a",
        "an",
        "the",
        "A",
        "The",
        "THE",
        "and",
        "ant",
        "then",
        "theme",
        "U.S.",
        "u.s.",
        "don't",
        "re-use",
        "30",
        "30%",
        "1,234.5",
        "9th",
        "May",
        "$5",
        "é",
        "É",
        "naïve",
        "ẞ",
        "İstanbul",
        "漢字",
    ],
    *(".", "-", "—", "'", "a.", "(the)", "the-end", "a_b", "\u00a0", "\u2028", "\x1f", ""),
]
BLANKS = [" ", " ", " ", "  ", "\n", "\t", "", "-", ", "]


def by_the_definition(text):
    """The steps that SQuAD's authors describe, a character and a word at a time, without a regular expression."""
    kept = "".join(char for char in text.lower() if char not in set(string.punctuation))
    out, word = [], ""
    for char in [*kept, None]:
        if char is not None and (char.isalnum() or char == "_"):
            word += char
            continue
        out.append(" " if word in ("a", "an", "the") else word)
        word = ""
        out.append(char or "")
    return " ".join("".join(out).split())


def f1_by_the_definition(text, right):
    ours, theirs = by_the_definition(text).split(), by_the_definition(right).split()
    if not ours or not theirs:
        return 1.0 if ours == theirs else 0.0
    left, shared = list(theirs), 0
    for token in ours:
        if token in left:
            left.remove(token)
            shared += 1
    if shared == 0:
        return 0.0
    precision, recall = shared / len(ours), shared / len(theirs)
    return (2 * precision * recall) / (precision + recall)


def sentence(rng):
    return "".join(f"{rng.choice(WORDS)}{rng.choice(BLANKS)}" for _ in range(rng.randrange(0, 9)))


def test_exact_match_and_f1_are_those_of_the_definition_on_10_000_random_pairs():
    rng = random.Random(20260101)
    kinds = {"same": 0, "part": 0, "none": 0, "empty": 0}
    for _ in range(10_000):
        text = sentence(rng)
        right = text.upper() if rng.random() < 0.1 else sentence(rng)
        assert is_same(text, right) == (by_the_definition(text) == by_the_definition(right)), (text, right)
        value = token_f1(text, right)
        assert value == f1_by_the_definition(text, right), (text, right)
        kinds["same" if value == 1 else "part" if value else "none"] += 1
        kinds["empty"] += not normalised(text)
    assert min(kinds.values()) > 100, kinds


@given(st.text(max_size=30), st.text(max_size=30))
def test_they_are_those_of_the_definition_on_any_text(text, right):
    assert is_same(text, right) == (by_the_definition(text) == by_the_definition(right))
    assert token_f1(text, right) == f1_by_the_definition(text, right)


@pytest.mark.data
def test_they_are_those_of_the_definition_on_xquad():
    lines = Path(os.environ["NBKIT_BENCH_DATA"], "xquad-en", "queries.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    rng = random.Random(7)
    checked = 0
    for row in rows:
        other = rng.choice(rows)["answers"][0]
        for right in row["answers"]:
            for text in (
                right,
                f"It is {right}.",
                right[: len(right) // 2],
                row["text"],
                f"{other}, the {right}",
                other,
            ):
                assert is_same(text, right) == (by_the_definition(text) == by_the_definition(right))
                assert token_f1(text, right) == f1_by_the_definition(text, right)
                checked += 1
    assert checked >= 6 * 1190


@pytest.mark.parametrize(
    ("text", "right", "value"),
    [
        ("The U.S.A.", "usa", 1.0),
        ("a b c", "b c d", 0.8),  # the article a is gone: 2 of 2, and 2 of 3
        ("b b c", "b c c", 2 / 3),
        ("", "", 1.0),
        ("the", "an", 1.0),
        ("", "x", 0.0),
        ("x", "y", 0.0),
    ],
)
def test_f1_worked_by_hand(text, right, value):
    assert token_f1(text, right) == pytest.approx(value)


def longest(ours, theirs):
    """The usual table."""
    row = [0] * (len(theirs) + 1)
    for token in ours:
        before = row[:]
        for at, other in enumerate(theirs, 1):
            row[at] = before[at - 1] + 1 if token == other else max(before[at], row[at - 1])
    return row[-1]


@given(st.lists(st.sampled_from("abcde"), max_size=80), st.lists(st.sampled_from("abcdex"), max_size=80))
def test_the_longest_common_subsequence_is_that_of_the_table(ours, theirs):
    assert common_length(ours, theirs) == longest(ours, theirs) == common_length(theirs, ours)


@pytest.mark.parametrize(
    ("text", "right", "value"),
    [
        # Lin 2004: "police killed the gunman" against "the gunman police killed": 2 of 4 and 2 of 4.
        ("the gunman police killed", "police killed the gunman", 0.5),
        ("police kill the gunman", "police killed the gunman", 0.75),
        ("testing", "tests", 0.0),  # nothing is stemmed
        ("Don't!", "don t", 1.0),
        ("", "x", 0.0),
        ("漢字", "漢字", 0.0),
    ],
)
def test_rouge_l_worked_by_hand(text, right, value):
    assert rouge_l(text, right) == value


@given(st.text("ab é1-_İ", max_size=20))
def test_rouge_tokens_are_runs_of_plain_letters_and_digits(text):
    spaced = "".join(char if char in string.ascii_lowercase + string.digits else " " for char in text.lower())
    assert rouge_tokens(text) == spaced.split()


@pytest.mark.parametrize(
    ("text", "wanted", "is_there"),
    [
        ("It needs 30 W.", "30  w", True),
        ("It needs 130 W.", "30 W", False),
        ("C++ is one", "c++", True),
        ("東京は大きい", "東京", True),
        ("STRASSE", "straße", True),
        ("it is", "", False),
        ("a.b", "a b", False),
        ("Decaf line.", "the decaf line", True),
        ("It draws 1,500 watts.", "1500 watts", True),
        ("It draws 1500 watts.", "1,500 watts", True),
        ("It draws 1,500 watts.", "500 watts", False),
        ("It costs 9.80 euros", "80 euros", False),
        ("fifty-five", "five", False),
        ("two hundred and fifty-five", "fifty-five", True),
        ("tea/coffee", "coffee", True),
        ("It is:30 W", "30 W", True),
        ("tea \u2014 or coffee\u2014black", "coffee", True),
        ("in the U.S.A.", "USA", True),
        ("The answer is A.", "A", True),
        ("a word", "the", False),
    ],
)
def test_words_are_found_whole(text, wanted, is_there):
    assert says(text, wanted) is is_there


@given(st.text("aA the,.-/15é ß", max_size=12), st.text("aA the,.-/15é ß", max_size=12))
def test_what_is_the_same_is_contained(text, wanted):
    if normalised(wanted) and is_same(text, wanted):
        assert says(text, wanted)
