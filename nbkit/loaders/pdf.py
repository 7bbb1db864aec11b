"""PDF, a page at a time.

pypdfium2 (BSD-3-Clause and Apache-2.0, 4 MB, no dependencies) reads nine filings at 15 times the pages a CPU-second of
pypdf with the same coverage of what is quoted from them (tests/bench/bench_pdf.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nbkit import registry
from nbkit.documents import Document, Heading
from nbkit.loaders.faults import unreadable
from nbkit.loaders.limits import Budget
from nbkit.loaders.pdfpages import HYPHEN, Kind, Page, read
from nbkit.loaders.sizes import Entry, Line, by_size, largest
from nbkit.loaders.writer import clean, one_line, stated_title

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

_BROKEN = re.compile(rf"(\w+){HYPHEN}(\w*)")
_WORD = re.compile(r"\w+")
_BETWEEN = "\n\n"
_NO_TITLE = re.compile(r"(?i)^(unknown|document\d*|title|microsoft (word|powerpoint|excel) - .*|.*\.\w{3,4})$")
_LETTERS = re.compile(r"[^\W\d_]{3}")
_MOST_HEADINGS = 5000
_LEAST_OUTLINE = 2
"""Entries; one is the title."""
_LARGER, _LARGER_READ = 1.15, 1.35
"""Than the usual line, of a heading; where it is read from a picture, the letters of a line say how tall it is."""
_LIKENESS_READ = 1.2
_PASSWORD, _FORMAT = 4, 3
_SAID: Mapping[Kind, str] = {
    "empty": "without text",
    "picture": "without text: pictures, perhaps scans, to be read with ",
    "read": "read from pictures: a letter may be wrong",
    "beyond": "not read: pictures, more or larger ones than may be read from one file",
    "damaged": "damaged",
}


class PdfLoader:
    """Reads PDF.

    >>> PdfLoader().name
    'pdf'
    """

    name: ClassVar[str] = "pdf"
    suffixes: ClassVar[tuple[str, ...]] = (".pdf",)

    def load(self, path: Path, *, budget: Budget | None = None) -> Document:
        """The text of all pages, with headings from the outline, or from the size of lines where it names none.

        A page that is a picture is read where the extra `ocr` is installed. A file that is encrypted without a password
        opens. Raises `DocumentError` for a damaged file, one with a password, and one with too many pages.
        """
        budget = budget or Budget(path.name)
        pdf = _open(path, budget)
        try:
            budget.pages(len(pdf))
            outline = _outline(pdf, len(pdf))
            has_outline = len(outline) >= _LEAST_OUTLINE
            found = list(read(pdf, budget, sized=1 if has_outline else len(pdf)))
            named = _named(pdf, path.stem)
        finally:
            pdf.close()
        texts = _joined(found)
        notes = _notes(found, budget.name)
        starts = [0]
        for text in texts[:-1]:
            starts.append(starts[-1] + (len(text) + len(_BETWEEN) if text else 0))
        whole = _BETWEEN.join(filter(None, texts))
        starts = [min(start, len(whole)) for start in starts]
        return Document(
            whole,
            title=named or _title(found),
            headings=tuple(place(whole, starts, outline if has_outline else _sized(found) or outline)),
            pages=tuple(starts),
            media_type="application/pdf",
            notes=tuple(notes),
        )


def place(text: str, pages: Sequence[int], outline: Iterable[Entry]) -> Iterator[Heading]:
    r"""Where the entries of an outline are in the text: at their words on their page, else where the page starts.

    >>> list(place("Intro\nCare of  lids\nDry.", [0], [Entry(0, 1, "Care of lids")]))
    [Heading(start=6, level=1, text='Care of lids')]
    """
    reached = 0
    for page, entries in groupby(sorted(outline, key=lambda one: one.page), key=lambda one: one.page):
        end = pages[page + 1] if page + 1 < len(pages) else len(text)
        reached = max(reached, pages[page])
        for entry in entries:
            # Whatever stands between the words: outlines have other apostrophes and line breaks than pages.
            words = r"\W+".join(map(re.escape, _WORD.findall(entry.text))) or re.escape(entry.text)
            # A line of its own before one that only mentions it.
            for pattern in (rf"^[^\w\n]*{words}[^\w\n]*$", rf"(?<!\w){words}(?!\w)"):
                match = re.compile(pattern, re.IGNORECASE | re.MULTILINE).search(text, reached, end)
                if match:
                    reached = max(reached, text.rfind("\n", 0, match.start() + 1) + 1) if match.start() else reached
                    break
            yield Heading(reached, entry.level, entry.text)


def _open(path: Path, budget: Budget) -> PdfDocument:
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        return PdfDocument(path)
    except PdfiumError as error:
        code = getattr(error, "err_code", None)
        if code == _PASSWORD:
            fix = "save a copy without the password, or leave it out"
            raise unreadable(budget.name, "it is encrypted with a password", fix=fix) from error
        raise unreadable(budget.name, "it is no PDF" if code == _FORMAT else "it is damaged") from error
    except OSError as error:
        raise unreadable(budget.name, error.strerror or "the system refused", fix="check the file") from error


def _joined(pages: Sequence[Page]) -> list[str]:
    texts = [page.text for page in pages]
    words = (
        {word for text in texts for word in _WORD.findall(text.lower())}
        if any(HYPHEN in one for one in texts)
        else set()
    )
    return [clean(_join(text, words)).strip() for text in texts]


def _notes(pages: Sequence[Page], name: str) -> Iterator[str]:
    """What a reader is to know; raises `DocumentError` where all that is there is pictures, and nothing reads them."""
    by_kind = {kind: [number for number, page in enumerate(pages) if page.kind == kind] for kind in _SAID}
    command = registry.install_command("ocr")
    if by_kind["picture"] and not any(page.text.strip() for page in pages):
        # The table of what was read shows this sentence alone.
        why = f"its pages are pictures, perhaps scans, and the extra that reads them is not installed: {command}"
        raise unreadable(name, why, fix=command)
    for kind, said in _SAID.items():
        if by_kind[kind]:
            yield f"{_numbers(by_kind[kind])} {said}{command if kind == 'picture' else ''}"


def _join(text: str, words: set[str]) -> str:
    """A word broken at the end of a line, whole again if the document has it so elsewhere, else with its hyphen."""
    if HYPHEN not in text:
        return text
    text = _BROKEN.sub(
        lambda found: f"{found[1]}{'' if (found[1] + found[2]).lower() in words else '-'}{found[2]}", text
    )
    return text.replace(HYPHEN, "-")


def _numbers(pages: list[int]) -> str:
    runs = [[number for _, number in run] for _, run in groupby(enumerate(pages), key=lambda pair: pair[1] - pair[0])]
    parts = [f"{run[0] + 1}" if len(run) == 1 else f"{run[0] + 1}-{run[-1] + 1}" for run in runs]
    more = f" and {len(parts) - 20} more stretches" if len(parts) > 20 else ""  # noqa: PLR2004 - a line of a table
    return f"page{'s' if len(pages) > 1 else ''} {', '.join(parts[:20])}{more}"


def _outline(pdf: PdfDocument, count: int) -> list[Entry]:
    found: list[Entry] = []
    # An outline may go round in circles; pdfium follows it 15 levels deep, and here it ends.
    for bookmark in pdf.get_toc():
        target = bookmark.get_dest()
        page = target.get_index() if target else None
        text = one_line(bookmark.get_title() or "")
        if text and page is not None and 0 <= page < count:
            found.append(Entry(page, bookmark.level + 1, text))
        if len(found) >= _MOST_HEADINGS:
            break
    return found


def _named(pdf: PdfDocument, stem: str) -> str:
    named = stated_title(pdf.get_metadata_value("Title") or "")
    return named if _LETTERS.search(named) and not _NO_TITLE.match(named) and named != stem else ""


def _title(pages: Sequence[Page]) -> str:
    lines = [Line(clean(line.text), line.size) for line in pages[0].lines] if pages else []
    return largest(lines, ratio=_LARGER_READ if pages and pages[0].kind == "read" else _LARGER)


def _sized(pages: Sequence[Page]) -> list[Entry]:
    """What was read from pictures has other sizes: held against its like only."""
    written = by_size([page.lines if page.kind == "text" else () for page in pages], ratio=_LARGER)
    drawn = [page.lines if page.kind == "read" else () for page in pages]
    return sorted(
        [*written, *by_size(drawn, ratio=_LARGER_READ, likeness=_LIKENESS_READ)][:_MOST_HEADINGS],
        key=lambda one: one.page,
    )
