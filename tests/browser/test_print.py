"""What is left on paper: browsers print no backgrounds unless told to, so a colour that says something is a border."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest

from nbkit.display.card import card_html
from nbkit.display.panel import panel_bundle
from nbkit.display.pictures import Key, Picture
from nbkit.display.view import AMBER, BLUE, GREEN, GREY
from nbkit.ledger.budgets import Standing
from nbkit.ledger.summary import Summary
from nbkit.tables import Table

pytestmark = pytest.mark.browser
_FEWEST = 20
"""Pixels of a mark of eight by eight, at one pixel a point, that are of its very colour."""


@pytest.fixture
def printed(visits: Any) -> Any:
    """How many pixels of a printed page have which colour."""

    def run(html: str) -> Mapping[tuple[int, int, int], int]:
        import pypdfium2

        page = visits.page()
        page.set_content(html)
        sheet = pypdfium2.PdfDocument(BytesIO(page.pdf()))[0].render(scale=1).to_pil().convert("RGB")
        page.context.close()
        return {colour: n for n, colour in sheet.getcolors(sheet.width * sheet.height)}

    return run


def _rgb(colour: str) -> tuple[int, int, int]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))  # type: ignore[return-value]


@pytest.mark.parametrize("colour", [GREY, GREEN, BLUE, AMBER])
def test_phases_of_a_card_keep_their_colours(printed: Any, cards: Any, colour: str) -> None:
    assert printed(card_html(cards["call"])).get(_rgb(colour), 0) >= _FEWEST


def test_bar_of_a_budget_keeps_what_is_spent(printed: Any) -> None:
    half = Standing("day", Decimal(2), Decimal(1), Decimal(0))

    html = panel_bundle(Summary(), (half,), model="echo", temperature=0.0)["text/html"]
    assert printed(html).get(_rgb(GREEN), 0) >= 10 * _FEWEST


def test_legend_of_a_figure_keeps_its_colours(printed: Any) -> None:
    keys = (Key(BLUE, "in"), Key(AMBER, "out"))
    found = printed(Picture("Tokens", "words", Table("Tokens", ("a",), [("1",)]), keys=keys).html())

    assert all(found.get(_rgb(colour), 0) >= _FEWEST for colour in (BLUE, AMBER))
