from __future__ import annotations

from decimal import Decimal

import pytest

from nbkit.display.panel import panel_bundle
from nbkit.errors import UnknownSetting
from nbkit.ledger.budgets import Standing
from nbkit.ledger.summary import Summary
from nbkit.magics.extension import Extension
from nbkit.session import current
from nbkit.testing.interactive import shell

PRICES = "%config NbKit.price = {'echo': {'input': 100000, 'output': 100000}}"


def panel(notebook):
    return Extension.of(notebook)._held["panel"]._panel


def text(cell):
    return cell.outputs[1]["data"]["text/plain"]


def test_totals_are_true_after_each_cell(notebook):
    cell = notebook.run("%nbkit panel")
    assert "Calls              0 " in text(cell)
    notebook.run("%%llm\nhello")
    assert "Calls              1 " in text(cell)
    notebook.run("value = %llm hello again")
    assert "Calls              2 " in text(cell)


def test_a_cell_that_changes_nothing_sends_nothing(notebook):
    cell = notebook.run("%nbkit panel")
    updates = cell.outputs[1]["updates"]
    notebook.run("1 + 1")
    assert cell.outputs[1]["updates"] == updates


def test_choices_apply_from_the_next_cell(notebook):
    cell = notebook.run("%nbkit panel")
    made = panel(notebook)
    made._temperature.value = 0.7
    assert made._said.value == "temperature 0.7: applies from the next cell."
    made._model.value = "echo:other"
    assert made._said.value == "model echo:other: applies from the next cell."
    assert "next cell: echo:other, temperature 0.7" in text(cell)
    notebook.run("%%llm\nhello")
    request = notebook.user_ns["_llm"].record.request
    assert (request.model, request.temperature) == ("other", 0.7)
    assert current().config().origins["temperature"] == "configured"


@pytest.mark.parametrize("name", ["opnai:gpt-4o", "nobody<b>"])
def test_a_model_that_is_not_is_refused_and_the_last_one_stays(notebook, name):
    notebook.run("%nbkit panel")
    made = panel(notebook)
    made._model.value = name
    assert made._said.value.startswith("✗ ")
    assert "<b>" not in made._said.value
    assert made._model.value == current().config().settings.model == "echo"


def test_what_a_cell_sets_shows_in_the_controls(notebook):
    notebook.run("%nbkit panel")
    notebook.run("%config NbKit.temperature = 1.2\n%config NbKit.model = 'echo:third'")
    made = panel(notebook)
    assert (made._temperature.value, made._model.value) == (1.2, "echo:third")
    assert made._said.value == "Applies from the next cell."


def test_budget_bar_shows_spent_and_left(notebook):
    notebook.run(f"{PRICES}\n%config NbKit.budget_session = 2000")
    cell = notebook.run("%nbkit panel")
    assert "Budget of the session: $0 of $2,000.00 spent (0%), $2,000.00 left" in text(cell)
    notebook.run("%%llm --max-tokens 5\nhello")
    (standing,) = current().standings(current().config().settings, notebook=None)
    assert standing.spent_usd > 0
    assert f"${standing.spent_usd:.2f} of $2,000.00 spent" in text(cell)


@pytest.mark.parametrize(
    ("spent", "reserved", "colour", "words"),
    [("0.5", "0", "#159048", "(25%), $1.50 left"), ("1.7", "0", "#c2650a", "(85%), $0.30 left"),
     ("2", "0", "#d93a3a", "(100%), $0 left"), ("2.5", "0", "#d93a3a", "(125%), $0 left"),
     ("0.5", "1", "#159048", "(25%), $1.00 reserved, $0.50 left")],
)  # fmt: skip
def test_bar_has_the_colour_and_the_words_of_what_is_left(spent, reserved, colour, words):
    standing = Standing("day", Decimal(2), Decimal(spent), Decimal(reserved))
    bundle = panel_bundle(Summary(), [standing], model="m", temperature=0)
    assert colour in bundle["text/html"].partition("Budget of the day")[2]
    for mime in ("text/html", "text/plain"):
        assert words in bundle[mime]


def test_unknown_prices_are_not_nothing():
    bundle = panel_bundle(Summary(calls=1, cost_usd=None, unknown_prices=1), (), model="m", temperature=0)
    assert "Cost               ? (1 unpriced" in bundle["text/plain"]


def test_a_second_panel_takes_the_place_of_the_first(notebook):
    from ipywidgets import Widget

    before = set(Widget.get_manager_state()["state"])
    notebook.run("%nbkit panel")
    first = set(Widget.get_manager_state()["state"]) - before
    notebook.run("%nbkit panel")
    assert not set(Widget.get_manager_state()["state"]) & first
    assert len(notebook.events.callbacks["post_run_cell"]) == 1


def test_unloading_unregisters_and_settings_that_break_do_not_break_cells():
    with shell() as notebook:
        before = list(notebook.events.callbacks["post_run_cell"])
        cell = notebook.run("%nbkit panel")
        notebook.run("import os; os.environ['NBKIT_SEED'] = 'x'")
        assert notebook.run("1 + 1").error is None
        notebook.run("del os.environ['NBKIT_SEED']")
        assert "this session" in text(cell)
        notebook.run("%unload_ext nbkit")
        assert notebook.events.callbacks["post_run_cell"] == before


def test_text_mode_draws_text_alone(notebook):
    cell = notebook.run("%config NbKit.ui = 'text'\n%nbkit panel")
    notebook.run("%%llm\nhello")
    assert "Calls              1 " in cell.outputs[0]["data"]["text/plain"]
    assert [set(output["data"]) for output in cell.outputs] == [{"text/plain"}]


def test_panel_takes_no_options(notebook):
    assert isinstance(notebook.run("%nbkit panel --x").error, UnknownSetting)
