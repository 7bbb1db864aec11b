"""What a cell would cost, before it runs; and the limit on what it may."""

from __future__ import annotations

import pytest

from nbkit.errors import BudgetExceeded
from nbkit.session import current

PRICED = """
[tool.nbkit.price.echo]
input = 1000
output = 1000
"""


@pytest.fixture
def priced(notebook, tmp_path, monkeypatch):
    """The notebook, whose model has a price."""
    (tmp_path / "pyproject.toml").write_text(PRICED)
    monkeypatch.chdir(tmp_path)
    current().folder = tmp_path
    return notebook


def rows(cell):
    assert cell.error is None, cell.error
    text = "\n".join(cell.bundles("text/plain"))
    return {line.split("  ")[0]: line.split("  ", 1)[1].strip() for line in text.splitlines() if "  " in line}


def test_a_dry_run_shows_prompt_tokens_price_cache_and_guards_and_makes_no_call(priced):
    cell = priced.run("%%llm --dry-run --max-tokens 20\nHello {{ 1 + 1 }}")
    found = rows(cell)
    assert found["model"] == "echo:echo, temperature 0"
    assert found["tokens in"] == "~2 (estimated), 1 message"
    assert found["tokens out"] == "at most 20"
    assert found["price"] == "~$0.002 to $0.107 (by this project's pyproject.toml)"
    assert found["cache"] == "miss"
    assert found["guards"].startswith("guards ✓ passed")
    assert "Hello 2" in "".join(cell.bundles("text/plain"))
    assert current().ledger.read() == []
    assert isinstance(priced.run("_llm").error, NameError)


def test_what_is_in_the_cache_would_cost_nothing(priced):
    priced.run("%%llm\nHello")
    found = rows(priced.run("%%llm --dry-run\nHello"))
    assert found["cache"].startswith("hit, stored")
    assert found["price"] == "$0: answered from the cache"
    assert rows(priced.run("%%llm --dry-run --cache off\nHello"))["price"].startswith("~$")


def test_only_the_samples_that_are_missing_have_a_price(priced):
    priced.run("%%llm -n 2 -t 1\nHello")
    found = rows(priced.run("%%llm --dry-run -n 2 -t 1\nHello"))
    assert found["cache"] == "2 of 2 samples are kept"
    found = rows(priced.run("%%llm --dry-run -n 3 -t 1\nHello"))
    assert (found["cache"], "for 1 of 3 samples" in found["price"]) == ("2 of 3 samples are kept", True)


def test_what_is_not_in_the_cache_and_would_not_be_asked_for_costs_nothing(priced):
    cell = priced.run("%%llm --dry-run --cache only\nHello")
    found = rows(cell)
    assert found["price"] == "$0: not in the cache, nothing would be asked"
    assert found["cache"] == "miss"
    assert "the cell would fail" in "".join(cell.bundles("text/plain"))


def test_a_look_at_the_cache_is_neither_a_hit_nor_a_miss(priced):
    priced.run("%%llm --dry-run\nHello")
    priced.run("%%llm\nHello")
    priced.run("%%llm --dry-run\nHello")
    stats = current().cache.stats()
    assert (stats.hits, stats.misses) == (0, 1)


def test_a_prompt_that_would_be_blocked_is_not_shown(priced):
    key = "sk-" + "Ab3dEf6hIj9lMn2pQr5t" * 2 + "T3BlbkFJ" + "Ab3dEf6hIj9lMn2pQr5t"
    cell = priced.run(f"%%llm --dry-run\nuse {key}")
    text = "".join(cell.bundles("text/plain"))
    assert key not in text
    assert "would be blocked" in text
    assert rows(cell)["price"] == "$0: a guard blocks it"


def test_budgets_in_force_are_shown_with_what_is_left(priced):
    priced.run("%config NbKit.budget_day = 0.01")
    cell = priced.run("%%llm --dry-run\nHello")
    assert rows(cell)["budget, day"] == "$0 of $0.01 spent, $0.01 left"
    assert "no room for it in the budget of the day" in "".join(cell.bundles("text/plain"))


def test_a_budget_of_a_notebook_without_a_name_is_said_to_refuse(priced, monkeypatch):
    priced.run("%config NbKit.budget_notebook = 1")
    assert "has no name" in "".join(priced.run("%%llm --dry-run\nHello").bundles("text/plain"))
    monkeypatch.setenv("JPY_SESSION_NAME", "/somewhere/a.ipynb")
    assert "has no name" not in "".join(priced.run("%%llm --dry-run\nHello").bundles("text/plain"))


def test_an_unknown_price_is_a_question_mark(notebook, tmp_path, monkeypatch):
    monkeypatch.setattr("nbkit.providers.echo.EchoProvider.is_local", False)
    assert rows(notebook.run("%%llm --dry-run\nHello"))["price"].startswith("?")


def test_a_local_model_is_free(notebook):
    assert rows(notebook.run("%%llm --dry-run\nHello"))["price"] == "$0 local"


def test_max_cost_stops_the_cell_and_the_next_one_works(priced):
    cell = priced.run("%%llm --max-cost $0.001\nHello")
    assert isinstance(cell.error, BudgetExceeded)
    assert "the cell's budget of $0.001" in cell.error.what
    assert priced.run("%%llm --max-cost 10\nHello").error is None


def test_the_line_form_takes_both(priced):
    assert rows(priced.run("%llm --dry-run Hello"))["price"].startswith("~$")
    assert isinstance(priced.run("%llm --max-cost 0.001 Hello").error, BudgetExceeded)


def test_what_calls_cost_by_the_projects_own_prices_says_so(priced):
    card = "\n".join(priced.run("%%llm\nHello").bundles("text/plain"))
    assert "this project's pyproject.toml" in card
    assert "pyproject.toml: echo." in "\n".join(priced.run("%cost").bundles("text/plain"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--max-tokens 20 --max-cost 0.01", "refused: no room for it in the budget of the cell"),
        ("--max-tokens 20 --max-cost 1 -n 20 -t 0.5", "may not have room for all 20 samples"),
        ("--max-tokens 20 --max-cost 1", "budget, cell"),
        ("--max-cost 1 -m openai:unknown-model-9", "refused: a budget is in force, and nobody knows its price"),
    ],
)
def test_a_dry_run_foresees_what_a_budget_would_refuse(priced, options, said):
    cell = priced.run(f"%%llm --dry-run {options}\nHello")
    assert cell.error is None, cell.error
    assert said in "".join(cell.bundles("text/plain"))
