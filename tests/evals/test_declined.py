"""Answers that are none."""

from __future__ import annotations

import pytest

from nbkit.evals.declined import is_declined


@pytest.mark.parametrize(
    "text",
    [
        "I do not know.",
        "I don\u2019t know the answer to that.",
        "**I don't know.** Please ask your neighbour.",
        "Sorry, but I have no idea.",
        "I'm not sure.",
        "I do not have enough information to say.",
        "Unknown.",
        "The sources do not say.",
        "I can't help with that.",
    ],
)
def test_who_does_not_know_gives_no_answer(text):
    assert is_declined(text)


@pytest.mark.parametrize(
    "text",
    [
        "I'm not sure, but I think it is Paris.",
        "I do not know why, however the fan needs 30 W.",
        "He said: I do not know.",
        "Unknown Pleasures, by Joy Division.",
        "I know it: Paris.",
        "It is unknown Pleasures that they recorded first.",
        "",
    ],
)
def test_who_answers_after_all_does_not_decline(text):
    assert not is_declined(text)
