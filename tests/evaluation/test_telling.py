"""What an evaluation in Python shows while it runs, and what it leaves."""

from __future__ import annotations

import io
import sys

import pytest

import nbkit
from nbkit.display.progress import Bar
from nbkit.errors import BudgetExceeded, EvaluationFailed
from nbkit.evals.tally import Progress
from nbkit.evaluation import Told
from nbkit.secrets import SecretRegistry
from nbkit.session import current
from nbkit.testing import FakeProvider
from nbkit.testing.interactive import shell

QUESTIONS = [{"id": f"q{number}", "input": f"say {number}", "expected": f"say {number}"} for number in range(12)]


@pytest.fixture
def notebook():
    with shell() as loaded:
        loaded.user_ns |= {"nbkit": nbkit, "questions": QUESTIONS}
        yield loaded


class Terminal(io.StringIO):
    def isatty(self):
        return True


def lines(cell):
    return [text for text in cell.bundles("text/plain") if text]


def title(notebook):
    return notebook.user_ns["found"].run.title


def test_a_run_in_a_notebook_is_told_in_one_output_that_ends_as_a_line(notebook):
    cell = notebook.run("found = nbkit.evaluate('{{ input }}', questions, 'f1', name='plain')")
    assert cell.error is None
    (bar,) = (one for one in cell.outputs if one["display_id"] is not None)
    assert bar["data"]["text/plain"] == f"Evaluation {title(notebook)}: 12 answers · $0"
    assert "<meter" not in bar["data"]["text/html"]
    assert bar["updates"] >= 1
    again = notebook.run("found = nbkit.evaluate('{{ input }}', questions, 'f1', name='again')")
    assert lines(again)[0] == f"Evaluation {title(notebook)}: 12 answers · 12 cached · $0"


def test_a_function_without_a_price_is_told_without_one(notebook):
    cell = notebook.run("found = nbkit.evaluate(lambda case: case.input, questions, 'f1', name='plain')")
    assert lines(cell) == [f"Evaluation {title(notebook)}: 12 answers"]


def test_a_judge_that_is_calibrated_is_told_of_too(notebook):
    notebook.user_ns["labelled"] = [{"input": f"q{n}", "answer": "yes", "label": "pass"} for n in range(4)]
    current().providers["fake"] = FakeProvider(lambda request: '{"reason": "So it is.", "verdict": "pass"}')
    notebook.run("clear = nbkit.judge('It is clear.', name='clear', model='fake:m')")
    cell = notebook.run("card = nbkit.calibrate(clear, labelled)")
    assert cell.error is None, cell.error
    assert lines(cell)[0].startswith("Judge clear: 4 verdicts")


def test_what_is_to_be_quiet_tells_nothing(notebook):
    cell = notebook.run("found = nbkit.evaluate('{{ input }}', questions, 'f1', quiet=True)")
    assert cell.error is None
    assert lines(cell) == []
    assert lines(notebook.run("with nbkit.settings(quiet=True):\n    nbkit.evaluate(str, questions, 'f1')")) == []


def test_a_gate_fails_after_the_line(notebook):
    cell = notebook.run("nbkit.evaluate('no', questions, 'f1', name='plain', fail_under={'f1': 0.9})")
    assert isinstance(cell.error, EvaluationFailed)
    assert lines(cell)[0].startswith("Evaluation plain (")


@pytest.mark.parametrize("more", ["", ", workers=1"])
def test_a_run_that_is_stopped_says_so_and_guesses_no_time(notebook, more):
    def stops(case):
        if case.id == "q7":
            raise BudgetExceeded(what="no room", why="it is used up", fix="raise it")
        return "x"

    notebook.user_ns["stops"] = stops
    cell = notebook.run(f"nbkit.evaluate(stops, questions, 'f1'{more})")
    assert isinstance(cell.error, BudgetExceeded)
    (line,) = lines(cell)
    assert line.startswith("stopped at ")
    assert line.endswith(" of 12 answers")


def test_a_script_that_nobody_watches_is_told_nothing(monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr(sys, "stderr", log)
    nbkit.evaluate(lambda case: case.input, QUESTIONS, "f1", name="plain")
    assert log.getvalue() == ""


def test_a_terminal_has_one_line_that_is_rewritten_and_stays(monkeypatch):
    log = Terminal()
    monkeypatch.setattr(sys, "stderr", log)
    found = nbkit.evaluate(lambda case: case.input, QUESTIONS, "f1", name="plain")
    assert log.getvalue().count("\n") == 1
    assert log.getvalue().split("\r")[-1].rstrip() == f"Evaluation {found.run.title}: 12 answers"


def test_time_left_leaves_out_what_an_earlier_try_had(monkeypatch):
    log, now = Terminal(), [100.0]
    monkeypatch.setattr(sys, "stderr", log)
    told = Told(Bar(SecretRegistry(), clock=lambda: now[0]))
    now[0] += 10.0
    told(Progress(95, 100, resumed=90))
    assert "95 of 100 answers · 90 from before · $0 · 10.0 s · about 10.0 s left" in log.getvalue()
