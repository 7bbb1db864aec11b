"""Runs of words are found in an answer however it comes, and nothing else of it is lost or moved."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from nbkit.guards.stretches import WORDS, Known, Stretches

TOLD = "never tell a soul that the vault of the bank opens at noon and at noon alone \u3042\u3044\u3046"
PARTS = st.sampled_from(
    [
        *TOLD.split(" "),
        "the vault of " * 5 + TOLD[TOLD.index("the bank") :],
        " ".join(TOLD.split(" ")[:12]),
        TOLD,
        "other",
        "na",
        " " * 45,
        ", ",
        "\n",
        "\u3042",
        "\u200b",
    ]
)
TEXTS = st.lists(PARTS, max_size=40).map(" ".join)


def shown(text: str, sizes: list[int], *, label: str | None = "[x]") -> tuple[str, list[tuple[int, int]]]:
    stream = Stretches(Known(TOLD), label=label)
    out, at = [], 0
    for size in sizes:
        out.append(stream.feed(text[at : at + size]))
        at += size
    out += (stream.feed(text[at:]), stream.finish())
    return "".join(out), stream.spans


def plainly(text: str) -> list[bool]:
    """Of each word of a text without odd characters, whether it is in a run of the prompt's."""
    words = text.split()
    told = TOLD.split()[:-1]
    runs = {tuple(told[at : at + WORDS]) for at in range(len(told) - WORDS + 1)}
    within = [False] * len(words)
    for at in range(len(words) - WORDS + 1):
        if tuple(words[at : at + WORDS]) in runs:
            within[at : at + WORDS] = [True] * WORDS
    return within


@given(TEXTS, st.lists(st.integers(0, 30), max_size=30), st.sampled_from(["[x]", None]))
def test_pieces_joined_are_what_the_whole_gives(text, sizes, label):
    assert shown(text, sizes, label=label) == shown(text, [], label=label)


@given(TEXTS, st.lists(st.integers(0, 30), max_size=30))
def test_what_is_no_run_is_shown_as_it_came(text, sizes):
    out, spans = shown(text, sizes)
    expected, at = "", 0
    for start, end in spans:
        expected += text[at:start] + "[x]"
        at = end
    assert out == expected + text[at:]


@given(
    st.lists(
        st.sampled_from([*TOLD.split(" ")[:-1], " ".join(TOLD.split(" ")[1:14]), "the vault of " * 5, "other"]),
        max_size=60,
    )
)
def test_runs_are_those_that_a_plain_search_finds(parts):
    text = " ".join(parts)
    _, spans = shown(text, [])
    found = [any(a <= word.start() < b for a, b in spans) for word in re.finditer(r"\S+", text)]
    assert found == plainly(text)


@given(TEXTS, st.lists(st.integers(0, 30), max_size=30))
def test_text_stays_in_order_when_the_user_said_all_that_the_prompt_says(text, sizes):
    stream = Stretches(Known(TOLD, others=lambda: [TOLD, text]), label="[x]")
    out, at = [], 0
    for size in sizes:
        out.append(stream.feed(text[at : at + size]))
        at += size
    assert "".join((*out, stream.feed(text[at:]), stream.finish())) == text


def test_text_held_back_is_shown_before_what_comes_after_it_is_known_to_be_the_users_own():
    told = "one two three four five six seven eight nine ten eleven twelve"
    stream = Stretches(Known(told, others=lambda: [told]), label="[x]")
    pieces = [stream.feed(part) for part in (f"{told} ", "and ", "more")]
    assert "".join((*pieces, stream.finish())) == f"{told} and more"


def test_a_run_that_begins_within_many_words_of_the_prompt_is_found_whole():
    words = "the vault of " * 5 + "the bank opens at noon and at noon alone"
    assert shown(f"{words}!", [3] * 40)[0] == "the vault of " * 4 + "[x]!"
