"""The quickstart as its reader lives it: run in the page, saved, sent to a colleague, opened there, exported."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from nbkit.report import report
from nbkit.testing.notebooks import compare

pytestmark = pytest.mark.browser

QUICKSTART = Path(__file__).parents[3] / "notebooks" / "00_quickstart.ipynb"
_RECORD = "application/vnd.nbkit.record+json"
_ACTING = "script, style, iframe, svg, form, object, .jupyter-widgets"


@pytest.fixture(scope="module")
def author_page(visits: Any, author: Any, opened: Any, front_end: Any) -> Iterator[Any]:
    """The quickstart in the author's page, every cell run from the Run menu and the file saved.

    The model's answers are those that the committed notebook carries; all else is live.
    """
    kernel = author.add_kernel(f"quickstart-{front_end.name}", {"NBKIT_REPLAY": str(QUICKSTART)})
    notebook = nbformat.read(QUICKSTART, as_version=4)
    notebook.metadata["kernelspec"] = kernel
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    path = f"quickstart-{front_end.name}.ipynb"
    nbformat.write(notebook, author.root / path)
    page = visits.page()
    shown = opened(page, server=author, front_end=front_end, path=path)
    shown.wait_for_kernel()
    shown.run_all()
    numbers = shown.code_cells()
    shown.save()
    shown.show_all()
    yield SimpleNamespace(shown=shown, page=page, numbers=numbers, file=author.root / path)
    page.context.close()


@pytest.fixture(scope="module")
def colleague_page(visits: Any, colleague: Any, opened: Any, front_end: Any, author_page: Any) -> Iterator[Any]:
    """The saved file, copied to another's server and opened there."""
    copy = colleague.root / author_page.file.name
    shutil.copyfile(author_page.file, copy)
    page = visits.page()
    shown = opened(page, server=colleague, front_end=front_end, path=copy.name)
    page.locator(".jp-OutputArea-output .jp-RenderedMarkdown, .jp-RenderedMarkdown").last.wait_for()
    shown.show_all()
    yield SimpleNamespace(shown=shown, page=page, numbers=author_page.numbers, file=copy)
    page.context.close()


def test_every_cell_runs_and_fails_only_where_it_says_so(author_page: Any, shoot: Any) -> None:
    saved = nbformat.read(author_page.file, as_version=4)
    failed = [
        (cell.id, cell.metadata.get("tags"))
        for cell in saved.cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    ]
    shoot(author_page.page, f"{author_page.shown.front_end.name}-quickstart-author")

    assert all(cell.execution_count for cell in saved.cells if cell.cell_type == "code")
    assert failed
    assert all(tags == ["raises-exception"] for _, tags in failed)


def test_live_run_gives_what_the_committed_notebook_shows(author_page: Any) -> None:
    committed, saved = (nbformat.read(path, as_version=4) for path in (QUICKSTART, author_page.file))

    assert compare(committed, saved) == []


def test_each_prompt_cell_has_its_card_and_keeps_its_record(author_page: Any) -> None:
    saved = nbformat.read(author_page.file, as_version=4)
    asked = [number for number, cell in enumerate(saved.cells) if cell.source.startswith("%%llm")]
    answered = [number for number in asked if "raises-exception" not in saved.cells[number].metadata.get("tags", [])]

    assert len(answered) > 5
    for number in answered:
        assert author_page.shown.outputs(number).locator("div[style*=border-left] > table").count() == 1
        assert sum(_RECORD in output.get("data", {}) for output in saved.cells[number].outputs) == 1


def test_author_trusts_the_saved_file_and_a_colleague_does_not(author_page: Any, colleague_page: Any) -> None:
    assert author_page.shown.is_trusted()
    assert not colleague_page.shown.is_trusted()


def test_colleague_reads_the_same(author_page: Any, colleague_page: Any, shoot: Any) -> None:
    shoot(colleague_page.page, f"{colleague_page.shown.front_end.name}-quickstart-colleague")

    read = {number: colleague_page.shown.text(number) for number in colleague_page.numbers}
    assert read == {number: author_page.shown.text(number) for number in author_page.numbers}
    assert sum("Tokens in → out" in text for text in read.values()) > 5


def test_nothing_in_the_colleague_s_page_acts(colleague_page: Any) -> None:
    outputs = colleague_page.page.locator(".jp-OutputArea-output")

    assert outputs.count() > 10
    assert outputs.locator(_ACTING).count() == 0
    assert colleague_page.page.get_by_text("model not found").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_answers_and_cards(colleague_page: Any, complaints: Any, scheme: str) -> None:
    cards = ".jp-OutputArea-output:has(div[style*=border-left])"

    assert complaints(colleague_page.page, scheme=scheme, within=cards) == []


def test_colleague_s_report_says_what_the_page_says(colleague_page: Any, visits: Any, shoot: Any) -> None:
    exported = report(colleague_page.file)
    page = visits.page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(exported.as_uri())

    assert asked == [exported.as_uri()]
    words = set(page.locator("main").inner_text().split())
    cards = colleague_page.page.locator(".jp-OutputArea-output div[style*=border-left]").all_inner_texts()
    assert cards
    assert {word for card in cards for word in card.split()} - words == set()
    shoot(page, f"{colleague_page.shown.front_end.name}-quickstart-report")
    page.context.close()


def test_pages_ask_only_their_own_servers(colleague_page: Any, visits: Any) -> None:
    assert visits.urls
    assert visits.outside() == []
