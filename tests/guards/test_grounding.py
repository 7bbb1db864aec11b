"""Support of sentences by sources: hand-worked cases, and what holds for every text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.guards.claims import Sentences, claims, is_unknown
from nbkit.guards.grounding import ENOUGH, Sources, ground
from nbkit.guards.wording import sentences, tokens

MANUAL = (
    "The K200 fan needs 30 W. It is cleaned every six months with a dry brush. The filter does not need oil. "
    "Dr. Ada Byron of Oslo designed it in 1987. Spare parts are kept for 1,200 days after the last sale."
)


@pytest.mark.parametrize(
    "sentence",
    [
        "The K200 fan needs 30 W.",
        "The fan is cleaned with a dry brush every six months.",
        "It is cleaned every 6 months.",
        "Parts are kept for 1200 days.",
        "Ada Byron designed the fan in 1987.",
        "The filter doesn't need oil.",
        "The **fan** needs 30 W [1].",
    ],
)
def test_what_a_source_says_is_supported(sentence):
    assert ground(sentence, [MANUAL]).sentences[0].is_supported


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("The K200 fan needs 40 W.", "number"),
        ("Spare parts are kept for 1,200 days after the last sale of 2024.", "number"),
        ("Ada Byron of Bergen sang arias at dawn.", "name"),
        ("Dolphins swim past the harbour.", "words"),
        ("The filter needs oil.", "negation"),
        ("Sale parts designed months fan brush.", "order"),
    ],
)
def test_reason_says_what_is_missing(sentence, reason):
    (one,) = ground(sentence, [MANUAL]).sentences
    assert reason in one.reasons
    assert one.support < ground("The K200 fan needs 30 W.", [MANUAL]).score


def test_denial_that_no_source_makes_costs_support():
    plain, denied = (
        Sources(["The fan needs oil."]).support(text) for text in ("Fans need oil.", "Fans never need oil.")
    )
    assert denied[0] < plain[0]
    assert denied[1] == ("order", "negation")


def test_one_sentence_worked_by_hand():
    # Three of four words are there (kiln is not), one pair of three is apart: 1/4 + 0.3 * 1/3 = 0.35 lost of 0.6.
    support, reasons = Sources(["The dry brush cleans."]).support("The dry brush cleans kilns.")
    assert reasons == ("words", "order")
    assert support == pytest.approx(1 / (1 + 2.718281828 ** (5 * (0.35 - 0.6))), abs=1e-6)


def test_words_of_the_question_are_no_evidence():
    source, question = "Roy Jenkins led the commission.", "In which year did the commission's leader Roy Jenkins die?"
    assert not ground("Roy Jenkins died in 2003.", [source], question=question).sentences[0].is_supported
    assert ground("Roy Jenkins", [source], question=question).sentences[0].is_supported


def test_words_may_come_in_the_other_order():
    assert Sources(["The dry brush cleans."]).support("It cleans, the brush, dry.")[1] == ()


def test_source_that_is_the_question_is_a_source():
    text = "The fan sings opera."
    assert ground(text, [text], question=text).score > 0.9


def test_saying_yes_to_what_no_source_has_is_not_supported():
    assert not ground("The fan sings opera.", [MANUAL], question="Does the fan sing opera?").sentences[0].is_supported


def test_answer_of_one_word_is_judged():
    assert not ground("Alaska", ["The airport is in Canada."]).sentences[0].is_supported
    assert ground("Canada", ["The airport is in Canada."]).sentences[0].is_supported


def test_one_invented_sentence_lowers_the_score_of_the_whole():
    good = "The K200 fan needs 30 W. It is cleaned with a dry brush. Spare parts are kept for 1,200 days."
    found = ground(f"{good} Whales compose symphonies nightly.", [MANUAL])
    assert (found.supported, len(found.sentences)) == (3, 4)
    assert found.score < ground(good, [MANUAL]).score - 0.2


@pytest.mark.parametrize(
    "answer", ["", "Sure!", "Yes.", "No.", "# Title\n", "```\nx = 99\n```\n", "The sources do not say."]
)
def test_what_claims_nothing_needs_no_source(answer):
    found = ground(answer, [MANUAL])
    assert (found.sentences, found.score) == ((), 1.0)


@pytest.mark.parametrize("contexts", [(), ("",), ("\n", " ")])
def test_nothing_is_supported_by_nothing(contexts):
    (one,) = ground("The fan needs 30 W.", contexts).sentences
    assert not one.is_supported


WORDS = st.sampled_from(
    [
        "fan",
        "oil",
        "dry",
        "brush",
        "needs",
        "Oslo",
        "kiln",
        "never",
        "not",
        "sale",
        "Ada",
        "months",
        "seven",
        "30",
        "40",
        "1987",
        "the",
        "of",
        "12.5",
    ]
)
SAID = st.lists(WORDS, min_size=2, max_size=12).map(lambda words: " ".join(words).capitalize() + ".")


@given(st.lists(SAID, min_size=1, max_size=5), st.data())
@settings(max_examples=200, deadline=None)
def test_sentence_copied_from_a_source_is_supported(said, data):
    copied = data.draw(st.sampled_from(said))
    for one in ground(copied, [" ".join(said)]).sentences:
        assert one.support >= 0.8


@given(SAID, st.integers(2_000, 9_999))
@settings(max_examples=200, deadline=None)
def test_sentence_with_a_number_of_its_own_is_not(said, number):
    for one in ground(f"{said[:-1]} {number}.", [said]).sentences:
        assert one.support < ENOUGH


@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=3), st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_has_a_score_and_places_inside_of_it(answer, contexts, question):
    found = ground(answer, contexts, question=question)
    assert 0 <= found.score <= 1
    edges = [edge for one in found.sentences for edge in (one.start, one.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(answer) for edge in edges)
    assert all(answer[one.start : one.end].strip() for one in found.sentences)


@given(SAID, st.lists(SAID, max_size=3), SAID)
@settings(max_examples=100, deadline=None)
def test_more_sources_never_take_a_word_away(answer, contexts, more):
    # Numbers and names are held against the sentence that is most alike, and that may be another one with more sources.
    def missing(sources):
        return [one for one in ground(answer, sources).sentences if "words" in one.reasons]

    assert len(missing([*contexts, more])) <= len(missing(contexts))


@given(SAID, st.lists(SAID, max_size=3), st.lists(SAID, max_size=3))
@settings(max_examples=200, deadline=None)
def test_what_stands_in_a_source_is_in_the_sources_whatever_else_they_say(answer, before, after):
    found = ground(answer, [*before, answer, *after])
    assert [one for one in found.sentences if one.reasons] == []


def test_claims_are_the_prose_of_an_answer():
    text = "# Fans\n\n- It needs 30 W [1]. Mr. Oe agrees.\n1. See https://x.example/99.\n| a | 9 |\n```\n7.\n```\nEnd"
    assert [place.text for place in claims(text)] == ["It needs 30 W.", "Mr. Oe agrees.", "See .", "End"]
    assert text[slice(*claims(text)[0][:2])] == "It needs 30 W [1]."


@pytest.mark.parametrize(
    ("sentence", "is_one"),
    [
        ("The passages do not mention a price.", True),
        ("There is no information about that.", True),
        ("This is not stated in the document.", True),
        ("I can't answer that.", True),
        ("The fan does not need oil.", False),
        ("No fan contains oil.", False),
        ("Sources of heat include the sun.", False),
    ],
)
def test_saying_that_nothing_is_known_is_told_from_a_denial(sentence, is_one):
    assert is_unknown(sentence) is is_one


def test_words_in_other_scripts_are_words():
    assert ground("東京は日本の首都です。", ["日本の首都は東京です。"]).sentences[0].is_supported
    assert not ground("大阪城公園駅前商店", ["日本の首都は東京です。"]).sentences[0].is_supported
    assert tokens("Miloš Straße")[0].stem == tokens("Milos STRASSE")[0].stem


def test_sentences_of_a_source_end_where_they_end():
    assert [MANUAL[start:end] for start, end in sentences(MANUAL)][:2] == [
        "The K200 fan needs 30 W.",
        "It is cleaned every six months with a dry brush.",
    ]


@pytest.mark.parametrize(
    "piece", ["e.g. ", "!", "[1", "](", "source not ", " ", "1. ", "a", "9", "[1,", "No, ", "\n", ". ["]
)
def test_large_texts_of_one_kind_are_read(piece):
    text = piece * (100_000 // len(piece))
    assert 0 <= ground(text, [text]).score <= 1


def test_reader_of_a_stream_waits_for_the_end_of_a_sentence():
    reader = Sentences()
    assert reader.end("It needs 30 W", 0, is_last=False) is None
    assert reader.end("It needs 30 W. It", 0, is_last=False) == len("It needs 30 W.")
