"""Where a citation leads in a file whose text is not what was read of it: rows, lines, cells, paragraphs."""

from __future__ import annotations

import contextlib
import json

import docx
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbkit.documents import Document, Part, Passage, place
from nbkit.loaders.csv import CsvLoader
from nbkit.loaders.docx import DocxLoader
from nbkit.loaders.frames import pack, unpack
from nbkit.loaders.notebook import NotebookLoader
from nbkit.loaders.records import RecordsLoader
from nbkit.loaders.sheets import SheetsLoader
from nbkit.rag.collection import Collection
from nbkit.testing import FakeEmbedder


def where(document, words):
    """The place that a passage of these words would name."""
    start = document.text.index(words)
    end = start + len(words)
    return place(Passage("a", words, "f", start=start, end=end, parts=document.parts_of(start, end)))


def test_csv_names_the_row_that_a_spreadsheet_shows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('Part,Price\nLid,3\n\nCup,"4\nnew"\nBase,5\n')
    found = CsvLoader().load(path)
    assert where(found, "Part: Lid") == "f, row 2"
    assert where(found, "Part: Cup; Price: 4 new") == "f, row 4"
    assert where(found, found.text) == "f, rows 2 to 5"


def test_sheets_name_sheet_and_row_also_below_empty_ones(tmp_path):
    book = openpyxl.Workbook()
    book.active.title = "Prices"
    for at, row in ((3, ("Part", "Price")), (4, ("Lid", 3)), (7, ("Cup", 4))):
        for column, value in enumerate(row, 2):
            book.active.cell(at, column, value)
    other = book.create_sheet("Stock")
    other.append(("Part", "Left"))
    other.append(("Lid", 70))
    book.save(tmp_path / "a.xlsx")
    found = SheetsLoader().load(tmp_path / "a.xlsx")
    assert where(found, "Part: Lid; Price: 3") == "f, sheet Prices, row 4"
    assert where(found, "Part: Cup") == "f, sheet Prices, row 7"
    assert where(found, "Stock\n\nPart: Lid") == "f, sheet Stock, rows 1 to 2"
    assert where(found, found.text) == "f, sheet Prices, row 1 to sheet Stock, row 2"


def test_json_lines_name_the_line_and_lists_the_item(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n\n{"a": 2}\n')
    assert where(RecordsLoader().load(tmp_path / "a.jsonl"), "a: 2") == "f, line 3"
    (tmp_path / "a.json").write_text(json.dumps([{"a": 1}, {"a": 2}]))
    assert where(RecordsLoader().load(tmp_path / "a.json"), "a: 2") == "f, item 2"
    (tmp_path / "b.json").write_text(json.dumps({"x": 1, "parts": [{"a": 1}, {"a": 2}]}))
    found = RecordsLoader().load(tmp_path / "b.json")
    assert where(found, "x: 1") == "f, key 1"
    assert where(found, "a: 2") == "f, key 2, item 2"


def test_word_documents_name_paragraphs_and_tables_below_their_heading(tmp_path):
    made = docx.Document()
    made.add_paragraph("Before.")
    made.add_heading("Care", 1)
    made.add_paragraph("Dry.")
    made.add_paragraph("")
    made.add_paragraph("Clean.")
    table = made.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Lid", "3"
    made.save(tmp_path / "a.docx")
    found = DocxLoader().load(tmp_path / "a.docx")
    assert where(found, "Before.") == "f, paragraph 1"
    assert where(found, "Care\n\nDry.\n\nClean.") == "f, heading 1, paragraphs 1 to 2"
    assert where(found, "| Lid | 3 |") == "f, heading 1, table 1"


def test_notebooks_name_the_cell_counted_from_the_top(write_notebook):
    cells = [
        {"cell_type": "markdown", "source": "Fans hum."},
        {"cell_type": "code", "source": "", "outputs": []},
        {"cell_type": "code", "source": "x = 30", "outputs": [{"output_type": "stream", "text": "30 W"}]},
    ]
    found = NotebookLoader().load(write_notebook(*cells))
    assert where(found, "Fans hum.") == "f, cell 1"
    assert where(found, "x = 30") == where(found, "30 W") == "f, cell 3"


def test_search_names_the_rows_of_what_it_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"Part {number},{number * 3} W,{'word ' * 12}" for number in range(1, 60)]
    (tmp_path / "a.csv").write_text("\n".join(["Part,Power,Note", *rows]))
    with contextlib.closing(Collection(tmp_path / ".i", embedder=FakeEmbedder(), embedder_name="fake")) as made:
        made.add(["a.csv"])
        for found in made.search("Part 33", mode="bm25", k=3):
            first, last = (int(label.removeprefix("row ")) for label in (found.parts[0], found.parts[-1]))
            lines = (tmp_path / "a.csv").read_text().splitlines()[first - 1 : last]
            names = [line.split(",")[0] for line in lines]
            assert [row.partition(";")[0] for row in found.text.split("\n")] == [f"Part: {name}" for name in names]
            assert place(found).startswith("a.csv, row")


@given(st.lists(st.integers(1, 9), min_size=1, max_size=9), st.data())
def test_labels_are_those_of_the_first_and_the_last_character(lengths, choose):
    text = "\n".join("x" * length for length in lengths)
    starts = [sum(lengths[:at]) + at for at in range(len(lengths))]
    document = Document(text, parts=tuple(Part(start, f"row {at}") for at, start in enumerate(starts)))
    start = choose.draw(st.integers(0, len(text) - 1))
    end = choose.draw(st.integers(start + 1, len(text)))
    rows = [f"row {text.count(chr(10), 0, at)}" for at in (start, end - 1)]
    assert document.parts_of(start, end) == tuple(dict.fromkeys(rows))
    assert unpack(pack(document)) == document


@pytest.mark.parametrize("parts", [[[9, "row 1"]], [[2, "a"], [1, "b"]], [[0, "\ud800"]], [[0, 1]], [["0", "a"]]])
def test_parts_of_a_child_that_was_taken_over_are_refused(parts):
    with pytest.raises(ValueError, match="not a document"):
        unpack({**pack(Document("abc")), "parts": parts})
