"""Every attack as the guard leaves it, and as nobody screened it, in a report that was opened from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from nbkit.report import report

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("is_screened", [True, False], ids=["screened", "as it came"])
def test_no_attack_gets_through(visits: Any, hostile: Any, tmp_path: Path, is_screened: bool) -> None:
    pages, attacks = hostile.pages, hostile.attacks
    screen = hostile.screen if is_screened else lambda attack: attack.text
    bundles = pages.answer_bundles(attacks, screen) + pages.sample_bundles(attacks, screen, times=40)
    bundles += pages.record_bundles(pages.record_texts(attacks))
    bundles += [{mime: screen(one), "text/plain": "a"} for one in attacks for mime in ("text/html", "text/latex")]
    nbformat.write(pages.attack_notebook(bundles), tmp_path / "attacks.ipynb")
    path = report(tmp_path / "attacks.ipynb")
    context = visits.context()
    pages.watch(context)
    page = context.new_page()
    page.goto(path.as_uri())

    seen = pages.look(page, within="#nb-notebook", count=1, outside=visits.outside)

    assert (seen.acted, seen.requests, seen.followed, seen.live) == ([], [], [], [])
