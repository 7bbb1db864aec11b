"""What a source says otherwise is found in the sentence that a claim is matched to, not anywhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.documents import Passage
from nbkit.guards.facts import Facts
from nbkit.guards.grounded import GroundedGuard
from nbkit.guards.grounding import ground
from nbkit.guards.rows import rows
from nbkit.guards.said import read
from nbkit.guards.wording import tokens
from nbkit.protocols import GuardOptions
from nbkit.rag.citing import CitationGuard
from nbkit.secrets import SecretRegistry
from nbkit.testing import request

CORPUS = runpy.run_path(str(Path(__file__).with_name("grounded_corpus.py")))
PASSAGES, PAIRS = CORPUS["PASSAGES"], CORPUS["PAIRS"]
FIRMS = runpy.run_path(str(Path(__file__).with_name("shop_corpus.py")))
STILL_WRONG = {
    "All cooks may use the slicer.",
    "Plates are counted at the end of each shift.",
    "Notice is given three months before.",
}
FIRM_PAIRS = [(FIRMS[f"{name}_PASSAGES"], *pair) for name in ("SHOP", "CANTEEN") for pair in FIRMS[name]]
NOT_SEEN = {
    "The minutes are kept by Ana Ruiz.",
    "The team voted for the green prototype.",
    "The team rejected the blue prototype.",
}
LOST = {"V34 is made of steel."}
WORDS = {"11": "eleven", "26": "twenty-six", "200": "two hundred", "15": "fifteen", "40": "forty", "600": "six hundred"}
SENTENCES = [
    one.text.strip()
    for number, text in enumerate(PASSAGES, 1)
    for one in read(text, number)
    if "|" not in text and len(one.words) > 2
]
COUNTED = [one for one in SENTENCES if re.search(r"\b\d{1,3}\b", one)]


def supported(sentence, passages=PASSAGES):
    return [one.is_supported for one in ground(sentence, passages).sentences]


@pytest.mark.parametrize("true", sorted({true for _, true, _ in PAIRS} - LOST))
def test_true_sentence_is_kept(true):
    assert all(supported(true))


@pytest.mark.parametrize(("kind", "false"), [(kind, false) for kind, _, false in PAIRS if false not in NOT_SEEN])
def test_changed_sentence_is_marked(kind, false):
    assert not any(supported(false)), kind


@pytest.mark.parametrize(("passages", "kind", "question", "true", "false"), FIRM_PAIRS)
def test_what_a_firm_says_is_kept_and_what_it_does_not_is_marked(passages, kind, question, true, false):
    for sentence, is_true in ((true, True), (false, False)):
        if sentence not in STILL_WRONG:
            found = ground(sentence, passages, question=question).sentences
            assert [one.is_supported for one in found] == [is_true], (kind, sentence)


@pytest.mark.parametrize(("kind", "true", "false"), CORPUS["TABLE_PAIRS"])
def test_row_says_its_own_values_of_one_another(kind, true, false):
    assert supported(true, CORPUS["TABLE_PASSAGES"]) == [True], kind
    assert supported(false, CORPUS["TABLE_PASSAGES"]) == [False], kind


def test_sentences_that_no_rule_was_made_for_are_told_apart():
    held_out = CORPUS["HELD_OUT"]
    kept = sum(all(supported(true, CORPUS["HELD_OUT_PASSAGES"])) for _, true, _ in held_out)
    marked = sum(not any(supported(false, CORPUS["HELD_OUT_PASSAGES"])) for _, _, false in held_out)
    assert kept >= 0.95 * len(held_out)
    assert marked >= 0.85 * len(held_out)


def cited(text):
    passages = [Passage(str(at), one, f"{at}.md") for at, one in enumerate(PASSAGES)]
    return CitationGuard(passages).screen(text, stage="output", request=request()).text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("The warranty of the kiln lasts twelve years.", "The warranty of the kiln lasts twelve years [?]."),
        ("The warranty of the kiln lasts eleven years.", "The warranty of the kiln lasts eleven years [1]."),
        ("Bob Miller is responsible for the audit of the Lisbon plant [10].",
         "Bob Miller is responsible for the audit of the Lisbon plant [?]."),
        ("Passage 1: The warranty of the kiln lasts eleven years.",
         "Passage 1: The warranty of the kiln lasts eleven years [1]."),
        ("Source [5] says that a token expires after 15 minutes.",
         "Source says that a token expires after 15 minutes [5]."),
    ],
)  # fmt: skip
def test_citation_follows_the_same_check(said, shown):
    assert cited(said) == shown


def test_reason_says_what_the_passage_says():
    guard = GroundedGuard(GuardOptions(SecretRegistry(), contexts=PASSAGES))
    verdict = guard.screen("The warranty of the kiln lasts twelve years.", stage="output", request=request()).verdict
    assert verdict.reason == "0 of 1 sentence are in the sources; twelve: passage 1 says 11"


def test_line_that_ends_with_the_page_does_not_end_its_sentence():
    page = (
        "Hold the template against the wall, level it along the arrow and drill with a bit of 8 mm. Set the two\n"
        "upper screws first and leave them 4 mm proud; the case hangs on them. The wall was measured in spring by\n"
        "Ana Ruiz of the works.\nChoice Day Night\nTOMATO 20 16\nPEPPER 22 18\n"
    )
    facts = Facts(read(page, 1))
    assert facts.conflict("Set the two upper screws first and leave them 4 mm proud.") is None
    assert facts.conflict("The wall was measured in spring by Ana Ruiz.") is None
    assert facts.conflict("Set the six upper screws first and leave them 4 mm proud.") is not None
    assert [one.text.strip() for one in read(page, 1)][-2:] == ["TOMATO 20 16", "PEPPER 22 18"]


def test_reason_repeats_no_long_number():
    facts = Facts(read("The account of the plant is 4471220981.", 1))
    found = facts.conflict("The account of the plant is 9981220981.")
    assert found is not None
    assert not re.search(r"\d{4}", found.note)


@given(st.sampled_from(SENTENCES))
def test_sentence_copied_from_a_passage_is_supported(sentence):
    assert all(supported(sentence))


@given(st.sampled_from(COUNTED))
def test_number_spelled_otherwise_is_the_same(sentence):
    respelled = re.sub(r"\b\d{1,3}\b(?![.:]\d)", lambda found: WORDS.get(found.group(), found.group()), sentence)
    assert all(supported(respelled))


@given(st.sampled_from(COUNTED), st.integers(2, 997), st.data())
def test_number_that_no_passage_holds_near_is_not_supported(sentence, number, data):
    places = list(re.finditer(r"(?<![\d.,:-])\d{1,3}(?![\d.,:]\d|\d)", sentence))
    if not places or re.search(rf"\b{number}\b", sentence):
        return
    place = data.draw(st.sampled_from(places))
    if place.group() == str(number):
        return
    assert not all(supported(f"{sentence[: place.start()]}{number}{sentence[place.end() :]}"))


def test_rows_are_found_in_every_spelling_of_a_table():
    text = (
        "Prose: one.\n\npart,stock,owner\nP-1,3,Ada\nP-2,4,Bo\n\n| Level | Fee |\n| --- | --- |\n| Gold | 9 EUR |\n\n"
        "Item: XR-1; Weight: 3\n\nid: 2\ntitle: Lamp hums\n\nid: 3\ntitle: Crane stuck"
    )
    assert [[(cell.column, cell.value) for cell in row.cells] for row in rows(text)] == [
        [("part", "P-1"), ("stock", "3"), ("owner", "Ada")],
        [("part", "P-2"), ("stock", "4"), ("owner", "Bo")],
        [("Level", "Gold"), ("Fee", "9 EUR")],
        [("Item", "XR-1"), ("Weight", "3")],
        [("id", "2"), ("title", "Lamp hums")],
        [("id", "3"), ("title", "Crane stuck")],
    ]


@given(st.text(alphabet="ab1 ,;:|-.\n", max_size=200))
def test_rows_stand_in_order_and_their_cells_where_they_say(text):
    at = 0
    for row in rows(text):
        assert at <= row.start < row.end
        at = row.end
        for cell in row.cells:
            assert row.start <= cell.start <= cell.end <= row.end
            assert text[cell.start : cell.end] == cell.value


@pytest.mark.parametrize("name", ["P-300", "XR-12", "v2.1", "ISO-9001", "K200"])
def test_identifier_is_a_name_and_no_number(name):
    (one,) = tokens(name)
    assert one.kind == "name"
    assert one.is_identifier
    (judged,) = ground(f"The {name}7 pump is loud.", [f"The {name} pump is loud."]).sentences
    assert not judged.is_supported


def test_a_unit_before_a_heading_ends_its_sentence_and_a_title_names_what_was_asked():
    answer = "Please move the sensor cable 20 cm away, or pull in the cable QF-CBL, of which you have 45 m."
    ticket = f"# Ticket: jumps on a Heron 8\n\n## Answer\n\n{answer}\n\n## Closing note\n\nJumps fell."
    asked = "What did the desk advise against the jumps of the Heron 8?"
    said = answer.replace("Please move", "Against the jumps of the Heron 8 you should move")
    assert [one.text.strip() for one in read(ticket)][2:] == [answer, "## Closing note", "Jumps fell."]
    assert [one.is_supported for one in ground(said, [ticket], question=asked).sentences] == [True]
