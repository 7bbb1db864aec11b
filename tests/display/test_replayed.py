"""A card of an answer that a replay gave again says so, in the page and in plain text."""

from __future__ import annotations

import dataclasses

import pytest

from nbkit.canonical import from_plain, to_plain
from nbkit.display.card import card_html, card_text
from nbkit.recorded import Record
from nbkit.testing.factories import record, response, usage
from nbkit.types import CacheOutcome, Timing

MADE = Timing(total_s=12.5, provider_s=12.0, first_token_s=1.25, guards_in_s=0.2, attempts=1)
AGAIN = Timing(total_s=0.004, provider_s=0.001, first_token_s=0.003, attempts=1)
REPLAYED = dataclasses.replace(
    record(response=response("Hello", usage=usage(output_tokens=24)), timing=AGAIN), replayed=MADE
)


@pytest.mark.parametrize("draw", [card_html, card_text])
def test_card_says_that_it_is_replayed_and_keeps_the_figures_of_the_call(draw):
    said = draw(REPLAYED)
    assert "· replayed" in said
    assert "12.5 s" in said
    assert "first token 1.25 s" in said
    assert "2.0 tokens/s" in said
    assert "as recorded" in said
    assert "4.0 ms" not in said


@pytest.mark.parametrize("draw", [card_html, card_text])
def test_card_of_a_call_that_was_made_does_not(draw):
    said = draw(dataclasses.replace(REPLAYED, replayed=None))
    assert "· replayed" not in said
    assert "as recorded" not in said


def test_of_a_hit_the_call_it_stands_for_is_that_which_was_made():
    hit = dataclasses.replace(REPLAYED, cache=CacheOutcome("hit", "k", 3.0, AGAIN))
    assert "originally 12.5 s" in card_text(hit)
    assert "replayed" in card_text(hit).splitlines()[0]


def test_among_several_only_some_are_replayed():
    said = card_text([REPLAYED, dataclasses.replace(REPLAYED, id="other", replayed=None)])
    assert "1 replayed" in said.splitlines()[0]
    assert "some as recorded" in said


def test_record_keeps_it():
    assert from_plain(Record, to_plain(REPLAYED)) == REPLAYED
