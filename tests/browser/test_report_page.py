"""The report of a notebook, opened from disk: alone, readable by all, on wide and narrow, light and dark screens."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from nbkit.report import report

pytestmark = pytest.mark.browser

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "00_quickstart.ipynb"
_WIDE, _NARROW = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
_OVERFLOW = """() => [...document.querySelectorAll("body *")]
    .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .filter(one => !one.closest("[class=nb-wide], [style*=overflow], .nb-skip"))
    .map(one => one.outerHTML.slice(0, 120))"""


def _png() -> str:
    """A picture of 900 by 40 pixels."""
    rows = zlib.compress(b"".join(b"\x00" + bytes((40, 120, 200)) * 900 for _ in range(40)))
    parts = ((b"IHDR", struct.pack(">IIBBBBB", 900, 40, 8, 2, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)).decode()


def _all_sorts(notebook: Any, hostile: str) -> Any:
    """The notebook with what else a notebook may hold: prose, wide tables and code, a picture, a failure."""
    v4 = nbformat.v4
    table = "".join(f"<th>column {n}</th>" for n in range(14)), "".join(f"<td>{n * 1111}</td>" for n in range(14))
    data = {"text/html": f"<table><tr>{table[0]}</tr><tr>{table[1]}</tr></table>", "text/plain": "a table"}
    colours = "".join(f"\x1b[{code}mcolour {code}\x1b[0m " for code in (31, 32, 33, 34, 35, 36, 91, 92))
    prose = (
        "# All sorts\n\nA [link](https://example.org/a) and ![a picture](https://example.org/a.png), `code`.\n\n"
        f"> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n{hostile}"
    )
    cells = [
        v4.new_markdown_cell(prose),
        v4.new_code_cell("x = " + " + ".join(f"value_{n}" for n in range(60)), execution_count=1, outputs=[
            v4.new_output("stream", text="printed " * 60), v4.new_output("stream", name="stderr", text="a warning"),
            v4.new_output("display_data", data), v4.new_output("display_data", {"image/png": _png()}),
        ]),
        v4.new_code_cell("1 / 0  # fails", execution_count=2, outputs=[
            v4.new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=[colours, "line"]),
        ]),
    ]  # fmt: skip
    return v4.new_notebook(cells=[*cells, *notebook.cells], metadata=notebook.metadata)


@pytest.fixture(scope="module", params=["quickstart", "all-sorts", "no-code"])
def exported(
    request: pytest.FixtureRequest, visits: Any, tmp_path_factory: pytest.TempPathFactory, cards_notebook: Any,
    hostile_text: str,
) -> Iterator[Any]:  # fmt: skip
    """A report, opened from disk as a double click opens it."""
    folder = tmp_path_factory.mktemp("report")
    notebook = QUICKSTART
    if request.param == "all-sorts":
        notebook = folder / "all sorts.ipynb"
        nbformat.write(_all_sorts(cards_notebook, hostile_text), notebook)
    path = report(notebook, out=folder / "a page.html", hide_code=request.param == "no-code")
    before = len(visits.urls)
    page = visits.page(viewport=_WIDE)
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(path.as_uri())
    yield SimpleNamespace(name=request.param, page=page, path=path, urls=visits.urls[before:], problems=problems)
    page.context.close()


def test_page_asks_for_nothing_but_itself(exported: Any, visits: Any) -> None:
    assert [url for url in exported.urls if not url.startswith("data:")] == [exported.path.as_uri()]
    assert visits.outside() == []


def test_page_has_nothing_to_complain_about_to_the_console(exported: Any) -> None:
    assert exported.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [_WIDE, _NARROW], ids=["wide", "narrow"])
def test_axe_finds_no_violation_of_wcag_aa(exported: Any, complaints: Any, scheme: str, size: Any) -> None:
    exported.page.set_viewport_size(size)

    assert complaints(exported.page, scheme=scheme) == []


@pytest.mark.parametrize("size", [_WIDE, _NARROW], ids=["wide", "narrow"])
def test_page_is_never_wider_than_the_screen(exported: Any, size: Any) -> None:
    exported.page.set_viewport_size(size)

    scroll = exported.page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert scroll <= 0
    assert exported.page.evaluate(_OVERFLOW) == []


def test_page_follows_the_reader_s_colours(exported: Any, in_scheme: Any) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        in_scheme(exported.page, scheme)
        seen[scheme] = exported.page.evaluate("() => getComputedStyle(document.body).backgroundColor")

    lightness = {scheme: sum(map(int, colour[4:-1].split(","))) for scheme, colour in seen.items()}
    assert lightness["light"] > 600
    assert lightness["dark"] < 150


def test_page_is_kept_as_pictures(exported: Any, shoot: Any) -> None:
    for name, size in (("wide", _WIDE), ("narrow", _NARROW)):
        exported.page.set_viewport_size(size)
        shoot(exported.page, f"report-{exported.name}-{name}", whole=True)


def test_nothing_in_the_page_acts(exported: Any) -> None:
    assert exported.page.evaluate("() => window.acted") is None
    assert exported.page.locator("script, iframe, object, embed, form, link, [onerror], [onclick]").count() == 0


def test_keyboard_reaches_the_notebook_past_the_summary(exported: Any) -> None:
    exported.page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")
    exported.page.keyboard.press("Tab")
    exported.page.keyboard.press("Enter")

    assert exported.page.evaluate("() => document.activeElement.id") == "nb-notebook"
