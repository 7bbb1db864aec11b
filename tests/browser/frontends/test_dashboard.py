"""The dashboard and the panel in the page: driven by their controls, saved, sent to a colleague, exported, read."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from nbkit.ledger.sqlite import SqliteSink
from nbkit.protocols import SinkOptions
from nbkit.report import report
from nbkit.testing import factories
from nbkit.types import CacheOutcome, Cost, Timing, Usage, Verdict

pytestmark = pytest.mark.browser

_CELLS = {
    "load": "%load_ext nbkit",
    "dashboard": "%nbkit dashboard --since 7d",
    "panel": "%nbkit panel",
    "ask": "%%llm\nName one prime number.",
    "static": "%nbkit dashboard --by model --static",
}
_NUMBER = {name: number for number, name in enumerate(_CELLS)}
_FIGURES = 6
_MODELS = ("gpt-4o-mini", "gpt-4o", "claude-sonnet-4-5")


def _records(now: datetime) -> Iterator[Any]:
    """Three hundred calls of five days: answered, from the cache, blocked, failed."""
    rnd = random.Random(5)
    for number in range(300):
        model = rnd.choice(_MODELS)
        sent, made, took_s = rnd.randint(50, 3000), rnd.randint(10, 600), rnd.lognormvariate(0, 0.7)
        timing = Timing(took_s, provider_s=took_s, attempts=1)
        cost = Cost(Decimal(sent * 15 + made * 60) / Decimal(10**8), source="table", prices_as_of="2026-01-01")
        fields: dict[str, Any] = {"timing": timing, "cost": cost}
        if number % 3 == 0:
            fields = {
                "cache": CacheOutcome("hit", "k", 5.0, timing),
                "timing": Timing(0.004),
                "cost": Cost(Decimal(0), cost.usd, source="cache"),
            }
        record = factories.record(
            number,
            request=factories.request(provider="openai", model=model),
            response=factories.response(usage=Usage(sent, made)),
            started_at=now - timedelta(hours=120 * (1 - number / 300)),
            tag=("draft", "final")[number % 2],
            **fields,
        )
        if number % 25 == 1:
            verdict = Verdict(("pii", "secrets")[number % 2], "input", "block")
            nothing = Cost(Decimal(0), source="none")
            record = dataclasses.replace(record, status="blocked", response=None, verdicts=(verdict,), cost=nothing)
        yield record


@pytest.fixture(scope="module")
def live(visits: Any, author: Any, opened: Any, front_end: Any) -> Iterator[Any]:
    """A notebook with a store of calls behind it, its cells run to the end."""
    name = f"figures-{front_end.name}"
    settings = {"NBKIT_MODEL": "echo", "NBKIT_BUDGET_SESSION": "0.5", "NBKIT_BUDGET_DAY": "0.05"}
    kernel = author.add_kernel(name, settings)
    home = Path(
        json.loads((author.root.parent / "data" / "kernels" / name / "kernel.json").read_text())["env"]["NBKIT_HOME"]
    )
    sink = SqliteSink(SinkOptions(home))
    for record in _records(datetime.now(UTC)):
        sink.write(record)
    sink.close()
    cells = [nbformat.v4.new_code_cell(code, id=name) for name, code in _CELLS.items()]
    path = f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), author.root / path)
    page = visits.page()
    notebook = opened(page, server=author, front_end=front_end, path=path)
    notebook.wait_for_kernel()
    for number in _NUMBER.values():
        notebook.run(number)
    notebook.outputs(_NUMBER["dashboard"]).locator("img").nth(_FIGURES - 1).wait_for()
    notebook.outputs(_NUMBER["panel"]).locator("input").first.wait_for()
    yield notebook
    page.context.close()


def _choose(live: Any, label: str, option: str) -> None:
    live.outputs(_NUMBER["dashboard"]).get_by_label(label, exact=True).select_option(option)


def _figures(live: Any, cell: str) -> Any:
    return live.outputs(_NUMBER[cell]).locator("img")


def _saved(live: Any, cell: str) -> list[Any]:
    live.save()
    return [one["data"] for one in nbformat.read(live.file, as_version=4).cells[_NUMBER[cell]].outputs]


def test_controls_stand_above_six_figures(live: Any, shoot: Any) -> None:
    outputs = live.outputs(_NUMBER["dashboard"])

    assert outputs.count() == 2
    assert outputs.first.locator("select").count() == 4
    assert _figures(live, "dashboard").count() == _FIGURES
    live.show(_NUMBER["dashboard"], height=1500)
    shoot(live.page, f"{live.front_end.name}-dashboard")


def test_controls_stand_apart_from_each_other(live: Any) -> None:
    """A label that touches the field before it reads as that field's."""
    for cell in ("dashboard", "panel"):
        boxes = (
            live.outputs(_NUMBER[cell])
            .first.locator(".widget-hbox > *")
            .evaluate_all(
                "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right, box.top])"
            )
        )
        gaps = [after[0] - before[1] for before, after in itertools.pairwise(boxes) if before[2] == after[2]]
        assert gaps
        assert all(gap >= 10 for gap in gaps), boxes


def test_every_figure_is_drawn_and_says_in_words_what_it_shows(live: Any) -> None:
    figures = _figures(live, "dashboard")

    assert figures.evaluate_all("all => all.every(one => one.complete && one.naturalWidth > 400)")
    alts = figures.evaluate_all("all => all.map(one => one.alt)")
    assert all(len(alt) > 40 and "last 7d" in alt for alt in alts), alts


def test_a_change_of_a_control_redraws_the_figures_in_their_place(live: Any) -> None:
    before = _figures(live, "dashboard").evaluate_all("all => all.map(one => one.src)")
    _choose(live, "Group by", "model")
    live.outputs(_NUMBER["dashboard"]).get_by_text("By model", exact=True).wait_for()
    _choose(live, "Tag", "draft")
    live.outputs(_NUMBER["dashboard"]).get_by_text("tag draft").first.wait_for()

    after = _figures(live, "dashboard").evaluate_all("all => all.map(one => one.src)")
    assert len(after) == _FIGURES
    assert all(one != other for one, other in zip(before, after, strict=True))
    assert not live.outputs(_NUMBER["dashboard"]).get_by_text("run this cell again").is_visible()
    assert live.outputs(_NUMBER["dashboard"]).count() == 2


def test_saved_file_holds_the_last_view_and_no_widget_but_the_controls(live: Any) -> None:
    _choose(live, "Tag", "final")
    live.outputs(_NUMBER["dashboard"]).get_by_text("tag final").first.wait_for()
    controls, figures = _saved(live, "dashboard")

    assert set(figures) == {"text/html", "text/plain"}
    assert "tag final" in figures["text/plain"]
    assert set(controls) == {"application/vnd.jupyter.widget-view+json", "text/plain"}
    saved = nbformat.read(live.file, as_version=4)
    assert not saved.metadata.get("widgets")
    views = [
        cell.id for cell in saved.cells for one in cell.outputs if "widget-view" in str(one.get("data", {}).keys())
    ]
    assert views == ["dashboard", "panel"]


def test_panel_shows_what_the_next_cell_will_use_and_follows_each_cell(live: Any, shoot: Any) -> None:
    outputs = live.outputs(_NUMBER["panel"])
    assert outputs.count() == 2
    calls = re.search(r"Calls (\d+)", live.text(_NUMBER["panel"]))
    assert calls is not None
    live.run(_NUMBER["ask"])
    outputs.last.get_by_text(f"{int(calls[1]) + 1}", exact=True).first.wait_for()
    assert "Budget of the session: $0 of $0.50 spent (0%), $0.50 left" in live.text(_NUMBER["panel"])
    live.show(_NUMBER["panel"])
    shoot(live.page, f"{live.front_end.name}-panel")


def test_panel_changes_the_next_cell(live: Any) -> None:
    field = live.outputs(_NUMBER["panel"]).get_by_label("Temperature, 0 to 2")
    field.fill("0.7")
    field.press("Tab")
    live.outputs(_NUMBER["panel"]).get_by_text("temperature 0.7: applies from the next cell.").wait_for()
    live.run(_NUMBER["ask"])

    carried = _saved(live, "ask")[-1]["application/vnd.nbkit.record+json"]
    assert carried[0]["request"]["temperature"] == 0.7
    assert "next cell: echo, temperature 0.7" in live.text(_NUMBER["panel"])


def test_panel_refuses_a_model_that_is_not(live: Any) -> None:
    field = live.outputs(_NUMBER["panel"]).get_by_label("Model", exact=True)
    field.fill("opnai:gpt-4o")
    field.press("Enter")
    live.outputs(_NUMBER["panel"]).get_by_text("no provider named 'opnai'").wait_for()

    assert field.input_value() == "echo"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("cell", ["dashboard", "panel", "static"])
def test_axe_finds_nothing_in_the_outputs(live: Any, complaints: Any, scheme: str, cell: str) -> None:
    live.cell(_NUMBER[cell]).evaluate("cell => { cell.dataset.cellUnderTest = 'yes'; }")
    within = "[data-cell-under-test] .jp-OutputArea-output"
    try:
        assert complaints(live.page, scheme=scheme, within=within) == []
    finally:
        live.cell(_NUMBER[cell]).evaluate("cell => { delete cell.dataset.cellUnderTest; }")


@pytest.fixture(scope="module")
def reopened(visits: Any, colleague: Any, opened: Any, live: Any) -> Iterator[Any]:
    """The saved file on another's server, where nobody trusts it and no kernel has its widgets."""
    live.save()
    copy = colleague.root / live.file.name
    shutil.copyfile(live.file, copy)
    page = visits.page()
    shown = opened(page, server=colleague, front_end=live.front_end, path=copy.name)
    shown.outputs(_NUMBER["static"]).locator("img").last.wait_for()
    yield shown
    page.context.close()


def test_untrusted_copy_shows_the_figures_and_says_where_controls_are(reopened: Any, shoot: Any) -> None:
    assert not reopened.is_trusted()
    for cell in ("dashboard", "static"):
        figures = reopened.outputs(_NUMBER[cell]).locator("img")
        assert figures.count() == _FIGURES
        assert figures.evaluate_all("all => all.every(one => one.complete && one.naturalWidth > 400)")
    assert "Controls of the dashboard below" in reopened.text(_NUMBER["dashboard"])
    assert not reopened.page.get_by_text("run this cell again").first.is_visible()
    assert "Controls of nbkit's panel" in reopened.text(_NUMBER["panel"])
    assert "Budget of the session" in reopened.text(_NUMBER["panel"])
    reopened.show(_NUMBER["dashboard"], height=1500)
    shoot(reopened.page, f"{reopened.front_end.name}-untrusted-dashboard")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_untrusted_copy(reopened: Any, complaints: Any, scheme: str) -> None:
    assert complaints(reopened.page, scheme=scheme, within=".jp-OutputArea-output") == []


def test_page_that_is_loaded_again_has_the_controls_of_the_running_kernel(live: Any) -> None:
    live.save()
    live.page.reload()
    live.outputs(_NUMBER["dashboard"]).first.locator("select").first.wait_for()

    for cell in ("dashboard", "panel"):
        assert not live.outputs(_NUMBER[cell]).get_by_text("run this cell again").is_visible()
        assert live.outputs(_NUMBER[cell]).get_by_text("Error displaying widget").count() == 0
    # The page has forgotten which output is the dashboard's: the kernel notices, and says how to go on.
    _choose(live, "Tag", "draft")
    live.outputs(_NUMBER["dashboard"]).get_by_text("This page was loaded anew").wait_for()
    live.run(_NUMBER["ask"])
    live.outputs(_NUMBER["panel"]).get_by_text("This page was loaded anew").wait_for()
    for cell in ("dashboard", "panel"):
        live.run(_NUMBER[cell])
        live.outputs(_NUMBER[cell]).get_by_text("This page was loaded anew").wait_for(state="detached")
    _choose(live, "Tag", "draft")
    live.outputs(_NUMBER["dashboard"]).get_by_text("tag draft").first.wait_for()


def test_trusted_copy_with_another_kernel_has_the_figures_and_no_broken_widget(
    visits: Any, author: Any, opened: Any, live: Any, shoot: Any
) -> None:
    live.save()
    copy = author.root / f"again-{live.file.name}"
    shutil.copyfile(live.file, copy)
    page = visits.page()
    shown = opened(page, server=author, front_end=live.front_end, path=copy.name)
    shown.wait_for_kernel()
    figures = shown.outputs(_NUMBER["dashboard"]).locator("img")
    figures.nth(_FIGURES - 1).wait_for()

    assert shown.is_trusted()
    # What is lost is the controls alone, whose models were in the other kernel: a sentence stands in their place.
    assert shown.outputs(_NUMBER["dashboard"]).first.locator("select").count() == 0
    for cell in ("dashboard", "panel"):
        lost = shown.outputs(_NUMBER[cell]).get_by_text("Error displaying widget")
        lost.wait_for(state="attached")
        assert not lost.is_visible()
        assert shown.outputs(_NUMBER[cell]).get_by_text("run this cell again to have them.").is_visible()
    shown.show(_NUMBER["dashboard"], height=1500)
    shoot(shown.page, f"{live.front_end.name}-trusted-dashboard")
    assert figures.evaluate_all("all => all.every(one => one.complete && one.naturalWidth > 400)")
    assert "Budget of the session" in shown.text(_NUMBER["panel"])
    page.context.close()


def test_without_any_style_the_numbers_are_all_there(live: Any, visits: Any) -> None:
    _, figures = _saved(live, "dashboard")
    page = visits.page()
    page.set_content(re.sub(r' style="[^"]*"', "", figures["text/html"]))
    text = " ".join(page.locator("body").inner_text().split())
    page.context.close()

    for words in ("Cache hit rate", "Latency p50, live", "p95", "n = ", "Cost by hour, USD", "Blocked calls by guard"):
        assert words in text


@pytest.fixture(scope="module")
def exported(visits: Any, live: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    live.save()
    path = report(live.file, out=tmp_path_factory.mktemp("report") / "figures.html")
    page = visits.page()
    page.goto(path.as_uri())
    yield SimpleNamespace(page=page, path=path)
    page.context.close()


def test_exported_page_shows_the_figures(exported: Any, live: Any, shoot: Any) -> None:
    figures = exported.page.locator("img[alt*='dashboard'], img[alt*=':']")
    shoot(exported.page, f"{live.front_end.name}-dashboard-report", whole=True)

    assert figures.count() == 2 * _FIGURES
    assert figures.evaluate_all("all => all.every(one => one.complete && one.naturalWidth > 400)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_exported_page(exported: Any, complaints: Any, scheme: str) -> None:
    assert complaints(exported.page, scheme=scheme) == []


def test_printed_figures_are_inside_the_page_and_large_enough_to_read(exported: Any, live: Any, shoot: Any) -> None:
    exported.page.emulate_media(media="print")
    exported.page.set_viewport_size({"width": 794, "height": 1123})
    boxes = exported.page.locator("img").evaluate_all(
        "all => all.map(one => [one.getBoundingClientRect().width, one.getBoundingClientRect().right])"
    )
    shoot(exported.page, f"{live.front_end.name}-dashboard-print", whole=True)
    exported.page.emulate_media(media="screen")

    # Names in the picture are 12 px at its full width of 500.
    assert all(width >= 450 and right <= 794 for width, right in boxes), boxes


def test_pages_ask_only_their_own_server(live: Any, visits: Any) -> None:
    assert visits.urls
    assert visits.outside() == []
