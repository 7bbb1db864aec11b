"""Pages that are pictures: read with the extra, refused by its name without it."""

from __future__ import annotations

import io
import socket
import sys
from pathlib import Path

import pypdf
import pytest

from nbkit.errors import DocumentError
from nbkit.loaders import scans
from nbkit.loaders.limits import Budget, Limits
from nbkit.loaders.pdf import PdfLoader
from nbkit.loaders.reading import Reader, read
from nbkit.testing.contracts.loaders import check_places

_COMMAND = 'pip install "jupyter-nbkit[ocr]"'
_PAGES = [
    ["Kettle manual", "The kettle boils 1.7 litres in four minutes.", "Pull the plug before you clean it."],
    ["Lid 12.50 EUR", "Base 31.90 EUR"],
    ["Ask our service in Graz for parts."],
]
_SIZES = {"Kettle manual": 28}

needs_engine = pytest.mark.skipif(not scans.is_installed(), reason=f"the engine is not installed: {_COMMAND}")


@pytest.fixture
def without_engine(monkeypatch):
    monkeypatch.setattr(scans, "is_installed", lambda: False)


def joined(tmp_path, *paths):
    writer = pypdf.PdfWriter()
    for path in paths:
        writer.append(path)
    whole = tmp_path / "joined.pdf"
    writer.write(whole)
    return whole


def test_a_scan_is_refused_with_the_command_that_would_read_it(write_scan, without_engine):
    with pytest.raises(DocumentError) as caught:
        PdfLoader().load(write_scan(_PAGES))
    assert caught.value.fix == _COMMAND
    # The row of the table that an `add` draws has the reason alone.
    assert _COMMAND in caught.value.why
    assert "pictures" in caught.value.why


def test_scans_among_pages_of_text_are_noted_with_the_command(write_pdf, write_scan, tmp_path, without_engine):
    made = PdfLoader().load(joined(tmp_path, write_pdf([["Words"]]), write_scan(_PAGES[:2])))
    assert made.text == "Words"
    assert made.notes == (f"pages 2-3 without text: pictures, perhaps scans, to be read with {_COMMAND}",)


def test_a_page_that_draws_nothing_is_no_scan(write_pdf, without_engine):
    assert PdfLoader().load(write_pdf([[], []])).notes == ("pages 1-2 without text",)


def test_the_import_of_the_engine_waits_for_a_scan(write_pdf):
    PdfLoader().load(write_pdf([["Words"], []]))
    assert "cv2" not in sys.modules or scans._engine.cache_info().currsize


@needs_engine
def test_a_scan_is_read_with_its_page_numbers(write_scan):
    made = PdfLoader().load(write_scan(_PAGES, sizes=_SIZES))
    check_places(made)
    assert [*filter(None, made.text.split("\n"))] == [line for page in _PAGES for line in page]
    assert [made.page_at(made.text.index(word)) for word in ("1.7 litres", "12.50", "service in Graz")] == [1, 2, 3]
    assert made.notes == ("pages 1-3 read from pictures: a letter may be wrong",)
    assert made.title == "Kettle manual"


@needs_engine
def test_a_scan_among_pages_of_text_is_on_its_page(write_pdf, write_scan, tmp_path):
    first = write_pdf([["First"]])
    made = PdfLoader().load(joined(tmp_path, first, write_scan(_PAGES[1:2]), first))
    assert [made.page_at(made.text.index(word)) for word in ("First", "Lid 12.50", "Base 31.90")] == [1, 2, 2]
    assert made.page_at(made.text.rindex("First")) == 3


@needs_engine
def test_a_stamp_on_a_scan_does_not_hide_it(write_pdf, write_scan, tmp_path):
    writer = pypdf.PdfWriter(clone_from=write_scan(_PAGES[:1]))
    writer.pages[0].merge_page(pypdf.PdfReader(write_pdf([["COPY"]])).pages[0])
    writer.write(tmp_path / "stamped.pdf")
    assert "boils 1.7 litres" in PdfLoader().load(tmp_path / "stamped.pdf").text


@needs_engine
def test_two_columns_are_read_one_after_another(write_pdf, write_scan):
    left = ["The first column tells", "how the kettle is used", "and how it is kept dry", "for the whole summer."]
    right = ["The second column says", "where the parts come", "from and what they do", "cost in every country."]
    writer = pypdf.PdfWriter(clone_from=write_pdf([left]))
    beside = pypdf.PdfReader(io.BytesIO(write_pdf([right]).read_bytes())).pages[0]
    writer.pages[0].merge_transformed_page(beside, pypdf.Transformation().translate(270, 0))
    whole = io.BytesIO()
    writer.write(whole)
    made = PdfLoader().load(write_scan([], whole=whole.getvalue()))
    assert " ".join(made.text.split()) == " ".join([*left, *right])


@needs_engine
def test_a_scan_is_read_by_a_child_within_its_caps(write_scan):
    with Reader(children=1) as reader:
        made = reader.read(write_scan(_PAGES))
        assert "1.7 litres" in made.text
        assert len(made.pages) == 3
        assert reader.read(Path(__file__)).text


@needs_engine
def test_pages_beyond_the_most_that_are_read_are_noted(write_scan):
    made = PdfLoader().load(write_scan(_PAGES), budget=Budget("scan.pdf", limits=Limits(scan_pages=1)))
    assert "litres" in made.text
    assert "service" not in made.text
    assert any(note.startswith("pages 2-3 not read") for note in made.notes)
    assert len(made.pages) == 3


@needs_engine
def test_no_word_goes_out_while_a_scan_is_read(write_scan, monkeypatch):
    path = write_scan(_PAGES[:1])

    def refuse(*_, **__):
        pytest.fail("it asked for a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    scans._engine.cache_clear()
    assert "1.7 litres" in PdfLoader().load(path).text


def bomb(path, *, side):
    """A page with one picture that unpacks to side times side bytes."""
    import zlib

    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b"\0" * side) for _ in range(side)) + packer.flush()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 850] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length 31 >>\nstream\nq 600 0 0 850 0 0 cm /I Do Q    \nendstream",
        b"<< /Type /XObject /Subtype /Image /Width %(side)d /Height %(side)d /BitsPerComponent 8 "
        b"/ColorSpace /DeviceGray /Filter /FlateDecode /Length %(size)d >>\nstream\n%(body)b\nendstream"
        % {b"side": side, b"size": len(packed), b"body": packed},
        b"<< /XObject << /I 5 0 R >> >>",
    ]
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 7\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer << /Size 7 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start
    path.write_bytes(bytes(out))
    return path


@needs_engine
def test_a_picture_that_unpacks_to_more_than_may_be_is_not_drawn(tmp_path):
    made = read(bomb(tmp_path / "bomb.pdf", side=20_000))
    assert made.text == ""
    assert made.notes[0].startswith("page 1 not read")


@needs_engine
def test_a_plan_of_more_lines_than_are_drawn_leaves_the_other_pages_as_they_are(write_pdf, tmp_path):
    writer = pypdf.PdfWriter(clone_from=write_pdf([["MARK"], ["Words"]]))
    lines = pypdf.generic.DecodedStreamObject()
    lines.set_data(b"".join(b"%d 0 m 9 9 l S\n" % (number % 500) for number in range(21_000)))
    writer.pages[0][pypdf.generic.NameObject("/Contents")] = writer._add_object(lines)
    writer.write(tmp_path / "plan.pdf")
    made = PdfLoader().load(tmp_path / "plan.pdf")
    assert made.text == "Words"
    assert made.notes[0].startswith("page 1 not read")


@needs_engine
@pytest.mark.parametrize("box", [(0, 0, 14400, 1), (0, 0, 0.01, 0.01)])
def test_a_page_of_no_size_has_no_words(write_pdf, tmp_path, box):
    writer = pypdf.PdfWriter(clone_from=write_pdf([["MARK"]]))
    line = pypdf.generic.DecodedStreamObject()
    line.set_data(b"0 0 m 100000 100000 l S")
    writer.pages[0][pypdf.generic.NameObject("/Contents")] = writer._add_object(line)
    writer.pages[0].mediabox = pypdf.generic.RectangleObject(box)
    writer.write(tmp_path / "flat.pdf")
    made = read(tmp_path / "flat.pdf")
    assert (made.text, made.notes) == ("", ("page 1 without text",))


@needs_engine
def test_a_text_whose_letters_mean_nothing_is_read_from_its_picture(write_pdf, monkeypatch):
    from pypdfium2 import PdfTextPage

    monkeypatch.setattr(PdfTextPage, "get_text_range", lambda *_, **__: "\ufffd" * 40)
    assert (
        PdfLoader().load(write_pdf([["The kettle boils in four minutes."]])).text == "The kettle boils in four minutes."
    )
