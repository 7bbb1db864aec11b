"""Ctrl-C or SIGTERM while a notebook runs: no traceback, no kernel left, and the outputs so far are kept."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from nbkit.report.reading import read_notebook

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to send")

_SOURCES = ("print('first')", "import os, time\nopen('pid', 'w').write(f'{os.getpid()}\\n')\ntime.sleep(300)")


def _wait_for_line(path):
    """The first line of a file that another process is about to write."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(FileNotFoundError):
            text = path.read_text()
            if text.endswith("\n"):
                return text.strip()
        time.sleep(0.02)
    pytest.fail(f"{path.name} was not written")


@pytest.fixture
def notebook(tmp_path):
    blank = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [{**blank, "id": f"c{number}", "source": source} for number, source in enumerate(_SOURCES)]
    path = tmp_path / "long.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def _start(notebook):
    command = [sys.executable, "-c", "import sys; from nbkit.cli import main; sys.exit(main())", "run", str(notebook)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=dict(os.environ))


@pytest.mark.parametrize(
    ("sent", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_run_that_is_told_to_stop_while_a_cell_runs_says_so_keeps_its_outputs_and_leaves_no_kernel(
    notebook, sent, code, word
):
    with _start(notebook) as running:
        kernel = int(_wait_for_line(notebook.with_name("pid")))
        running.send_signal(sent)
        said = running.communicate(timeout=60)
    assert running.returncode == code
    assert "Traceback" not in said[1]
    assert said[1].endswith(f"\n{word}\n")
    assert not psutil.pid_exists(kernel) or psutil.Process(kernel).status() == psutil.STATUS_ZOMBIE
    found = read_notebook(notebook.with_name("long.executed.ipynb"))
    assert found.cells[0].outputs[0].text == "first\n"
