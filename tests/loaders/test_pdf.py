"""PDF by pages."""

from __future__ import annotations

import io

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.errors import DocumentError
from nbkit.loaders.limits import Budget, Limits
from nbkit.loaders.pdf import Entry, PdfLoader, place
from nbkit.testing.contracts.loaders import check_places


def test_each_word_is_on_its_page(write_pdf):
    made = PdfLoader().load(write_pdf([[f"Page {number}", f"word{number}"] for number in range(1, 31)]))
    check_places(made)
    assert len(made.pages) == 30
    assert [made.page_at(made.text.index(f"word{number}")) for number in range(9, 31)] == [*range(9, 31)]
    assert all(made.text.startswith(f"Page {number}", start) for number, start in enumerate(made.pages, 1))


def test_pages_without_text_keep_their_number_and_are_noted(write_pdf):
    made = PdfLoader().load(write_pdf([[], ["two"], [], [], ["five"], []]))
    assert [made.page_at(made.text.index(word)) for word in ("two", "five")] == [2, 5]
    assert made.notes == ("pages 1, 3-4, 6 without text",)
    assert len(made.pages) == 6


def test_headings_of_the_outline_are_at_their_words_on_their_page(write_pdf):
    pages = [["Contents", "Care 2", "Parts 2"], ["See Care below.", "Care", "text", "PARTS", "text"]]
    made = PdfLoader().load(write_pdf(pages, outline=[("Contents", 0), ("Care", 1), ("Parts", 1), ("Not there", 1)]))
    found = [(one.text, made.text[one.start :].split("\n", 1)[0]) for one in made.headings]
    assert found == [("Contents", "Contents"), ("Care", "Care"), ("Parts", "PARTS"), ("Not there", "PARTS")]


def test_an_outline_that_leads_nowhere_is_left_out(write_pdf):
    assert PdfLoader().load(write_pdf([["one"]], outline=[("Gone", 7)])).headings == ()


@pytest.mark.parametrize(
    "title",
    [
        "",
        "report-final.docx",
        "Microsoft Word - x",
        "0000764478-23-000041",
        "Untitled",
        "(anonymous)",
        "(unspecified)",
        "Untitled document 2",
    ],
)
def test_title_is_the_largest_line_where_the_metadata_names_none(write_pdf, title):
    pages = [["ACME Inc. and company", "Kettle manual", "All about lids"], ["LARGER STILL"]]
    made = PdfLoader().load(write_pdf(pages, title=title, sizes={"Kettle manual": 24, "LARGER STILL": 40}))
    assert made.title == "Kettle manual"


def test_one_size_of_print_gives_no_title_rather_than_its_first_line(write_pdf):
    made = PdfLoader().load(write_pdf([["It was a dark night", "and the kettle was cold."], ["The end"]]))
    assert (made.title, made.headings) == ("", ())


def test_larger_lines_are_headings_where_there_is_no_outline(write_pdf):
    long = "A kettle is filled with water to the mark, never beyond, and set down dry."
    pages = [["Kettles", long, long, "Care", long, long], [long, "Parts", long, long]]
    made = PdfLoader().load(write_pdf(pages, sizes={"Kettles": 24, "Care": 16, "Parts": 16}))
    assert [(one.level, one.text, made.page_at(one.start)) for one in made.headings] == [
        (1, "Kettles", 1),
        (2, "Care", 1),
        (2, "Parts", 2),
    ]
    assert all(made.text.startswith(one.text, one.start) for one in made.headings)


def test_title_of_the_metadata_comes_first(write_pdf):
    assert PdfLoader().load(write_pdf([["Kettle manual"]], title="Annual report")).title == "Annual report"


def encrypted(path, password):
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(path.read_bytes()))
    writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
    writer.write(path)
    return path


def test_encrypted_without_a_password_opens(write_pdf):
    assert PdfLoader().load(encrypted(write_pdf([["Shown to all"]]), "")).text == "Shown to all"


def test_a_password_is_named_as_the_reason(write_pdf):
    with pytest.raises(DocumentError, match="password"):
        PdfLoader().load(encrypted(write_pdf([["Shown to some"]]), "secret"))


def test_more_pages_than_may_be_read_are_refused_before_any_is(write_pdf):
    path = write_pdf([["x"]] * 12)
    with pytest.raises(DocumentError, match="12 pages, and 10 may be read"):
        PdfLoader().load(path, budget=Budget("made.pdf", limits=Limits(pages=10)))


def test_what_is_no_pdf_is_refused(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(b"plain text")
    with pytest.raises(DocumentError, match="no PDF"):
        PdfLoader().load(path)


def test_text_is_that_of_another_reader(write_pdf):
    lines = ["Total (net) 1,234.50", "naïve café €", "a\\b"]
    path = write_pdf([lines])
    assert PdfLoader().load(path).text.split("\n") == lines == pypdf.PdfReader(path).pages[0].extract_text().split("\n")


@given(
    st.lists(st.text("ab \n", max_size=12), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["a", "b", "a b", "x"])), max_size=6),
)
def test_headings_are_in_order_and_on_their_page(texts, outline):
    text, pages = "", []
    for one in texts:
        pages.append(len(text))
        text += f"{one}\n\n"
    entries = [Entry(page, 1, title) for page, title in outline if page < len(pages)]
    found = list(place(text, pages, entries))
    assert [one.start for one in found] == sorted(one.start for one in found)
    for entry, heading in zip(sorted(entries, key=lambda one: one.page), found, strict=True):
        end = pages[entry.page + 1] if entry.page + 1 < len(pages) else len(text)
        assert pages[entry.page] <= heading.start < end


def test_an_outline_may_be_spelled_a_little_differently():
    text = "See Owner's manual for more.\nPART II.\nOwner\u2019s\nManual\n"
    found = [one.start for one in place(text, [0], [Entry(0, 1, "Part II"), Entry(0, 2, "Owner's manual")])]
    assert [text[start:].split("\n", 1)[0] for start in found] == ["PART II.", "Owner\u2019s"]
