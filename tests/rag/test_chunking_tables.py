"""A table that is cut names its columns in every chunk, and no character moves."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.documents import Chunk, Document, Heading, Passage
from nbkit.rag.chunking import chunks
from nbkit.rag.chunking_tables import Tables
from nbkit.rag.prompt import quoted, with_passages
from nbkit.testing import FakeEmbedder
from nbkit.testing.factories import request
from nbkit.types import Span

HEADER = "| Part | Price |"


def document(rows, *, header=HEADER, before="", after="", pages=()):
    lines = "".join(f"| Lid {number} | {number} |\n" for number in range(rows))
    table = f"{header}\n| --- | --- |\n{lines}"
    text = before + table + after
    return Document(text, blocks=(Span(len(before), len(before) + len(table) - 1, "table"),), pages=pages)


def whole(found, given):
    """Whether each character that is no blank is in one chunk, at its place."""
    for one in found:
        assert given.text[one.start : one.end] == one.text
    return re.sub(r"\s", "", "".join(one.text for one in found)) == re.sub(r"\s", "", given.text)


def test_chunks_that_go_on_with_a_table_have_its_header_before_them():
    given_document = document(300, before="# Prices\n\n", after="\n\nAll in euros, tax included.\n")
    found = chunks(given_document, embedder=FakeEmbedder())
    first, *rest = [one for one in found if "| Lid" in one.text]
    assert len(rest) > 5
    assert first.header == ""
    assert HEADER in first.text
    assert {one.header for one in rest} == {HEADER}
    assert all(one.embedded_text == f"{HEADER}\n{one.text}" for one in rest)
    assert whole(found, given_document)
    assert all(one.header == "" for one in found if "| Lid" not in one.text)


def test_header_stands_between_headings_and_rows():
    chunk = Chunk("| Lid | 3 |", 0, 11, headings=("Prices",), header=HEADER)
    assert chunk.embedded_text == f"Prices\n{HEADER}\n| Lid | 3 |"


def test_table_that_fits_has_none():
    assert [one.header for one in chunks(document(3), embedder=FakeEmbedder())] == [""]


def test_table_that_goes_on_on_the_next_page_has_its_header_there():
    given_document = document(6)
    turn = given_document.text.index("| Lid 3")
    found = chunks(document(6, pages=(0, turn)), embedder=FakeEmbedder())
    assert [(one.page, one.header) for one in found] == [(1, ""), (2, HEADER)]


@given(
    rows=st.integers(1, 120),
    columns=st.integers(1, 60),
    size=st.integers(16, 300),
    max_tokens=st.sampled_from([64, 256]),
    pages=st.lists(st.integers(1, 3000), max_size=3),
)
def test_what_is_embedded_fits_the_window_and_nothing_is_lost(rows, columns, size, max_tokens, pages):
    header = f"|{' Column |' * columns}"
    body = "".join(f"|{f' {number} |' * columns}\n" for number in range(rows))
    table = f"{header}\n|{' --- |' * columns}\n{body}"
    pages = (0, *sorted({one for one in pages if one < len(table)}))
    given_document = Document(
        table, headings=(Heading(0, 1, "Top of it"),), blocks=(Span(0, len(table), "table"),), pages=pages
    )
    embedder = FakeEmbedder(max_tokens=max_tokens)
    found = chunks(given_document, embedder=embedder, size_tokens=size)
    assert whole(found, given_document)
    assert all(len(embedder.token_starts(one.embedded_text)) <= max_tokens for one in found)
    assert {one.header for one in found} <= {"", header}


@pytest.mark.parametrize(
    "text", ["Part: Lid; Price: 3\nPart: Cup; Price: 4", "| a |", "| a | b |\n| 1 | 2 |", "", "a\n---\nb"]
)
def test_block_without_a_header_has_none(text):
    tables = Tables(Document(text, blocks=(Span(0, len(text), "table"),)))
    assert tables.headers == []
    assert {tables.above(place) for place in range(len(text) + 1)} == {""}


def test_model_is_given_the_header_with_the_rows_and_the_place_stays_that_of_the_rows():
    passage = Passage("a", "| Lid | 3 |\n| Cup | 4 |", "prices.md", start=900, end=923, header=HEADER)
    asked = with_passages(request("How much?"), [passage])
    assert quoted(asked) == [f"{HEADER}\n| --- | --- |\n| Lid | 3 |\n| Cup | 4 |"]
    assert asked.sources[0][0] == "prices.md, characters 901 to 923"


def test_chunk_that_begins_under_the_header_has_one_line_under_it():
    passage = Passage("a", "| --- | --- |\n| Lid | 3 |", "prices.md", header=HEADER)
    assert passage.whole_text == f"{HEADER}\n| --- | --- |\n| Lid | 3 |"
