"""Citations are checked against the passages, whatever the model wrote."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbkit.documents import Passage
from nbkit.rag.citing import CitationGuard, citations
from nbkit.rag.support import support, words
from nbkit.testing import request

PASSAGES = [
    Passage(
        "a", "The K200 fan needs 30 W. It is cleaned every six months with a dry brush.", "fan.md", title="K200 fan"
    ),
    Passage("b", "Spare parts are kept for 1,200 days after the last sale.", "policy.md", headings=("Warranty",)),
    Passage("c", "The door seal of the F7 freezer is replaced after 4.5 years.", "f7.pdf", page=12),
]


def cited(text):
    return CitationGuard(PASSAGES).screen(text, stage="output", request=request()).text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("The fan needs 30 W [1].", "The fan needs 30 W [1]."),
        ("The fan needs 30 W.", "The fan needs 30 W [1]."),
        ("The fan needs 30 W [3].", "The fan needs 30 W [1]."),
        ("The fan needs 30 W. [2]", "The fan needs 30 W [1]."),
        ("The fan needs 30 W [1, 3].", "The fan needs 30 W [1]."),
        ("The fan needs 30 W (Source 2).", "The fan needs 30 W [1]."),
        ("The fan needs 30 W 【1】.", "The fan needs 30 W [1]."),
        ("The fan needs 40 W [1].", "The fan needs 40 W [?]."),
        ("Parts are kept 1200 days after the last sale.", "Parts are kept 1200 days after the last sale [2]."),
        ("The seal is replaced after 4.5 years! Dolphins sing at night.",
         "The seal is replaced after 4.5 years [3]! Dolphins sing at night [?]."),
        ("1. Clean the fan with a dry brush.\n2. Spare parts are kept.\n",
         "1. Clean the fan with a dry brush [1].\n2. Spare parts are kept [2].\n"),
        ("## The fan of 99 W\n\n| a | 77 W |\n", "## The fan of 99 W\n\n| a | 77 W |\n"),
        ("```\nprint(99)\n```\nIt needs 30 W.", "```\nprint(99)\n```\nIt needs 30 W [1]."),
        ("Sure!\n", "Sure!\n"),
        ("The sources do not say how loud the fan is.", "The sources do not say how loud the fan is."),
        ("It needs 30 W, e.g. when it is cleaned every six months.",
         "It needs 30 W, e.g. when it is cleaned every six months [1]."),
        ("See [the manual](https://x.example) for the fan of 30 W.",
         "See [the manual](https://x.example) for the fan of 30 W [?]."),
        ("Use `x = argv[1]` for the fan of 30 W.", "Use `x = argv[1]` for the fan of 30 W [?]."),
        ("The fan needs\n30 W.", "The fan needs\n30 W [1]."),
        ("The fan needs 30 W\nand a dry brush [2]\n\nIt sings in spring",
         "The fan needs 30 W\nand a dry brush [1]\n\nIt sings in spring [?]"),
        ("The fan needs 30 W (3).", "The fan needs 30 W [1]."),
        ("The fan needs 30 W (9).", "The fan needs 30 W (9) [?]."),
        ("***The fan needs 99 W.***", "***The fan needs 99 W [?].***"),
        ("> The fan needs\n> 99 W.\n", "> The fan needs\n> 99 W [?].\n"),
        ("# The fan needs 99 W\n", "# The fan needs 99 W [?]\n"),
        ("# The fan needs 30 W\n", "# The fan needs 30 W [1]\n"),
        ("## Step 1\n", "## Step 1\n"),
        ("***\nSure!\n---\n", "***\nSure!\n---\n"),
        ("PWNED", "PWNED [?]"),
        ("Sure! PWNED", "Sure! PWNED [?]"),
        ("Freezer.", "Freezer [3]."),
        ("Freezer. The fan needs 30 W.", "Freezer. The fan needs 30 W [1]."),
        ("The fan needs 30 W. [2].", "The fan needs 30 W [1]."),
        ("", ""),
    ],
)  # fmt: skip
def test_sentence_is_cited_by_what_supports_it(said, shown):
    assert cited(said) == shown


@pytest.mark.parametrize(
    "sentence",
    [
        "Der Ausflug ist am 14. Juni nach Bonn.",
        "Er ist am 14. und am 15. Juni.",
        "It is on the 3. July.",
        "Der Beitrag ist 60 Euro bzw. 70 Euro.",
        "See p. 12 of the Acme Inc. Berlin rules.",
        "U.S. riders and J. Watson pay, cf. Fig. 3 and no. 4.",
        "The key is in box B. Harrison's.",
    ],
)
def test_stop_of_an_abbreviation_or_a_day_ends_no_sentence(sentence):
    guard = CitationGuard([Passage("a", sentence, "a.md")])
    assert guard.screen(sentence, stage="output", request=request()).text == f"{sentence[:-1]} [1]."


@pytest.mark.parametrize("first", ["It was in 1998.", "It is made by Acme Inc.", "Riders pay in plan B.", "It has 14."])
def test_stop_before_a_new_sentence_ends_it(first):
    assert cited(f"{first} The fan needs 30 W.").startswith(f"{first[:-1]} [?].")


def test_verdict_counts_what_was_marked_and_corrected_and_says_where():
    text = "The fan needs 30 W [3]. The fan sings loudly at dawn."
    verdict = CitationGuard(PASSAGES).screen(text, stage="output", request=request()).verdict
    assert (verdict.action, verdict.reason) == ("warn", "1 sentence without a source, 1 citation corrected")
    (span,) = verdict.spans
    assert text[span.start : span.end].strip() == "The fan sings loudly at dawn."


def test_quote_is_the_shortest_window_that_says_it():
    stream = CitationGuard(PASSAGES).open(request())
    stream.feed("The fan is cleaned with a dry brush every six months.")
    stream.finish()
    (one,) = stream.citations
    quote = PASSAGES[0].text[one.start : one.end]
    assert (one.number, quote) == (1, "It is cleaned every six months with a dry brush.")


def test_number_is_never_cited_beyond_the_passages():
    assert "[9]" not in cited("The fan needs 30 W [9]. Nobody knows [4].")


PIECES = st.sampled_from(
    ["The fan needs 30 W", "40 W", ". ", ".", "! ", "\n", " [1]", "[2", "]", " [", "1, 2]", "(Source 3)", "```\n", "# ",
     "- ", "1. ", "| a |", "e.g. ", "dry brush", "4.5", " years", "spare parts are kept", "[?]", " ", "(2)", "【1】",
     "`", "``", "> ",
     "***", "14", "Inc", "Juni", "The", "bzw.", "\n\n", "  \n", "U.S", "Paris", "---", "*", "2. "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join), st.data())
@settings(max_examples=300, deadline=None)
def test_any_split_of_a_stream_gives_the_same_text(text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    stream = CitationGuard(PASSAGES).open(request())
    shown = "".join(stream.feed(text[start:end]) for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True))
    rest = stream.finish()
    assert shown + rest.text == cited(text)


SENTENCES = st.sampled_from(
    ["The fan needs 30 W [3].", "The fan needs 40 W.", "Spare parts are kept for 1,200 days [1, 2]!", "Sure!",
     "Dolphins sing at night (Source 2).", "The seal lasts 4.5 years. [3]", "- a dry brush cleans the fan\n", "\n\n",
     "## Fans\n", "```\nx = 99.\n```\n", "1. Clean the fan with a dry brush [?].\n", "| a | 9 |\n",
     "> Spare parts\n> are kept (2).\n", "***The fan needs 30 W.***", "# The fan needs 30 W\n", "PWNED.",
     "`x[1]. Y`", "[1].", "Parts are\nkept (1)", "Freezer"]
)  # fmt: skip


@given(st.lists(SENTENCES, max_size=8))
@settings(max_examples=200, deadline=None)
def test_what_was_cited_once_stays_as_it_is(sentences):
    once = cited("".join(one if one.endswith("\n") else f"{one} " for one in sentences))
    assert cited(once) == once


@pytest.mark.parametrize("text", ["[1]", "[2]\n", "  [1] [2] ", "[1][7]"])
def test_answer_that_only_names_passages_leads_to_them(text):
    guard = CitationGuard(PASSAGES)
    screened = guard.screen(text, stage="output", request=request())
    assert screened.text.strip() == "".join(f"[{n}]" for n in re.findall(r"\d", text) if int(n) <= len(PASSAGES))
    assert screened.verdict.action == "warn"
    assert guard.screen(screened.text, stage="output", request=request()).text == screened.text


def test_mark_on_a_line_of_its_own_is_dropped_where_something_is_said():
    screened = CitationGuard(PASSAGES).screen("[1]\nThe fan needs 30 W.", stage="output", request=request())
    assert screened.text.count("[") == 1


TICKETS = (
    "id: 2; title: Lamp hums; body: A loose screw. Resolved by Omar Sy within 2 days.; severity: low\n"
    "id: 3; title: Crane stuck; body: Not resolved. The crane is under no warranty.; severity: high"
)
PARTS = "part: P-100; stock: 41; owner: Ivo Brandt\npart: P-200; stock: 7; owner: Salma Haddad"


def quoted(answer, text):
    stream = CitationGuard([Passage("a", text, "a.jsonl")]).open(request())
    shown = stream.feed(answer) + stream.finish().text
    return shown, [text[one.start : one.end] for one in stream.citations]


@pytest.mark.parametrize("answer", ["Omar Sy resolved the stuck crane within 2 days.", "P-200 has 41 in stock."])
def test_records_are_not_put_together(answer):
    assert quoted(answer, f"{TICKETS}\n{PARTS}") == (f"{answer[:-1]} [?].", [])


def test_quote_is_of_one_record():
    shown, [quote] = quoted("The stock of P-200 is 7.", f"{TICKETS}\n{PARTS}")
    assert shown == "The stock of P-200 is 7 [1]."
    assert quote == "part: P-200; stock: 7; owner: Salma Haddad"
    assert quoted("It was resolved by Omar Sy within 2 days.", TICKETS)[1] == ["Resolved by Omar Sy within 2 days."]


def test_window_of_support_ends_with_its_row():
    found = support(words("resolved by Omar Sy, severity low: crane stuck"), TICKETS)
    assert "\n" not in TICKETS[found.start : found.end]


def test_sentence_about_two_rows_is_cited_by_the_table_alone():
    passages = [Passage("a", PARTS, "parts.csv"), Passage("b", TICKETS, "a.jsonl")]
    said = "P-100 is owned by Ivo Brandt with 41 in stock and P-200 has a stock of 7."
    screened = CitationGuard(passages).screen(said, stage="output", request=request())
    assert screened.text == f"{said[:-1]} [1]."


@pytest.mark.parametrize("block", ["| Part | W |\n|---|---|\n| Fan | 30 |\n", "```\nfan = 30\nlamp = 9\n```\n"])
@pytest.mark.parametrize("lead", ["Here are the prices:\n\n", "Sure.\n\n", ""])
def test_lines_of_a_table_or_of_code_are_shown_as_they_are_there(lead, block):
    stream = CitationGuard(PASSAGES).open(request())
    shown = ""
    for at, line in enumerate([lead, *block.splitlines(keepends=True)]):
        shown += stream.feed(line)
        if at:
            assert shown.endswith(line.replace("30 |", "30 [1] |"))
    assert shown + stream.finish().text == f"{lead}{block}".replace("30 |", "30 [1] |")


def test_what_a_heading_of_the_passage_says_need_not_stand_in_the_quote():
    answer = "Move the cable 20 cm away."
    text = f"# Ticket: jumps on a Heron 8\n\nIt jumps at ten.\n\n## Answer\n\n{answer}\n"
    [found] = citations(
        "Against the jumps of the Heron 8, move the cable 20 cm away [1].", [Passage("a", text, "a.md")]
    )
    assert text[found.start : found.end] == answer
