"""Rows that can each be read alone."""

from __future__ import annotations

import csv
import datetime as dt
import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.errors import DocumentError
from nbkit.loaders.csv import CsvLoader, delimiter
from nbkit.loaders.limits import Budget, Limits
from nbkit.loaders.rows import write_rows
from nbkit.loaders.sheets import SheetsLoader
from nbkit.loaders.writer import Writer, one_line
from nbkit.testing.contracts.loaders import check_places


def written(rows):
    writer = Writer(Budget("a"))
    write_rows(writer, rows)
    made = writer.document(title="")
    check_places(made)
    return made


def test_each_value_has_the_name_of_its_column():
    made = written([["Part", "Price", "Note"], ["Lid", "3", ""], ["Cup", "4", "new\nshape"]])
    assert made.text == "Part: Lid; Price: 3\nPart: Cup; Price: 4; Note: new shape"
    assert [(one.kind, one.start, one.end) for one in made.blocks] == [("table", 0, len(made.text))]


def test_titles_above_the_header_are_paragraphs():
    made = written([["Prices 2024"], [], ["Part", "Price", "From"], ["Lid", "3", "May"]])
    assert made.text == "Prices 2024\n\nPart: Lid; Price: 3; From: May"
    assert made.blocks[0].start == made.text.index("Part")


@pytest.mark.parametrize("rows", [[["1", "2"], ["3", "4"]], [["a", "2024-01-02"], ["b", "3"]]])
def test_without_a_header_values_stand_alone(rows):
    assert written(rows).text == "\n".join("; ".join(row) for row in rows)


def test_one_column_is_a_list_and_a_header_alone_is_shown():
    assert written([["Part"], ["Lid"]]).text == "Part\nLid"
    assert written([["Part", "Price"]]).text == "Part; Price"


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\n;"), max_size=6)


@given(st.lists(st.lists(_CELL, min_size=3, max_size=3), min_size=1, max_size=15))
def test_no_value_of_a_table_is_lost(rows):
    made = written([["Part", "Price", "Note"], *rows])
    lines = [f"{'; '.join(filter(None, _pairs(row)))}" for row in rows]
    assert made.text.strip("\n") == "\n".join(filter(None, lines)).strip("\n") or not any(lines)


def _pairs(row):
    return [
        f"{name}: {one_line(cell)}" if one_line(cell) else ""
        for name, cell in zip(("Part", "Price", "Note"), row, strict=True)
    ]


@given(
    st.sampled_from(",;\t|"),
    st.lists(
        st.lists(st.sampled_from(["a", "1,5", "x;y", "b|c", 'say "hi"', "two\nlines"]), min_size=3, max_size=3),
        min_size=2,
    ),
)
def test_the_delimiter_is_found_however_cells_are_quoted(mark, rows):
    text = io.StringIO()
    csv.writer(text, delimiter=mark, quoting=csv.QUOTE_ALL).writerows(rows)
    assert delimiter(text.getvalue()) == mark


def test_csv_of_any_encoding_and_delimiter(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes('Teil;Preis\nDeckel für 1;"3,50"\n'.encode("cp1252"))
    made = CsvLoader().load(path)
    assert (made.text, made.notes) == ("Teil: Deckel für 1; Preis: 3,50", ("not UTF-8: read as Windows-1252",))


def test_sheets_are_headings_and_values_are_as_a_reader_writes_them(tmp_path):
    book = openpyxl.Workbook()
    prices, hidden, counts = book.active, book.create_sheet("Hidden"), book.create_sheet("Counts")
    book.create_sheet("Empty")
    prices.title, hidden.sheet_state = "Prices", "hidden"
    prices.append(["Part", "Price", "Since", "At", "Sold"])
    prices.append(["Lid", 3.5, dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 3, 4, tzinfo=None), True])  # noqa: DTZ001
    hidden.append(["secret", "x"])
    counts.append(["Part", "Count"])
    counts.append(["Cup", 1200])
    book.save(tmp_path / "a.xlsx")
    made = SheetsLoader().load(tmp_path / "a.xlsx")
    check_places(made)
    assert made.text == (
        "Prices\n\nPart: Lid; Price: 3.5; Since: 2024-01-02; At: 2024-01-02 03:04:00; Sold: True\n\n"
        "Counts\n\nPart: Cup; Count: 1200"
    )
    assert [made.text[one.start :].split("\n", 1)[0] for one in made.headings] == ["Prices", "Counts"]
    assert made.notes == ("hidden sheets left out: 1",)


def test_a_workbook_with_a_document_type_is_refused(write_zip):
    path = write_zip("a.xlsx", {"xl/workbook.xml": '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">]><a>&a;</a>'})
    with pytest.raises(DocumentError, match="document type"):
        SheetsLoader().load(path)


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.ods"])
def test_what_is_no_workbook_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"no workbook")
    with pytest.raises(DocumentError):
        SheetsLoader().load(path)


def test_a_cell_may_be_as_long_as_a_text(tmp_path):
    before = csv.field_size_limit()
    (tmp_path / "long.csv").write_text("name,notes\nfan," + "word " * 40_000 + "\nseal,dry\n")
    document = CsvLoader().load(tmp_path / "long.csv")
    assert document.text.count("word") == 40_000
    assert "name: seal; notes: dry" in document.text
    assert csv.field_size_limit() == before


def test_a_cell_beyond_the_limit_is_refused(tmp_path):
    (tmp_path / "long.csv").write_text("name,notes\nfan," + "word " * 400 + "\n")
    with pytest.raises(DocumentError):
        CsvLoader().load(tmp_path / "long.csv", budget=Budget("long.csv", limits=Limits(text_chars=1000)))
