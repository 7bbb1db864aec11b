from __future__ import annotations

import gc

import pytest

from nbkit.errors import BadSetting, UnknownSetting
from nbkit.magics.extension import Extension
from nbkit.session import current
from nbkit.testing.interactive import shell

VIEW = "application/vnd.jupyter.widget-view+json"


def models():
    from ipywidgets import Widget

    return set(Widget.get_manager_state()["state"])


def controls(notebook):
    held = Extension.of(notebook)._held
    return next(one for name, one in held.items() if name.startswith("dashboard"))


def test_controls_and_figures_are_two_outputs(notebook):
    notebook.run("%%llm\nhello")
    cell = notebook.run("%nbkit dashboard")
    assert cell.error is None
    assert [set(output["data"]) for output in cell.outputs] == [{VIEW, "text/plain"}, {"text/html", "text/plain"}]
    assert cell.outputs[0]["data"]["text/plain"].startswith("Controls of the dashboard")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("period", "all", "all calls"), ("by", "model", "by model"), ("model", "echo:echo", "model echo:echo"),
     ("tag", "draft", "tag draft")],
)  # fmt: skip
def test_each_control_redraws_the_figures_in_place(notebook, name, value, says):
    notebook.run("%%llm --tag draft\nhello")
    cell = notebook.run("%nbkit dashboard")
    controls(notebook)._inputs[name].value = value
    assert len(cell.outputs) == 2
    assert cell.outputs[1]["updates"] == 1
    assert says in cell.outputs[1]["data"]["text/plain"].splitlines()[0]


def test_redraw_shows_the_calls_made_since(notebook):
    cell = notebook.run("%nbkit dashboard --since session")
    notebook.run("%%llm\nhello")
    controls(notebook)._redraw()
    assert "Calls              1 " in cell.outputs[1]["data"]["text/plain"]


def test_a_store_that_cannot_be_read_is_said_beside_the_controls(notebook, monkeypatch):
    notebook.run("%nbkit dashboard")
    made = controls(notebook)
    current().configure({"price": {"m": {"inptu": 1}}})
    monkeypatch.setattr(type(current()), "standings", lambda *_, **__: (_ for _ in ()).throw(
        BadSetting(what="it is <b>gone", why="no reason", fix="none")))  # fmt: skip
    made._redraw()
    assert made._status.value == "✗ it is &lt;b&gt;gone: no reason"


@pytest.mark.parametrize("line", ["%nbkit dashboard --static", "%config NbKit.ui = 'text'\n%nbkit dashboard"])
def test_static_dashboard_has_its_options_on_the_line_and_no_widget(notebook, line):
    cell = notebook.run(line)
    (output,) = cell.outputs
    assert VIEW not in output["data"]
    assert "Options: --since 24h|7d|session|project|all" in output["data"]["text/plain"]


def test_text_mode_draws_no_html(notebook):
    cell = notebook.run("%config NbKit.ui = 'text'\n%nbkit dashboard")
    assert set(cell.outputs[0]["data"]) == {"text/plain"}


@pytest.mark.parametrize(
    ("line", "title"),
    [("--since 7d", "last 7d"), ("--since=session --by model", "this session · by model"),
     ("--since 90m --model echo:echo --tag 'my tag'", "last 90m · model echo:echo · tag my tag")],
)  # fmt: skip
def test_options_choose(notebook, line, title):
    text = notebook.run(f"%nbkit dashboard --static {line}").outputs[0]["data"]["text/plain"]
    assert text.startswith(f"nbkit dashboard · {title} · drawn ")


@pytest.mark.parametrize(
    ("line", "kind", "fix"),
    [("--sinse 7d", UnknownSetting, "use --since"), ("--since", BadSetting, "%nbkit dashboard --since …"),
     ("--since soon", BadSetting, "%nbkit dashboard --since 7d"), ("--since none", BadSetting, "--since 7d"),
     ("--by modle", BadSetting, "--by model"), ("--tag 'x", BadSetting, "close it"),
     ("surprise", UnknownSetting, "%nbkit?")],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_refused(notebook, line, kind, fix):
    error = notebook.run(f"%nbkit dashboard {line}").error
    assert isinstance(error, kind)
    assert fix in error.fix


def test_running_the_cell_again_closes_the_widgets_of_the_last_time(notebook):
    before = models()
    notebook.run("%nbkit dashboard", cell_id="one")
    first = models() - before
    notebook.run("%nbkit dashboard", cell_id="one")
    assert len(models() - before) == len(first)
    assert not models() & first


def test_unloading_leaves_words_in_the_place_of_the_controls(notebook):
    cell = notebook.run("%nbkit dashboard")
    notebook.run("%unload_ext nbkit")
    assert set(cell.outputs[0]["data"]) == {"text/plain"}
    assert set(cell.outputs[1]["data"]) == {"text/html", "text/plain"}


def test_unloading_closes_every_widget():
    before = models()
    with shell() as notebook:
        notebook.run("%nbkit dashboard\n%nbkit panel")
        assert models() > before
        notebook.run("%unload_ext nbkit")
        gc.collect()
        assert models() == before


def test_a_terminal_gets_text(capsys):
    from nbkit.magics.dashboard_magic import draws_widgets

    assert not draws_widgets("html")


def test_figures_bring_a_sentence_for_where_the_controls_are_no_more(notebook):
    notebook.run("%%llm\nhi")
    controls, figures = notebook.run("%nbkit dashboard").outputs
    assert "run this cell again to have them" in figures["data"]["text/html"]
    assert "run this cell again" not in figures["data"]["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in controls["data"]
    assert "run this cell again" not in notebook.run("%nbkit dashboard --static").outputs[0]["data"]["text/html"]


def test_a_page_that_was_loaded_anew_is_told_that_nothing_below_follows(notebook, monkeypatch):
    notebook.run("%nbkit dashboard")
    made = next(iter(Extension.of(notebook)._held.values()))
    parent = notebook.get_parent()
    monkeypatch.setattr(notebook, "get_parent", lambda: {**parent, "header": {"session": "another page"}})
    made._inputs["period"].value = "7d"
    assert "loaded anew" in made._status.value
    monkeypatch.setattr(notebook, "get_parent", lambda: parent)
    made._inputs["period"].value = "24h"
    assert made._status.value == ""
