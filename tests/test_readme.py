"""What the README shows runs."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from nbkit import config
from nbkit.cli import build_parser
from nbkit.cli.evaluating import read_task
from nbkit.testing import shell

ROOT = Path(__file__).parents[1]
_TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def _blocks(*languages: str) -> list[str]:
    return [body for language, body in _BLOCK.findall(_TEXT) if language in languages]


def _commands() -> list[str]:
    """Every `nbkit …` in a shell block or in running text that is a whole command."""
    lines = [line for body in _blocks("", "sh", "bash", "console") for line in body.splitlines()]
    parts = [part.strip().removeprefix("$ ") for line in lines for part in line.split("&&")]
    spoken = re.findall(r"`(nbkit [^`]+)`", _TEXT)
    return sorted({part.partition(" #")[0].strip() for part in (*parts, *spoken) if part.startswith("nbkit ")})


def test_the_python_examples_run_in_order_as_cells(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with shell() as notebook:
        for source in _blocks("python", "py", "ipython"):
            cell = notebook.run(source)
            assert cell.error is None, f"{source}\n{cell.error!r}"


def test_there_are_python_examples():
    assert _blocks("python", "py", "ipython")


@pytest.mark.parametrize("command", _commands())
def test_every_command_is_understood(command):
    if re.search(r"\b[A-Z]{2,}\b|[|<…\[]", command):
        command = re.sub(r"\s*\[[^\]]*\]|…", "", command)
    words = shlex.split(command)[1:]
    if "|" in " ".join(words):
        for choice in words[-1].split("|"):
            assert _is_understood([*words[:-1], choice])
    else:
        assert _is_understood(words)


def _is_understood(words: list[str]) -> bool:
    """Whether the parser takes the words, or lacks only an argument that running text leaves out."""
    for extra in ([], ["X.ipynb"], ["ls"]):
        try:
            build_parser().parse_args([*words, *extra])
        except SystemExit as ended:
            if ended.code:
                continue
        return True
    return False


def test_toml_examples_are_settings_that_exist_or_tasks(tmp_path):
    for source in _blocks("toml"):
        table = tomllib.loads(source)
        if "dataset" in table:
            (tmp_path / "task.toml").write_text(source)
            table = read_task(tmp_path / "task.toml")["settings"]
        config.layer("README", table.get("tool", {}).get("nbkit", table))


def test_links_lead_to_files_that_are_there():
    missing = [link for link in _LINK.findall(_TEXT) if not (ROOT / link).exists()]
    assert missing == []


def test_the_two_commands_are_the_ones_that_are_promised():
    assert 'pip install -e ".[local,lab]" && nbkit demo' in _TEXT
    assert 'pip install -e ".[all,test]" && pytest -n 2' in _TEXT
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("pytest -n 2")
