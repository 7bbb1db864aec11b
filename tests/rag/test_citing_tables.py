"""Rows of an answer's tables are checked and marked as its sentences are, and values that were replaced are known."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.documents import Passage
from nbkit.guards.grounded import GroundedGuard
from nbkit.protocols import GuardOptions
from nbkit.pseudonyms import Pseudonyms
from nbkit.rag.citing import CitationGuard
from nbkit.secrets import SecretRegistry
from nbkit.testing import request

PASSAGES = [
    Passage(
        "a", "| Bike | Week EUR | Deposit EUR |\n|---|---|---|\n| Lund | 85 | 100 |\n| Fjell | 190 | 300 |", "rent.md"
    ),
    Passage("b", "The shop is reached at shop@norrvik.example. The pump Mini weighs 0.11 kg.", "shop.md"),
]
HEAD = "Rents:\n\n| Bike | Week | Deposit |\n|:--|--:|--:|\n"
TABLE = f"{HEAD}| Lund | 85 EUR | 100 EUR |\n| Fjell | 170 EUR | 300 EUR |\n| Unicorn | 5000 EUR | 9 EUR |\n"
MARKED = (
    f"{HEAD}| Lund | 85 EUR | 100 EUR [1] |\n| Fjell | 170 EUR | 300 EUR [?] |\n| Unicorn | 5000 EUR | 9 EUR [?] |\n"
)


def cited(text, replaced=None):
    guard = CitationGuard(PASSAGES)
    guard = guard if replaced is None else guard.knowing(replaced)
    return guard.screen(text, stage="output", request=request()).text


def grounded(text, replaced=None):
    guard = GroundedGuard(GuardOptions(SecretRegistry(), contexts=tuple(one.text for one in PASSAGES)))
    guard = guard if replaced is None else guard.knowing(replaced)
    return guard.screen(text, stage="output", request=request()).verdict


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (TABLE, MARKED),
        (TABLE.replace("| 100 EUR |", "| 100 EUR [2] |"), MARKED),
        (
            "| Name | Weight |\n|---|---|\n| Pump Mini | 0.11 kg |",
            "| Name | Weight |\n|---|---|\n| Pump Mini | 0.11 kg [2] |",
        ),
        ("| Name | Weight |\n|---|---|\n| | n/a |\n", "| Name | Weight |\n|---|---|\n| | n/a |\n"),
        (
            "```\n| Bike | Week |\n|---|---|\n| Unicorn | 5000 |\n```\n",
            "```\n| Bike | Week |\n|---|---|\n| Unicorn | 5000 |\n```\n",
        ),
    ],
    ids=["rows", "wrong mark", "from prose", "empty", "code"],
)
def test_rows_are_marked_in_their_last_cell(said, shown):
    assert cited(said) == shown


def test_made_up_rows_are_counted_and_underlined():
    verdict = grounded(TABLE)
    assert verdict.reason.startswith("1 of 3 sentences is in the sources")
    assert [TABLE[span.start : span.end].split("|")[1].strip() for span in verdict.spans] == ["Fjell", "Unicorn"]


@given(cuts=st.lists(st.integers(0, len(TABLE)), max_size=6))
@settings(max_examples=60)
def test_rows_in_pieces_are_marked_as_rows_at_once(cuts):
    stream = CitationGuard(PASSAGES).open(request())
    places = [0, *sorted(cuts), len(TABLE)]
    shown = "".join(stream.feed(TABLE[one:other]) for one, other in pairwise(places))
    assert shown + stream.finish().text == MARKED


def test_what_stands_for_a_value_of_a_passage_is_that_value():
    replaced = Pseudonyms({"⟦EMAIL_1⟧": "shop@norrvik.example", "⟦EMAIL_2⟧": "desk@norrvik.example"})
    assert cited("The shop is reached at ⟦EMAIL_1⟧.", replaced) == "The shop is reached at ⟦EMAIL_1⟧ [2]."
    assert cited("The shop is reached at ⟦EMAIL_2⟧.", replaced) == "The shop is reached at ⟦EMAIL_2⟧ [?]."
    assert grounded("The shop is reached at ⟦EMAIL_1⟧.", replaced).action == "allow"
    assert grounded("The shop is reached at ⟦EMAIL_2⟧.", replaced).action == "warn"


def test_an_answer_that_claims_nothing_has_no_score():
    assert grounded("Yes.").score is None
