from __future__ import annotations

import subprocess
import sys

import pytest

from nbkit.cli import build_parser, main
from nbkit.cli import entry as commands
from nbkit.errors import StoreError


def test_the_version_is_the_distributions(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("nbkit 0.")


@pytest.mark.parametrize(
    "words",
    [[], ["demo"], ["doctor"], ["models"], ["models", "ls"], ["models", "pull"], ["models", "rm"], ["models", "path"],
     ["run"], ["report"]],
)  # fmt: skip
def test_every_command_has_a_page_of_help(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert said.startswith(f"usage: {' '.join(['nbkit', *words])}")
    assert len(said.splitlines()) > 3


@pytest.mark.parametrize("words", [[], ["nonsense"], ["models"], ["models", "pull"], ["run"], ["demo", "extra"]])
def test_a_command_that_is_not_understood_ends_with_2(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: nbkit" in capsys.readouterr().err


def test_an_error_on_purpose_is_three_lines_on_stderr(capsys):
    assert main(["models", "pull", "smolm2-135m"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 3
    assert "smollm2-135m" in said.err


def _ending(monkeypatch, error):
    """`main(["doctor"])` with a command that raises: the way every command ends."""

    def act(_):
        raise error

    parser = build_parser()
    monkeypatch.setattr(commands, "build_parser", lambda: parser)
    parser.parse_args = lambda argv: type("Arguments", (), {"act": staticmethod(act)})
    return main(["doctor"])


def test_an_interrupt_ends_with_130(monkeypatch, capsys):
    assert _ending(monkeypatch, KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "\ninterrupted\n"


def test_any_nbkit_error_ends_with_1(monkeypatch, capsys):
    assert _ending(monkeypatch, StoreError(what="a", why="b", fix="c")) == 1
    assert capsys.readouterr().err == "a\n  why: b\n  fix: c\n"


def test_a_bug_keeps_its_traceback(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        _ending(monkeypatch, ZeroDivisionError())


def test_the_command_is_installed_and_help_imports_nothing_heavy():
    code = (
        "import sys, nbkit.cli\ntry: nbkit.cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'IPython', 'httpx', 'nbformat', 'nbclient', 'sqlite3', 'diskcache', 'numpy'} & {*sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.endswith("[]\n"), ran.stdout
