import json
from pathlib import Path

import pytest

from nbkit.errors import BadSetting, NotebookError, UnknownSetting
from nbkit.session import current
from nbkit.testing.interactive import shell

KEY = "sk-test-0123456789abcdef"


def text(cell) -> str:
    assert cell.error is None, cell.error
    return "\n".join(cell.bundles("text/plain"))


def rows(cell) -> dict[str, str]:
    return dict(line.split("  ", 1) for line in text(cell).split("\n") if "  " in line)


def test_status_sums_the_session(notebook):
    notebook.run("%%llm\none two")
    notebook.run("%%llm\none two")
    notebook.run("%%llm -p fail=RateLimited\nthree")
    found = {name: value.strip() for name, value in rows(notebook.run("%nbkit status")).items()}
    assert found["calls"] == "3"
    assert found["failed"] == "1"
    assert found["cache"].startswith("1 hit, 2 misses")
    assert found["tokens in → out"].startswith("2 → 2")
    assert found["cost"] == "$0"
    assert found["latency, live"].endswith("n = 1")


def test_config_shows_value_and_origin_of_every_setting(notebook):
    notebook.run("%config NbKit.temperature = 0.3")
    said = text(notebook.run("%nbkit config"))
    assert "NBKIT_MODEL" in said
    assert "records.content" in said
    assert len(said.split("\n")) >= 25


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("temperature 0.5", "temperature", 0.5),
        ("records.content false", "records_content", False),
        ("records_content off", "records_content", False),
        ("ttl 7d", "ttl", 604800.0),
        ("system be very terse", "system", "be very terse"),
        ("system 'quoted text'", "system", "quoted text"),
        ("links.allowed_hosts a.org, b.org", "allowed_hosts", ("a.org", "b.org")),
        ('aliases {"quick": "echo:upper"}', "aliases", {"quick": "echo:upper"}),
    ],
)
def test_config_sets_a_setting_for_the_session(notebook, typed, name, value):
    said = text(notebook.run(f"%nbkit config {typed}"))
    assert getattr(current().config().settings, name) == value
    assert len(said.split("\n")) == 3


def test_config_default_goes_back(notebook):
    notebook.run("%nbkit config temperature 0.5")
    notebook.run("%nbkit config temperature default")
    assert current().config().settings.temperature == 0.0


@pytest.mark.parametrize(("typed", "kind"), [("temprature 1", UnknownSetting), ("temperature 9", BadSetting)])
def test_config_refuses_what_cannot_be(notebook, typed, kind):
    before = current().config()
    cell = notebook.run(f"%nbkit config {typed}")
    assert isinstance(cell.error, kind)
    assert len(cell.traceback) == 3
    assert current().config() == before


def test_models_name_the_keys_found_and_never_show_them():
    with shell(environment={"OPENAI_API_KEY": KEY}) as notebook:
        cell = notebook.run("%nbkit models")
        said = text(cell) + "".join(cell.bundles("text/html"))
    assert "found OPENAI_API_KEY" in said
    assert "set ANTHROPIC_API_KEY" in said
    assert KEY not in said
    assert "default model: echo:echo" in said
    assert "local:smollm2-135m" in said


def test_models_without_a_default_say_how_to_get_one(notebook):
    notebook.run("import os; os.environ.pop('NBKIT_MODEL')")
    assert "nbkit models pull" in text(notebook.run("%nbkit models"))
    notebook.run("os.environ['NBKIT_MODEL'] = 'echo'")


def test_secrets_in_settings_are_not_drawn():
    with shell(environment={"MY_API_KEY": KEY}) as notebook:
        current().configure({"system": f"use {KEY}"})
        cell = notebook.run("%nbkit config system")
        said = text(cell) + "".join(cell.bundles("text/html"))
        current().configure({"system": None})
    assert KEY not in said
    assert "[secret:MY_API_KEY]" in said


def test_doctor_draws_its_checks(notebook):
    said = text(notebook.run("%nbkit doctor"))
    assert said.startswith("Checks\n")
    assert "ok" in said


def test_traceback_shows_the_frames_of_the_last_error_without_secrets():
    with shell(environment={"MY_API_KEY": KEY}) as notebook:
        assert "no nbkit error" in text(notebook.run("%nbkit traceback"))
        notebook.run(f"%%llm --thread {KEY} --cache maybe\nhi")
        notebook.run("1 / 0")
        said = text(notebook.run("%nbkit traceback"))
    assert "Traceback" in said
    assert "BadSetting" in said
    assert "args.py" in said
    assert KEY not in said


def test_traceback_finds_errors_of_python_cells(notebook):
    notebook.run("import nbkit\nnbkit.ask('hi', temperature=9)")
    assert "temperature cannot be 9" in text(notebook.run("%nbkit traceback"))


def test_a_report_needs_to_know_the_file(notebook):
    error = notebook.run("%nbkit report").error
    assert isinstance(error, NotebookError)
    assert "%nbkit report PATH" in error.fix


@pytest.mark.parametrize("typed", ["report a.ipynb b.ipynb", "report --nope", "report it's"])
def test_report_options_that_cannot_be_read_are_said(notebook, typed):
    assert isinstance(notebook.run(f"%nbkit {typed}").error, BadSetting)


def test_a_report_is_made_from_the_saved_file(notebook, tmp_path, monkeypatch):
    path = tmp_path / "my book.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    page = Path(text(notebook.run("%nbkit report")).split("\n")[0])
    assert page.is_file()
    other = tmp_path / "other.html"
    notebook.run(f"%nbkit report '{path}' --out {other} --hide-code")
    assert other.is_file()


def test_an_unknown_command_is_answered_with_the_nearest(notebook):
    error = notebook.run("%nbkit stats").error
    assert isinstance(error, UnknownSetting)
    assert error.fix == "use %nbkit status"
    assert isinstance(notebook.run("%nbkit").error, UnknownSetting)
    assert isinstance(notebook.run("%nbkit status now").error, UnknownSetting)
