"""A notebook that nobody here has run: each kind of card still says what it says, and nothing in it acts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from nbkit.display.answer import answer_bundle, streaming_html
from nbkit.display.card import card_html, card_text
from nbkit.display.view import Live
from nbkit.testing.factories import record, response
from nbkit.types import CacheOutcome, Cost, Failure, Record, Timing, Verdict

pytestmark = pytest.mark.browser

_HOSTILE = '</pre><script>window.acted = 1</script><img src="http://evil.example/x.png" onerror="window.acted = 1">'
_WORD = re.compile(r"[^\s(),·]+")
_TIMING = Timing(1.24, 0.0012, 0.0004, 1.236, 0.0021, first_token_s=0.213, attempts=1)


def _cards() -> dict[str, Record | list[Record] | Live]:
    call = record(timing=_TIMING, verdicts=(Verdict("limits", "input", "allow"), Verdict("secrets", "input", "allow")))
    hit = replace(
        call,
        cache=CacheOutcome("hit", "ab" * 32, age_s=190.0, original=_TIMING),
        cost=Cost(Decimal(0), Decimal("0.000123"), "2026-01-01", "cache"),
    )
    refused = replace(
        call,
        status="error",
        response=None,
        cost=Cost(Decimal(0), source="none"),
        error=Failure("RateLimited", "the call was refused", "too many requests", "wait 20 s"),
    )
    return {
        "call": call,
        "hit": hit,
        "unknown price": replace(call, cost=Cost(None)),
        "blocked": replace(
            call,
            status="blocked",
            request=None,
            response=None,
            cache=CacheOutcome("skipped"),
            verdicts=(Verdict("secrets", "input", "block", "a value of OPENAI_API_KEY is in the prompt"),),
            error=Failure("Blocked", "the prompt was not sent", "it holds a secret", "take it out"),
        ),
        "interrupted": replace(call, status="interrupted", response=response(finish_reason="interrupted")),
        "error": refused,
        "samples": [call, replace(hit, id="b"), replace(refused, id="c")],
        "hostile": replace(call, response=response(notes=(_HOSTILE,))),
        "running": Live("gpt-4o-mini", phase="provider", elapsed_s=1.3, first_token_s=0.2, received_chars=321),
    }


def _notebook() -> Any:
    v4 = nbformat.v4
    cells = []
    for name, shown in _cards().items():
        outputs = [{"text/html": card_html(shown), "text/plain": card_text(shown)}]
        if name == "call":
            outputs.insert(0, answer_bundle("## An answer\n\n- in **Markdown**\n\n```python\nprint(1)\n```", "md"))
        if name == "hostile":
            outputs.insert(0, answer_bundle(_HOSTILE, "text"))
        if name == "running":
            outputs.insert(0, {"text/html": streaming_html("An answer <b>that"), "text/plain": "…"})
        displayed = [v4.new_output("display_data", data) for data in outputs]
        cells.append(v4.new_code_cell(f"# {name}", execution_count=1, outputs=displayed, id=name.replace(" ", "-")))
    return v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})


@pytest.fixture(scope="module")
def reopened(visits: Any, colleague: Any, opened: Any, front_end: Any) -> Iterator[Any]:
    path = f"cards-{front_end.name}.ipynb"
    nbformat.write(_notebook(), colleague.root / path)
    page = visits.page()
    notebook = opened(page, server=colleague, front_end=front_end, path=path)
    page.locator(".jp-RenderedMarkdown").first.wait_for()
    notebook.show_all()
    yield SimpleNamespace(notebook=notebook, page=page, number={name: at for at, name in enumerate(_cards())})
    page.context.close()


def test_notebook_of_another_is_not_trusted(reopened: Any) -> None:
    assert not reopened.notebook.is_trusted()


@pytest.mark.parametrize("name", _cards())
def test_untrusted_card_says_all_that_it_says_as_text(reopened: Any, name: str) -> None:
    drawn = reopened.notebook.text(reopened.number[name])

    lines = card_text(_cards()[name]).splitlines()
    assert lines[0] in drawn
    # As text, details stand in brackets, and each line begins with its name: the words are the same.
    said = {word for line in lines[1:] for word in _WORD.findall(line.removeprefix("  Phases"))}
    assert said - set(_WORD.findall(drawn)) == set()


def test_untrusted_card_keeps_its_looks(reopened: Any) -> None:
    card = reopened.notebook.outputs(reopened.number["blocked"]).last
    box, tiles = card.locator("div[style*=border-left]"), card.locator("tbody")

    assert box.evaluate("box => getComputedStyle(box).borderLeft") == "4px solid rgb(217, 58, 58)"
    assert tiles.evaluate("tiles => getComputedStyle(tiles).display") == "flex"
    tops = tiles.locator("tr").evaluate_all("tiles => tiles.map(tile => tile.getBoundingClientRect().top)")
    assert len(tops) == 5
    assert len(set(tops)) == 1


def test_nothing_in_an_untrusted_output_acts(reopened: Any) -> None:
    assert reopened.page.evaluate("() => window.acted") is None
    assert reopened.page.locator(".jp-OutputArea-output :is(script, style, iframe, img, svg, form)").count() == 0
    assert _HOSTILE in reopened.notebook.text(reopened.number["hostile"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_outputs(reopened: Any, complaints: Any, scheme: str) -> None:
    assert complaints(reopened.page, scheme=scheme, within=".jp-OutputArea-output") == []


def test_cards_are_kept_as_pictures(reopened: Any, shoot: Any) -> None:
    shoot(reopened.page, f"{reopened.notebook.front_end.name}-untrusted-cards")


def test_page_asks_only_its_own_server(reopened: Any, visits: Any) -> None:
    assert visits.urls
    assert visits.outside() == []
