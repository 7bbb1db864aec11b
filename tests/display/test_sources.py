"""Below an answer from documents: what it rests on."""

import dataclasses
import re

import pytest

from nbkit.display.answer import answers_bundle
from nbkit.display.card import card_html, card_text
from nbkit.display.sources import anchors, sources, sources_html, sources_text
from nbkit.documents import Passage
from nbkit.ledger.content import without_content
from nbkit.rag.prompt import with_passages
from nbkit.recorded import Retrieval, Retrieved
from nbkit.testing.factories import record, request, response

PASSAGES = [
    Passage("p1", "It is quiet. The fan needs 30 W. It is black.", "care/fan.md", start=100, end=145, score=0.9),
    Passage("p2", "Dolphins <b>sing</b>.", "sea.pdf", page=3, start=5, end=26, score=0.1),
]


def made(text="The fan needs 30 W [1]."):
    found = tuple(Retrieved(p.id, p.source, p.page, p.start, p.end, p.score) for p in PASSAGES)
    return record(
        request=with_passages(request("How much?"), PASSAGES),
        response=response(text),
        retrieval=Retrieval("handbook", "hybrid", 0.014, found),
    )


def test_cited_passage_has_its_place_and_its_quote():
    found = sources(made())
    assert found.summary == "Sources: 1 of 2 passages cited (index handbook, hybrid, 14 ms)"
    cited, other = found.rows
    assert (cited.where, cited.quote, cited.is_cited) == (
        "care/fan.md, characters 114 to 132",
        "The fan needs 30 W.",
        True,
    )
    assert (other.where, other.is_cited) == ("sea.pdf, page 3, characters 6 to 26", False)


def test_call_without_documents_has_no_sources():
    assert sources(record()) is None
    assert "Sources" not in card_html(record())


def test_card_draws_them_escaped_and_folds_what_is_not_cited():
    html = card_html(made())
    assert html.index("The fan needs 30 W.") < html.index("1 passage that was not cited")
    assert "&lt;b&gt;sing" in html
    assert "<b>sing" not in html


def test_text_has_them_too():
    text = card_text(made())
    assert "[1] care/fan.md, characters 114 to 132 (cited, score 0.90)" in text
    assert "“The fan needs 30 W.”" in text


def test_name_of_a_document_cannot_turn_the_text_or_end_its_line():
    call = made()
    named = dataclasses.replace(call.retrieval.passages[0], source="a\u202egpj.md\x1b[31m\nSources: all")
    looked = dataclasses.replace(call.retrieval, passages=(named, *call.retrieval.passages[1:]))
    (first,) = [one for one in sources_text(sources(dataclasses.replace(call, retrieval=looked))) if "[1]" in one]
    assert "agpj.md[31m Sources: all" in first


def found_by(mode, *, rerank=None, is_open=False, text=None, **figures):
    """The first row, and the card, of a call that a search gave these figures for."""
    call = made()
    one = dataclasses.replace(call.retrieval.passages[0], **figures)
    looked = dataclasses.replace(call.retrieval, mode=mode, rerank=rerank, passages=(one, *call.retrieval.passages[1:]))
    asked = (
        call.request
        if text is None
        else with_passages(request("?"), [dataclasses.replace(PASSAGES[0], text=text), PASSAGES[1]])
    )
    call = dataclasses.replace(call, request=asked, retrieval=looked)
    return sources(call, is_open=is_open).rows[0], sources_html(sources(call, is_open=is_open))


def test_figure_has_a_name_and_a_scale():
    row, html = found_by("hybrid", score=2.31, cosine=0.534, words=7.12)
    assert row.score == "similarity 0.53"
    assert "similarity: 1 says just what is asked, 0 nothing of it" in html
    assert found_by("bm25", score=7.12, words=7.12)[0].score == "BM25 7.1"
    assert "similarity" not in found_by("bm25", score=7.12, words=7.12)[1]
    assert found_by("hybrid", score=2.31)[0].score == "score 2.31"


def test_all_figures_are_there_where_all_is_to_be_seen():
    assert found_by("hybrid", is_open=True, score=2.31, cosine=0.534, words=7.12)[0].score == (
        "similarity 0.53, BM25 7.1, ordered by 2.31"
    )
    assert found_by("dense", is_open=True, score=0.534, cosine=0.534)[0].score == "similarity 0.53"
    reranked = found_by("hybrid", rerank="m", is_open=True, score=-3.0, cosine=0.534, words=7.12)
    assert reranked[0].score == "similarity 0.53, BM25 7.1, reranked -3.00"


HOSTILE = (
    "Weights <b>x</b>\n\n| Part | kg |\n|---|---|\n| <img src=x onerror=y> | [3](http://y) |\n  - first\n  - second"
)


def test_whole_passage_keeps_its_lines_and_its_tables_and_obeys_none_of_them():
    row, html = found_by("hybrid", is_open=True, text=HOSTILE)
    assert row.quote == HOSTILE
    assert "  - first\n  - second</pre>" in html
    assert re.search(r'<th scope="col"[^>]*>kg</th>', html)
    assert re.search(r"<td[^>]*>&lt;img src=x onerror=y&gt;</td><td[^>]*>\[3\]\(http://y\)</td>", html)
    assert "<b>" not in html
    assert "<img" not in html
    assert "<a " not in html


def test_folded_passage_stays_one_line():
    row, html = found_by("hybrid", text=HOSTILE.replace("Weights", "The fan needs 30 W. Weights"))
    assert "\n" not in row.quote
    assert "<pre" not in html


def test_whole_passage_keeps_its_lines_in_text():
    call = made()
    asked = with_passages(request("?"), [dataclasses.replace(PASSAGES[0], text="one\n  two"), PASSAGES[1]])
    lines = "\n".join(sources_text(sources(dataclasses.replace(call, request=asked), is_open=True)))
    assert "      “one\n         two”" in lines


def test_record_that_was_kept_without_text_still_names_the_places():
    found = sources(without_content(made()))
    assert [row.where for row in found.rows] == [
        "care/fan.md, characters 101 to 145",
        "sea.pdf, page 3, characters 6 to 26",
    ]
    assert {row.quote for row in found.rows} == {""}


def test_failed_call_shows_what_it_was_given():
    assert [row.is_cited for row in sources(dataclasses.replace(made(), response=None)).rows] == [False, False]


def test_each_row_has_the_name_to_which_the_answer_s_marks_lead():
    call = made("The fan needs 30 W [1][2]. `x [1]` it is [3].")
    names = anchors(call)
    assert [row.anchor for row in sources(call).rows] == list(names.values())
    assert f'<tr id="{names[1]}"' in card_html(call)
    bundle = answers_bundle([call.response.text], "md", anchors=names)
    assert bundle["text/markdown"] == (
        f"The fan needs 30 W [\\[1\\]](#{names[1]})[\\[2\\]](#{names[2]}). `x [1]` it is [3]."
    )
    assert bundle["text/plain"] == call.response.text


def test_two_calls_on_one_page_have_different_names():
    one, other = made(), dataclasses.replace(made(), id="other")
    assert not set(anchors(one).values()) & set(anchors(other).values())
    assert anchors(record()) == {}


def test_name_of_a_row_holds_nothing_that_acts():
    [name, _] = anchors(dataclasses.replace(made(), id='"> [x](http://y) <b>')).values()
    assert name == "nbkit-xhttpyb-1"


def test_mark_of_a_sentence_without_a_source_is_explained_where_there_is_one():
    marked = made("The fan needs 30 W [1]. It sings [?].")
    assert "[?] marks a sentence that no passage supports." in card_html(marked)
    assert "[?] marks a sentence that no passage supports." in card_text(marked)
    assert "[?]" not in card_html(made())


def test_long_quote_ends_after_a_whole_word():
    [long] = [dataclasses.replace(PASSAGES[1], text="dolphins " * 60)]
    call = made()
    asked = with_passages(request("How much?"), [PASSAGES[0], long])
    _, other = sources(dataclasses.replace(call, request=asked)).rows
    assert other.quote.endswith("dolphins …")
    assert len(other.quote) <= 300


@pytest.mark.parametrize("answer", ["BANANA", "Yes."])
def test_answer_that_cites_nothing_is_said_to(answer):
    assert sources(made(answer)).note == "The answer cites no passage: none of it was found in one."


@pytest.mark.parametrize("answer", ["The sources do not say.", "The fan needs 30 W [1].", ""])
def test_nothing_is_said_of_an_answer_that_needs_no_more_sources(answer):
    assert sources(made(answer)).note == ""


def test_passage_that_only_another_sample_cites_is_among_the_cited():
    samples = [made(), dataclasses.replace(made("Dolphins sing [2]."), id="other")]
    assert "Sources: 2 of 2 passages cited" in card_html(samples)


def test_mark_that_was_checked_with_a_heading_leads_to_a_row_among_the_cited():
    # "Ventilation" stood in the heading alone, which is not in the record.
    found = sources(made("The ventilation fan of the workshop unit needs 30 W [1]."))
    assert [row.is_cited for row in found.rows] == [True, False]
    assert found.rows[0].quote.startswith("It is quiet.")
    assert found.note == ""


def test_passage_that_a_guard_left_out_is_shown_with_its_place_and_reason():
    away = Retrieved("p9", "ticket-7731.md", 2, 10, 50, 0.4, left_out="injection: <instructions-to-ai>")
    call = made()
    kept = dataclasses.replace(call, retrieval=dataclasses.replace(call.retrieval, left_out=(away,)))
    assert sources(kept).summary.startswith("Sources: 1 of 2 passages cited, 1 left out (index handbook")
    text, html = card_text(kept), card_html(kept)
    said = "ticket-7731.md, page 2, characters 11 to 50 (injection: "
    assert "1 passage left out" in text
    assert f"{said}<instructions-to-ai>)" in text
    assert "1 passage left out" in html
    assert f"{said}&lt;instructions-to-ai&gt;)" in html
    assert "left out" not in card_html(call)


def test_quotes_that_stand_side_by_side_are_one():
    wrapped = dataclasses.replace(
        PASSAGES[0], text="Turn it off and\ninspect the belt. Then clean part 2702. It is black."
    )
    call = made("Clean part 2702 [1]. Turn it off and inspect the belt [1].")
    asked = with_passages(request("How much?"), [wrapped, PASSAGES[1]])
    assert sources(dataclasses.replace(call, request=asked)).rows[0].quote == (
        "Turn it off and inspect the belt. Then clean part 2702."
    )


@pytest.mark.parametrize(
    ("answer", "where"),
    [
        ("P-200 has a stock of 7 [1].", "parts.csv, row 3"),
        ("P-100 has a stock of 41 [1]. P-200 has a stock of 7 [1].", "parts.csv, rows 2 to 3"),
        ("Nothing is cited here.", "parts.csv, rows 2 to 4"),
    ],
)
def test_place_of_a_cited_row_is_the_rows_own(answer, where):
    text = "part: P-100; stock: 41\npart: P-200; stock: 7\npart: P-300; stock: 3"
    passage = Passage("p", text, "parts.csv", start=0, end=len(text), parts=("row 2", "row 4"))
    found = Retrieved("p", "parts.csv", None, 0, len(text), 0.9, parts=passage.parts)
    one = record(
        request=with_passages(request("How many?"), [passage]),
        response=response(answer),
        retrieval=Retrieval("handbook", "hybrid", 0.014, (found,)),
    )
    assert sources(one).rows[0].where == where
    assert sources(one, is_open=True).rows[0].where == "parts.csv, rows 2 to 4"
