"""Loading nbkit loads nothing that a first cell may not need."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

_HEAVY = (
    "torch",
    "sentence_transformers",
    "onnxruntime",
    "matplotlib",
    "ipywidgets",
    "httpx",
    "httpcore",
    "genai_prices",
)
_OURS_TO_WAIT = (
    "diskcache",
    "nbclient",
    "nbconvert",
    "nbformat",
    "numpy",
    "pandas",
    "tokenizers",
    "xllamacpp",
    "jinja2",
)

_LOADS = {
    "import nbkit": "import nbkit",
    "%load_ext nbkit": (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "from traitlets.config import Config\n"
        "config = Config()\n"
        "config.HistoryManager.enabled = False\n"
        "shell = InteractiveShell.instance(config=config)\n"
        "before = {*sys.modules}\n"
        "shell.run_line_magic('load_ext', 'nbkit')\n"
        "assert 'llm' in shell.magics_manager.magics['cell']"
    ),
}


def _loaded(code: str) -> set[str]:
    """Top-level modules that a new process has imported after `code`, besides those there before nbkit."""
    whole = f"import json, sys\nbefore = {{*sys.modules}}\n{code}\nprint(json.dumps(sorted({{*sys.modules}} - before)))"
    ran = subprocess.run(
        [sys.executable, "-c", whole], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert ran.returncode == 0, ran.stderr
    return {name.partition(".")[0] for name in json.loads(ran.stdout.splitlines()[-1])}


@pytest.mark.parametrize("how", _LOADS)
def test_loading_nbkit_loads_nothing_heavy(how):
    assert _loaded(_LOADS[how]).isdisjoint(_HEAVY)


@pytest.mark.parametrize("how", _LOADS)
def test_loading_nbkit_loads_no_package_that_some_cells_never_use(how):
    assert _loaded(_LOADS[how]).isdisjoint(_OURS_TO_WAIT)


def test_this_test_would_see_them():
    assert "matplotlib" in _loaded("import matplotlib")
    assert {"nbkit"} <= _loaded("import nbkit")
