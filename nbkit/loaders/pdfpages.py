"""Pages of a PDF: their text, how tall its lines are, and whether it is to be read from the page's picture."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nbkit.loaders import scans
from nbkit.loaders.limits import Budget
from nbkit.loaders.sizes import Line

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage, PdfTextPage

HYPHEN = "\ufffe"
"""What pdfium puts for a hyphen at the end of a line, the line break left out."""
Kind: TypeAlias = Literal["text", "empty", "picture", "read", "beyond", "damaged"]
"""`picture`: not read, for want of an engine; `read`: from the picture; `beyond`: more than may be."""

_BROKEN = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_])")
_STAMP = 120
"""Characters on a scan that are no text of it: a stamp, a page number."""
_COVERED = 0.5
"""Of a page, by pictures: with a stamp at most it is a scan."""
_STRANGE = 0.3
"""Of a page's characters that mean nothing: its font does not say which letters it draws."""
_MEANINGLESS = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]")
_MOST_OBJECTS = 20_000
"""On a page that is drawn: letters drawn as lines are some thousand, a plan is more."""
_MOST_PIXELS = 100_000_000
"""Of one picture on a page that is drawn: A4 at 600 dots an inch has 35 million."""


@dataclass(frozen=True, slots=True)
class Page:
    """What is on a page."""

    text: str
    kind: Kind = "text"
    lines: tuple[Line, ...] = ()
    """In points for text, in pixels of `scans.LONGEST` for what was read from a picture."""


def read(pdf: PdfDocument, budget: Budget, *, sized: int) -> Iterator[Page]:
    """The pages; the lines of the first `sized` ones with their sizes, and of all that are read from a picture."""
    from pypdfium2 import PdfiumError

    for number in range(len(pdf)):
        try:
            page = pdf[number]
            found = _page(page, budget, is_sized=number < sized)
            page.close()
        except PdfiumError:
            found = Page("", "damaged")
        budget.chars(len(found.text))
        yield found


def _page(page: PdfPage, budget: Budget, *, is_sized: bool) -> Page:
    textpage = page.get_textpage()
    text = textpage.get_text_range(errors="replace")
    if _is_hard(page, text):
        textpage.close()
        return _read(page, text, budget)
    lines = tuple(_lines(textpage, text)) if is_sized else ()
    textpage.close()
    return Page(text, "text" if text.strip() else "empty", lines)


def _is_hard(page: PdfPage, text: str) -> bool:
    """Whether the words are in the page's picture, and not in its text."""
    count = len(text.strip())
    if count > _STAMP:
        return len(_MEANINGLESS.findall(text)) > _STRANGE * count
    if not count:
        return next(_objects(page), None) is not None
    width, height = page.get_size()
    covered = 0.0
    for one in _images(page):
        left, bottom, right, top = one.get_bounds()
        covered += max(0.0, right - left) * max(0.0, top - bottom)
    return covered >= _COVERED * width * height or len(_MEANINGLESS.findall(text)) > _STRANGE * count


def _read(page: PdfPage, text: str, budget: Budget) -> Page:
    kept = text if not _MEANINGLESS.search(text) else ""
    if not scans.is_installed():
        return Page(text, "picture")
    if _is_heavy(page):
        return Page(kept, "beyond")
    # Drawn within the time that a page of text has; only the engine is given more.
    budget.progress()
    picture = _picture(page)
    if not budget.scan():
        return Page(kept, "beyond")
    rows = scans.rows(picture, progress=budget.progress)
    said = "".join(f"{'' if not number else chr(10) * (1 + row.is_apart)}{row.text}" for number, row in enumerate(rows))
    if len(said) <= len(kept.strip()):
        return Page(kept, "text" if kept.strip() else "empty")
    return Page(_BROKEN.sub(HYPHEN, said), "read", tuple(Line(row.text, row.height) for row in rows))


def _picture(page: PdfPage) -> scans.Picture:
    import numpy as np

    bitmap = page.render(scale=scans.LONGEST / max(*page.get_size(), 1.0), maybe_alpha=False)
    try:
        return np.array(bitmap.to_numpy())
    finally:
        bitmap.close()


def _is_heavy(page: PdfPage) -> bool:
    """Whether drawing it may take more time or memory than a page is given: the file would be lost with it."""
    count = sum(1 for _ in _objects(page))
    return count > _MOST_OBJECTS or any(math.prod(one.get_px_size()) > _MOST_PIXELS for one in _images(page))


def _objects(page: PdfPage) -> Iterator[Any]:
    return islice(page.get_objects(max_depth=3), _MOST_OBJECTS + 1)


def _images(page: PdfPage) -> Iterator[Any]:
    from pypdfium2 import PdfImage

    return (one for one in _objects(page) if isinstance(one, PdfImage))


def _lines(textpage: PdfTextPage, text: str) -> Iterator[Line]:
    from pypdfium2 import raw

    handle: Any = textpage.raw
    matrix = raw.FS_MATRIX()
    at = 0
    for line in text.split("\n"):
        if line.strip():
            # One character stands for the line; a font's size is in the units of what draws it.
            place = raw.FPDFText_GetCharIndexFromTextIndex(handle, at + len(line) // 2)
            raw.FPDFText_GetMatrix(handle, place, matrix)
            size = raw.FPDFText_GetFontSize(handle, place) * math.hypot(matrix.c, matrix.d)
            yield Line(line.strip(), round(size, 1))
        at += len(line) + 1
