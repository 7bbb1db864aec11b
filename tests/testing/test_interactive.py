from __future__ import annotations

import os
import sys

import pytest
from IPython.core.getipython import get_ipython

from nbkit.testing.fakes import FakeProvider
from nbkit.testing.interactive import bare_shell, shell


def test_a_cell_gives_what_it_printed_drew_and_returned():
    with bare_shell() as notebook:
        cell = notebook.run(
            "print('said')\nfrom IPython.display import display, Markdown\ndisplay(Markdown('**x**'))\n6 * 7"
        )
    assert (cell.text, cell.result, cell.error) == ("said\n", 42, None)
    assert cell.bundles("text/markdown") == ["**x**"]
    assert cell.bundles("text/plain")[-1] == "42"


def test_an_update_replaces_what_an_earlier_cell_drew():
    with bare_shell() as notebook:
        first = notebook.run("from IPython.display import display\nhandle = display('a', display_id='one')")
        notebook.run("handle.update('b')\nhandle.update('c')")
    assert [(output["data"]["text/plain"], output["updates"]) for output in first.outputs] == [("'c'", 2)]


@pytest.mark.parametrize(("wait", "left"), [(False, ["'b'"]), (True, ["'b'"])])
def test_clear_output_empties_the_cell(wait, left):
    with bare_shell() as notebook:
        cell = notebook.run(
            f"from IPython.display import display, clear_output\ndisplay('a')\nclear_output(wait={wait})\ndisplay('b')"
        )
    assert cell.bundles("text/plain") == left


def test_an_error_is_kept_and_not_printed():
    with bare_shell() as notebook:
        cell = notebook.run("1 / 0")
    assert isinstance(cell.error, ZeroDivisionError)
    assert cell.text == ""
    assert "ZeroDivisionError" in cell.traceback[-1]


def test_the_front_ends_cell_id_is_known():
    with bare_shell() as notebook:
        assert notebook.run("get_ipython().get_parent()['metadata']", cell_id="c-1").result == {"cellId": "c-1"}


def test_the_process_is_as_it_was_before():
    main, hooks, before = sys.modules["__main__"], (sys.displayhook, sys.excepthook), get_ipython()
    with bare_shell(), bare_shell() as inner:
        assert get_ipython() is inner
    assert get_ipython() is before
    assert sys.modules["__main__"] is main
    assert (sys.displayhook, sys.excepthook) == hooks


def test_a_scripted_provider_answers_a_cell_and_nothing_is_left():
    fake, home = FakeProvider(["from the script"]), os.environ["NBKIT_HOME"]
    with shell(providers={"fake": fake}, environment={"NBKIT_MODEL": "fake:fake-1"}) as notebook:
        cell = notebook.run("%%llm\nhello")
        assert cell.error is None
        assert notebook.user_ns["_llm"].text == "from the script"
        assert os.environ["NBKIT_HOME"] != home
    assert fake.calls == 1
    assert fake.closed >= 1
    assert os.environ["NBKIT_HOME"] == home
    assert "NBKIT_MODEL" not in os.environ


def test_two_shells_share_nothing():
    fake = FakeProvider(["one", "two"])
    for expected in ("one", "two"):
        with shell(providers={"fake": fake}, environment={"NBKIT_MODEL": "fake:fake-1"}) as notebook:
            notebook.run("%%llm\nhello")
            assert notebook.user_ns["_llm"].text == expected
