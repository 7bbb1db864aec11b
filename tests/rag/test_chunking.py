from __future__ import annotations

import dataclasses
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbkit.documents import Document, Heading
from nbkit.rag.chunking import Chunker, chunks
from nbkit.rag.chunking_units import sections, units
from nbkit.rag.chunking_words import WordSizes
from nbkit.types import Span

TOKEN = re.compile(r"\w{1,6}|[^\w\s]")


class Words:
    """Tokens of up to six letters, found between blanks: as word pieces add up."""

    name = "words"
    id = "words"
    dimensions = 2
    splits_at_blanks = True

    def __init__(self, max_tokens=254):
        self.max_tokens = max_tokens
        self.read_chars = 0

    def token_starts(self, text):
        self.read_chars += len(text)
        return [found.start() for found in TOKEN.finditer(text)]

    def embed(self, texts, *, is_query=False):
        raise NotImplementedError

    def close(self):
        """Nothing is held."""


class Bytes(Words):
    """A token for each byte, blanks too: counts of words do not add up."""

    splits_at_blanks = False

    def token_starts(self, text):
        return [place for place, sign in enumerate(text) for _ in sign.encode("utf-8", "surrogatepass")]


def tokens(text):
    return len(TOKEN.findall(text))


def from_markdown(text, *, has_pages=False):
    """Headings, fences and tables by their first signs: enough to make documents of any shape."""
    headings = tuple(
        Heading(found.start(), len(found[1]), found[2].strip()) for found in re.finditer(r"(?m)^(#{1,3}) (.*)$", text)
    )
    blocks = tuple(
        Span(found.start(), found.end(), "code" if found[0][0] == "`" else "table")
        for found in re.finditer(r"(?ms)^```.*?^```$|(?:^\|[^\n]*\n?)+", text)
        if not any(found.start() <= heading.start < found.end() for heading in headings)
    )
    return Document(
        text, headings=headings, blocks=blocks, pages=(0, len(text) // 2) if has_pages and len(text) > 1 else ()
    )


words = st.sampled_from(
    ["rain", "the", "U.S.", "Dr.", "e.g.", "internationalization", "3.5", "é́", "水がいい。", "x" * 90]
)
signs = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
sentences = st.lists(words | signs, min_size=1, max_size=30).map(lambda some: " ".join(some).capitalize() + ". ")
paragraphs = st.lists(sentences, min_size=1, max_size=6).map("".join)
listings = st.lists(sentences, min_size=1, max_size=12).map(lambda some: "- " + "\n- ".join(some))
fences = st.integers(1, 60).map(lambda n: "```\n" + "".join(f"line({number})\n" for number in range(n)) + "```")
tables = st.integers(1, 40).map(lambda n: "".join(f"| {number} | cell |\n" for number in range(n)))
titles = st.tuples(st.sampled_from(["#", "##", "###"]), words | signs).map(" ".join)
texts = st.lists(paragraphs | listings | fences | tables | titles, max_size=8).flatmap(
    lambda parts: st.sampled_from(["\n\n", "\n", "\r\n\r\n", "\n \n"]).map(lambda blank: blank.join(parts))
)
documents = st.builds(from_markdown, texts, has_pages=st.booleans())
sizes = st.sampled_from([16, 40, 80, 300])
embedders = st.builds(Words, st.sampled_from([24, 100, 254])) | st.builds(Bytes, st.sampled_from([24, 254]))


@settings(deadline=None)  # the long examples take what the machine gives them
@given(documents, embedders, sizes, st.integers(0, 8))
@example(Document("x" * 100_000), Words(), 80, 0)
@example(Document("水" * 100_000), Words(), 80, 0)
@example(Document("水" * 5_000), Bytes(24), 16, 8)
@example(Document("a\x1cb " * 400), Words(100), 300, 0)
@example(Document("\u200b " * 400), Words(), 80, 0)
@example(Document("a b", headings=(Heading(0, 1, "word " * 900),)), Words(24), 16, 0)
def test_every_character_is_in_a_chunk_that_says_where_and_fits_the_window(document, embedder, size, overlap):
    text = document.text
    found = chunks(document, embedder=embedder, size_tokens=size, overlap_tokens=overlap)
    covered = 0
    for chunk in found:
        assert text[chunk.start : chunk.end] == chunk.text == chunk.text.strip() != ""
        assert chunk.page == document.page_at(chunk.start) == document.page_at(chunk.end - 1)
        assert len(embedder.token_starts(chunk.embedded_text)) <= embedder.max_tokens
        assert not text[covered : chunk.start].strip()
        assert chunk.end > covered
        covered = chunk.end
    assert not text[covered:].strip()


@settings(deadline=None)
@given(documents, sizes, st.integers(0, 8))
def test_the_same_document_is_cut_the_same_by_one_that_has_seen_others(document, size, overlap):
    chunker = Chunker(Words(), size, overlap)
    first = chunker.chunks(document)
    chunker.chunks(from_markdown("# Other\n\nIt rains. " * 9))
    assert chunker.chunks(document) == first == Chunker(Words(), size, overlap).chunks(document)


@settings(deadline=None)
@given(documents, sizes)
def test_chunks_are_of_the_size_but_for_tables_and_code(document, size):
    for chunk in chunks(document, embedder=Words(), size_tokens=size):
        block = any(chunk.start < block.end and block.start < chunk.end for block in document.blocks)
        assert block or tokens(chunk.text) <= size


@settings(deadline=None)
@given(documents)
def test_tokens_are_those_of_the_text_without_its_headings(document):
    # A word of signs that are no tokens counts one, so that a chunk of them has an end.
    if all(tokens(word) for word in document.text.split()) and all(len(word) <= 64 for word in document.text.split()):
        for chunk in chunks(document, embedder=Words()):
            assert chunk.tokens == tokens(chunk.text)


@settings(deadline=None)
@given(documents, st.sampled_from([40, 80]))
def test_tables_and_code_that_fit_the_window_are_whole(document, size):
    text, found = document.text, chunks(document, embedder=Words(), size_tokens=size)
    for block in document.blocks:
        stretch = text[block.start : block.end].strip()
        if any(block.start < page < block.end for page in document.pages):
            continue
        # Beside a quarter of the window for headings there is room for this many.
        if stretch and max(map(len, stretch.split())) <= 64 and tokens(stretch) <= 190:
            assert any(stretch in chunk.text for chunk in found)


@settings(deadline=None)
@given(documents)
def test_chunks_stand_under_the_headings_that_are_above_them(document):
    names = [" ".join(heading.text.split()) for heading in document.headings]
    for chunk in chunks(document, embedder=Words()):
        assert all(name in names for name in chunk.headings)
    for chunk in chunks(Document(document.text), embedder=Words()):
        assert chunk.headings == ()


def prose(number, *, of=12):
    return " ".join(f"The {place} rain of day {number} falls on the plain." for place in range(of))


def test_a_chunk_has_the_whole_path_of_its_headings():
    text = f"# Care\n\n{prose(1)}\n\n## Cleaning\n\n{prose(2)}\n\n# Repair\n\n{prose(3)}"
    found = chunks(from_markdown(text), embedder=Words())
    paths = {chunk.headings for chunk in found}
    assert paths == {("Care",), ("Care", "Cleaning"), ("Repair",)}
    last = found[-1]
    assert last.embedded_text == f"Repair\n{last.text}"


def test_chunks_end_where_sections_do():
    text = f"# One\n\n{prose(1, of=5)}\n\n# Two\n\n{prose(2, of=5)}"
    assert [chunk.text[:5] for chunk in chunks(from_markdown(text), embedder=Words())] == ["# One", "# Two"]


def test_short_sections_are_put_together_under_what_they_share():
    text = "# Kettle\n\n## Weight\n\nOne pound.\n\n## Colour\n\nRed, or blue.\n\n## Price\n\nTen euros."
    (chunk,) = chunks(from_markdown(text), embedder=Words())
    assert (chunk.text, chunk.headings) == (text, ("Kettle",))


def test_a_chunk_ends_with_its_page_and_the_section_goes_on_over_it():
    first, second = "# Fans\n\nIt rains, and the fan", "hums. Another sentence."
    document = Document(f"{first}\n{second}", headings=(Heading(0, 1, "Fans"),), pages=(0, len(first) + 1))
    found = chunks(document, embedder=Words())
    assert [(chunk.text, chunk.page, chunk.headings) for chunk in found] == [
        (first, 1, ("Fans",)),
        (second, 2, ("Fans",)),
    ]


def test_overlap_does_not_cross_a_page():
    text = f"{prose(1)} {prose(2)}"
    document = Document(text, pages=(0, len(prose(1)) + 1))
    for chunk in chunks(document, embedder=Words(), size_tokens=40, overlap_tokens=20):
        assert document.page_at(chunk.start) == document.page_at(chunk.end - 1)


def test_paragraphs_of_a_word_each_are_put_together_before_they_are_weighed_up():
    document, embedder = Document("a\n\n" * 3000), Words()
    parts = [dataclasses.replace(one, most_tokens=80, room_tokens=200) for one in sections(document)]
    assert len(units(document, parts, WordSizes(embedder).of([document.text]))) < 1500


def test_a_heading_is_not_left_at_the_end_of_a_chunk():
    text = "\n\n".join(f"{prose(number, of=number)}\n\n## Heading {number}" for number in range(1, 9)) + "\n\nEnd."
    for chunk in chunks(from_markdown(text), embedder=Words()):
        assert not re.search(r"## Heading \d$", chunk.text)


def test_paragraphs_are_cut_before_sentences_and_sentences_before_words():
    text = "\n\n".join(prose(number, of=5) for number in range(4))
    assert [chunk.text for chunk in chunks(Document(text), embedder=Words())] == text.split("\n\n")
    for chunk in chunks(Document(prose(1, of=40)), embedder=Words()):
        assert chunk.text.startswith("The ")
        assert chunk.text.endswith("plain.")


@pytest.mark.parametrize("name", ["Dr. Watson", "J. Watson", "Mr. Watson", "e.g. Watson"])
def test_an_abbreviation_is_no_end_of_a_sentence(name):
    text = " ".join(f"On day {number} we met {name} and his dog." for number in range(60))
    assert all(chunk.text.endswith("dog.") for chunk in chunks(Document(text), embedder=Words()))


def test_wrapped_lines_are_cut_at_sentences():
    text = "\n".join(prose(number, of=2).replace(" rain of", "\nrain of") for number in range(30))
    assert all(chunk.text.endswith("plain.") for chunk in chunks(Document(text), embedder=Words()))


def test_items_of_a_list_are_not_cut():
    text = "\n".join(f"- item {number} has no full stop but goes on for a while" for number in range(40))
    for chunk in chunks(Document(text), embedder=Words()):
        assert chunk.text.startswith("- ")
        assert chunk.text.endswith("while")


def test_a_table_beyond_the_window_is_cut_between_its_rows():
    text = "".join(f"| row {number} | some words | more of them |\n" for number in range(200))
    found = chunks(Document(text, blocks=(Span(0, len(text), "table"),)), embedder=Words())
    assert len(found) > 10
    assert all(line.startswith("| row") and line.endswith("|") for chunk in found for line in chunk.text.splitlines())


def test_a_table_longer_than_the_size_is_whole_within_the_window():
    table = "".join(f"| {number} | cell |\n" for number in range(40)).strip()
    text = f"{prose(1)}\n\n{table}\n\n{prose(2)}"
    start = text.index(table)
    found = chunks(Document(text, blocks=(Span(start, start + len(table), "table"),)), embedder=Words())
    assert tokens(table) > 80
    assert table in [chunk.text for chunk in found]


def test_a_heading_stays_with_the_table_below_it():
    table = "".join(f"| {number} | cell |\n" for number in range(40)).strip()
    document = from_markdown(f"{prose(1, of=3)}\n\n## Prices\n\n{table}\n")
    assert f"## Prices\n\n{table}" in [chunk.text for chunk in chunks(document, embedder=Words())]


@pytest.mark.parametrize("blanks", [" ", "\n"])
def test_a_chunk_is_not_mostly_blank(blanks):
    text = ("rain." + blanks * 50_000) * 9
    assert [chunk.text for chunk in chunks(Document(text), embedder=Words())] == ["rain."] * 9
    padded = Document(text, blocks=(Span(0, len(text), "table"),))
    assert [chunk.text for chunk in chunks(padded, embedder=Words())] == ["rain."] * 9


def test_overlap_repeats_whole_sentences_within_the_size():
    found = chunks(Document(prose(1, of=40)), embedder=Words(), size_tokens=80, overlap_tokens=25)
    assert len(found) > 3
    for before, chunk in pairwise(found):
        shared = before.end - chunk.start
        assert shared > 0
        assert before.text.endswith(chunk.text[:shared])
        assert chunk.text.startswith("The ")
        assert tokens(chunk.text[:shared]) <= 25
        assert tokens(chunk.text) <= 80


def test_overlap_does_not_cross_a_heading():
    text = f"# One\n\n{prose(1, of=6)}\n\n# Two\n\n{prose(2, of=6)}"
    found = chunks(from_markdown(text), embedder=Words(), overlap_tokens=30)
    assert any(chunk.text.startswith("# Two") for chunk in found)


def test_an_unbroken_word_is_in_chunks_of_bounded_length():
    found = chunks(Document("x" * 100_000), embedder=Words())
    assert max(len(chunk.text) for chunk in found) <= 80 * 16
    assert "".join(chunk.text for chunk in found) == "x" * 100_000


@pytest.mark.parametrize("text", ["", " \n\t\n ", "\x0c"])
def test_nothing_gives_no_chunks(text):
    assert chunks(Document(text), embedder=Words()) == []


def test_a_word_is_counted_once():
    embedder = Words()
    chunker = Chunker(embedder)
    chunker.chunks(Document(prose(1)))
    embedder.read_chars = 0
    chunker.chunks(Document(prose(1, of=9) + " Unseen"))
    assert embedder.read_chars == len("Unseen")


def test_chunkers_are_told_apart_by_what_they_are_set_to():
    ids = {Chunker(Words(), size, overlap).id for size in (80, 100) for overlap in (0, 10)}
    assert len(ids) == 4
    assert Chunker(Words()).id == Chunker(Words(24)).id == Chunker(Words()).id


@pytest.mark.parametrize(("size", "overlap"), [(15, 0), (80, 41), (80, -1)])
def test_settings_that_cannot_be_are_refused(size, overlap):
    with pytest.raises(ValueError, match="16 tokens or more"):
        Chunker(Words(), size, overlap)


def test_several_threads_cut_as_one_does():
    chunker = Chunker(Words())
    made = [from_markdown(f"# Part {number}\n\n{prose(number, of=30)}") for number in range(40)]
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(chunker.chunks, made))
    finally:
        sys.setswitchinterval(switch)
    assert together == [chunks(document, embedder=Words()) for document in made]
