"""Files that the tests read, written by code."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest


def pdf_bytes(
    pages: Sequence[Sequence[str]],
    *,
    title: str = "",
    outline: Sequence[tuple[str, int]] = (),
    sizes: Mapping[str, int] | None = None,
) -> bytes:
    """A PDF with lines of text on each page, and an outline of (text, page counted from 0)."""
    objects: dict[int, bytes] = {}
    first_page, first_entry = 10, 10 + 2 * len(pages)
    kids = " ".join(f"{first_page + 2 * number} 0 R" for number in range(len(pages)))
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /Outlines 4 0 R >>"
    objects[2] = f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode()
    objects[3] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    last = first_entry + len(outline) - 1
    links = f"/First {first_entry} 0 R /Last {last} 0 R /Count {len(outline)}" if outline else ""
    objects[4] = f"<< /Type /Outlines {links} >>".encode()
    objects[5] = f"<< /Title ({title}) >>".encode() if title else b"<< >>"
    for number, lines in enumerate(pages):
        shown = []
        for row, line in enumerate(lines):
            size = (sizes or {}).get(line, 12)
            escaped = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
            shown.append(f"BT /F1 {size} Tf 50 {800 - 30 * row} Td ({escaped}) Tj ET")
        content = "\n".join(shown).encode("cp1252")
        page = first_page + 2 * number
        objects[page] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 850] /Contents {page + 1} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        ).encode()
        objects[page + 1] = b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content)
    for number, (text, page) in enumerate(outline):
        at = first_entry + number
        following = f"/Next {at + 1} 0 R" if at < last else ""
        previous = f"/Prev {at - 1} 0 R" if number else ""
        target = f"[{first_page + 2 * page} 0 R /XYZ 0 800 0]"
        objects[at] = f"<< /Title ({text}) /Parent 4 0 R {following} {previous} /Dest {target} >>".encode()
    return _assembled(objects)


def _assembled(objects: Mapping[int, bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.7\n"), {}
    for number, body in sorted(objects.items()):
        places[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, place)
    size = max(objects) + 1
    out += b"trailer << /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, start)
    return bytes(out)


@pytest.fixture
def write_pdf(tmp_path: Path) -> Callable[..., Path]:
    def write(pages: Sequence[Sequence[str]], **options: object) -> Path:
        path = tmp_path / "made.pdf"
        path.write_bytes(pdf_bytes(pages, **options))  # type: ignore[arg-type]
        return path

    return write


@pytest.fixture
def write_scan(tmp_path: Path) -> Callable[..., Path]:
    """A PDF as a scanner makes it: pages drawn, turned a little, with noise, as JPEG, and no text."""

    def write(pages: Sequence[Sequence[str]], *, whole: bytes = b"", **options: object) -> Path:
        import numpy as np
        import pypdfium2
        from PIL import Image

        chance = np.random.default_rng(1)
        drawn = []
        pdf = pypdfium2.PdfDocument(whole or pdf_bytes(pages, **options))  # type: ignore[arg-type]
        for number, page in enumerate(pdf):
            picture = page.render(scale=150 / 72, grayscale=True).to_pil()
            picture = picture.rotate((-0.5, 0.4)[number % 2], fillcolor=255, resample=Image.Resampling.BICUBIC)
            noisy = np.asarray(picture, dtype=np.float32) + chance.normal(0, 12, picture.size[::-1])
            jpeg = io.BytesIO()
            Image.fromarray(noisy.clip(0, 255).astype("uint8")).save(jpeg, "JPEG", quality=60)
            drawn.append(Image.open(jpeg))
        path = tmp_path / "scan.pdf"
        drawn[0].save(path, save_all=True, append_images=drawn[1:], resolution=150)
        return path

    return write


@pytest.fixture
def write_zip(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, parts: Mapping[str, str | bytes]) -> Path:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part, body in parts.items():
                archive.writestr(part, body)
        return path

    return write


@pytest.fixture
def write_epub(write_zip: Callable[..., Path]) -> Callable[..., Path]:
    def write(chapters: Mapping[str, str], *, title: str = "Book", extra: Mapping[str, str] | None = None) -> Path:
        items = "".join(
            f'<item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>'
            for number, name in enumerate(chapters)
        )
        spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
        container = (
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
        )
        package = (
            '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
            f"<dc:title>{title}</dc:title></metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
        )
        pages = {f"OPS/{name}": body for name, body in chapters.items()}
        parts = {"META-INF/container.xml": container, "OPS/book.opf": package, **pages, **(extra or {})}
        return write_zip("made.epub", parts)

    return write


@pytest.fixture
def write_notebook(tmp_path: Path) -> Callable[..., Path]:
    def write(*cells: Mapping[str, object], language: str = "python") -> Path:
        path = tmp_path / "made.ipynb"
        whole = {"cells": cells, "metadata": {"kernelspec": {"language": language}}, "nbformat": 4}
        path.write_text(json.dumps(whole))
        return path

    return write
