"""A notebook that nobody here has run: each kind of card still says what it says, and nothing in it acts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from nbkit.display.card import card_text

pytestmark = pytest.mark.browser

_NAMES = ["call", "hit", "unknown price", "blocked", "interrupted", "error", "samples", "hostile", "running"]
_WORD = re.compile(r"[^\s(),·]+")


@pytest.fixture(scope="module")
def reopened(visits: Any, colleague: Any, opened: Any, front_end: Any, cards_notebook: Any) -> Iterator[Any]:
    path = f"cards-{front_end.name}.ipynb"
    nbformat.write(cards_notebook, colleague.root / path)
    page = visits.page()
    notebook = opened(page, server=colleague, front_end=front_end, path=path)
    page.locator(".jp-RenderedMarkdown").first.wait_for()
    notebook.show_all()
    yield SimpleNamespace(notebook=notebook, page=page, number={name: at for at, name in enumerate(_NAMES)})
    page.context.close()


def test_there_is_a_card_of_each_kind(cards: Any) -> None:
    assert list(cards) == _NAMES


def test_notebook_of_another_is_not_trusted(reopened: Any) -> None:
    assert not reopened.notebook.is_trusted()


@pytest.mark.parametrize("name", _NAMES)
def test_untrusted_card_says_all_that_it_says_as_text(reopened: Any, cards: Any, name: str) -> None:
    drawn = reopened.notebook.text(reopened.number[name])

    lines = card_text(cards[name]).splitlines()
    assert lines[0] in drawn
    # As text, details stand in brackets, and each line begins with its name: the words are the same.
    said = {word for line in lines[1:] for word in _WORD.findall(line.removeprefix("  Phases"))}
    assert said - set(_WORD.findall(drawn)) == set()


def test_untrusted_card_keeps_its_looks(reopened: Any) -> None:
    card = reopened.notebook.outputs(reopened.number["blocked"]).last
    box, tiles = card.locator("div[style*=border-left]"), card.locator("tbody").first

    assert box.evaluate("box => getComputedStyle(box).borderLeft") == "4px solid rgb(217, 58, 58)"
    assert tiles.evaluate("tiles => getComputedStyle(tiles).display") == "flex"
    tops = tiles.locator("tr").evaluate_all("tiles => tiles.map(tile => tile.getBoundingClientRect().top)")
    assert len(tops) == 5
    assert len(set(tops)) == 1


def test_nothing_in_an_untrusted_output_acts(reopened: Any, hostile_text: str) -> None:
    assert reopened.page.evaluate("() => window.acted") is None
    assert reopened.page.locator(".jp-OutputArea-output :is(script, style, iframe, img, svg, form)").count() == 0
    assert hostile_text in reopened.notebook.text(reopened.number["hostile"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_outputs(reopened: Any, complaints: Any, scheme: str) -> None:
    assert complaints(reopened.page, scheme=scheme, within=".jp-OutputArea-output") == []


def test_cards_are_kept_as_pictures(reopened: Any, shoot: Any) -> None:
    shoot(reopened.page, f"{reopened.notebook.front_end.name}-untrusted-cards")


def test_page_asks_only_its_own_server(reopened: Any, visits: Any) -> None:
    assert visits.urls
    assert visits.outside() == []
