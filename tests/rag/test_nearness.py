"""How near what was found is to a question."""

from __future__ import annotations

import pytest

from nbkit.documents import Passage
from nbkit.rag.nearness import nearness
from nbkit.setting import Settings

LEAST = Settings().rag_min_score
POLICY = Passage(
    "p",
    "# Orders\n\nParcels leave on the next working day. Shipping costs 4 euros, and nothing from 50 euros on. "
    "What was not opened is taken back within 30 days; Petra Lindqvist answers.",
    "policy.md",
)


@pytest.mark.parametrize(
    "question",
    ["How much does shipping cost?", "Who is Petra Lindqvist?", "How long are parcels taken back?", "30 days or more?"],
)
def test_passage_with_the_words_of_the_question_is_near_however_far_its_meaning(question):
    assert nearness(question, [POLICY], 0.18).score >= LEAST


@pytest.mark.parametrize(
    "question",
    [
        "Who won the cup in 1998?",
        "Who is Olga Lindqvist?",
        "How do I train a dog?",
        "When did Petra Lindqvist marry in 2004?",
    ],
)
def test_passage_without_them_is_not(question):
    assert nearness(question, [POLICY], 0.18).score < LEAST


def test_meaning_alone_is_enough_where_it_says_the_same():
    assert nearness("Fees of delivery?", [POLICY], LEAST).score >= LEAST


def test_words_are_those_of_one_passage_and_its_headings():
    parts = [Passage("a", "The fan hums.", "a.md", headings=("Shipping",)), Passage("b", "It costs 4 euros.", "b.md")]
    assert nearness("How much does shipping cost?", parts, 0.2).held == 1
    under = Passage("a", "It costs 4 euros.", "a.md", headings=("Orders", "Shipping"))
    assert nearness("How much does shipping cost?", [under], 0.2).held == 2


def test_passage_with_all_words_of_a_question_is_near_whatever_its_meaning():
    assert nearness("shipping costs", [POLICY], -0.2).score >= LEAST


def test_words_of_a_passage_that_lacks_a_name_of_the_question_do_not_count():
    assert nearness("Who is Olga Lindqvist?", [POLICY], 0.2).held == 0


def test_words_do_not_count_where_only_meaning_is_searched():
    found = nearness("How much does shipping cost?", [POLICY], 0.18, has_words=False)
    assert (found.score, found.asked) == (0.18, 0)
    assert str(found) == "nearness 0.18: similarity 0.18"


def test_question_that_says_nothing_rests_on_its_similarity():
    assert nearness("who is on it?", [POLICY], 0.9).score == 0.9


def test_similarity_below_nothing_is_none():
    assert nearness("dogs", [POLICY], -0.4).score == 0
