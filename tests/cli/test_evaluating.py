"""`nbkit eval` as a gate: what it prints, and how it ends."""

from __future__ import annotations

import json

import nbformat
import pytest

from nbkit.cli import main
from nbkit.prompts.versions import PromptVersions, version_of
from nbkit.report import run
from nbkit.setting import Settings

_TASK = """
dataset = "questions.csv"
prompt = "{{ input }}"
metrics = ["contains", "f1"]
name = "echoes"
[settings]
model = "echo"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NBKIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "questions.csv").write_text("input,expected\nsay tea,tea\nsay coffee,coffee\nsay milk,water\n")
    (tmp_path / "task.toml").write_text(_TASK)
    return tmp_path


def test_a_task_prints_its_means_and_passes(folder, capsys):
    assert main(["eval", "task.toml"]) == 0
    said = capsys.readouterr().out
    assert "contains" in said
    assert "[0.208, 0.939]" in said  # Wilson of 2 in 3


def test_a_mean_below_its_least_ends_with_one_and_says_which(folder, capsys):
    assert main(["eval", "task.toml", "--fail-under", "contains=0.9"]) == 1
    said = capsys.readouterr()
    assert "contains is 0.667 [0.208, 0.939] (n 3), and at least 0.9 was asked" in said.err
    assert "contains" in said.out


def test_limits_of_the_file_hold_and_those_of_the_command_come_first(folder):
    (folder / "task.toml").write_text(f"fail_under = {{ contains = 0.9 }}\n{_TASK}")
    assert main(["eval", "task.toml"]) == 1
    assert main(["eval", "task.toml", "--fail-under", "contains=0.5"]) == 0
    # A limit on something else takes none away.
    assert main(["eval", "task.toml", "--fail-under", "f1=0"]) == 1


def test_a_tolerance_without_a_baseline_is_refused(folder, capsys):
    assert main(["eval", "task.toml", "--tolerance", "f1=0.1"]) == 1
    assert "no run to compare with" in capsys.readouterr().err


def test_a_key_in_a_prompt_is_not_written_as_json(folder, monkeypatch):
    key = "sk-" + "q7Zp" * 8
    monkeypatch.setenv("OPENAI_API_KEY", key)
    (folder / "task.toml").write_text(_TASK.replace("{{ input }}", f"{{{{ input }}}} {key}"))
    main(["eval", "task.toml", "--json", "out.json"])
    assert key not in (folder / "out.json").read_text()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fail_under = 0.7", "it is a table"),
        ("fail_under = { f1 = nan }", "the limit of f1"),
        ('fail_under = { f1 = "0.5" }', "the limit of f1"),
        ('limit = "3"', "it is a whole number"),
        ("samples = 0", "samples cannot be 0"),
        ('judges = ["x"]', "it is a table"),
        ("baseline = 3", "it is a text"),
    ],
)
def test_a_task_whose_values_are_of_another_kind_is_refused(folder, capsys, line, said):
    (folder / "task.toml").write_text(f"{line}\n{_TASK}")
    assert main(["eval", "task.toml"]) == 1
    assert said in capsys.readouterr().err


def test_a_loss_against_the_baseline_beyond_what_is_tolerated_ends_with_one(folder, capsys):
    assert main(["eval", "task.toml"]) == 0
    (folder / "task.toml").write_text(_TASK.replace("{{ input }}", "nothing").replace('"echoes"', '"worse"'))
    assert main(["eval", "task.toml", "--baseline", "echoes", "--tolerance", "contains=0.7"]) == 0
    assert "worse passes: contains is worse than 'echoes' by 0.667 [-0.269, 0.939] (n 3)" in capsys.readouterr().out
    assert main(["eval", "task.toml", "--baseline", "echoes", "--tolerance", "contains=0.1"]) == 1
    assert "worse than 'echoes' by 0.667 [-0.269, 0.939] (n 3), and 0.1 is tolerated" in capsys.readouterr().err


def test_the_figures_are_written_as_json(folder):
    assert main(["eval", "task.toml", "--json", "out.json"]) == 0
    (one,) = json.loads((folder / "out.json").read_text())
    assert one["metrics"]["contains"]["n"] == 3
    assert one["pins"]["settings"]["model"] == "echo:echo"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('prompt = "{{ input }}"', 'promt = "x"'), "use 'prompt'"),
        (('dataset = "questions.csv"', ""), "says too little"),
        (('"questions.csv"', '"absent.csv"'), "absent.csv"),
        (('"f1"', '"f2"'), "use 'f1'"),
        (("[settings]", "[settings"), "cannot be read"),
    ],
)
def test_a_task_that_cannot_be_is_refused_in_three_lines(folder, capsys, change, said):
    (folder / "task.toml").write_text(_TASK.replace(*change))
    assert main(["eval", "task.toml"]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "why:" in error
    assert "fix:" in error


@pytest.mark.parametrize("words", [["eval"], ["eval", "task.toml", "--beir", "."]])
def test_one_thing_is_evaluated_and_not_two(folder, words):
    assert main(words) == 1


def test_a_gate_on_what_is_not_measured_is_none(folder, capsys):
    assert main(["eval", "task.toml", "--fail-under", "em=0.5"]) == 1
    assert "not measured" in capsys.readouterr().err


def test_the_evaluations_of_a_notebook_have_to_pass(folder, capsys):
    cells = [
        "%load_ext nbkit",
        "%%evaluate questions.csv -m echo --metrics contains --name told\n{{ input }}",
        "%%evaluate questions.csv -m echo --metrics contains --name silent\nnothing",
    ]
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    nbformat.write(document, folder / "evals.ipynb")
    assert main(["eval", "evals.ipynb", "--fail-under", "contains=0.5"]) == 1
    said = capsys.readouterr()
    assert "'silent' does not pass" in said.err
    assert "'told'" not in said.err
    assert "Evaluation told" in said.out
    assert main(["eval", "evals.ipynb"]) == 0


def test_a_replayed_notebook_is_a_gate_that_needs_no_model(folder, capsys, monkeypatch):
    cell = "%%evaluate questions.csv -m echo --metrics contains --name told{}\n{{{{ input }}}}{}"
    _notebook(folder, cell.format("", ""), cell.format("2 --baseline told", ", please"))
    run(folder / "evals.ipynb").replace(folder / "evals.ipynb")
    monkeypatch.setenv("NBKIT_HOME", str(folder / "elsewhere"))
    monkeypatch.setenv("NBKIT_REPLAY", "evals.ipynb")
    assert main(["eval", "evals.ipynb", "--fail-under", "contains=0.5"]) == 0
    assert "Evaluation told" in capsys.readouterr().out
    assert main(["eval", "evals.ipynb", "--fail-under", "contains=0.9"]) == 1
    assert "(n 3), and at least 0.9 was asked" in capsys.readouterr().err
    assert not [*folder.glob("elsewhere/cache/*")]
    # A baseline is one of the home's.
    assert main(["eval", "evals.ipynb", "--baseline", "told", "--tolerance", "contains=0.1"]) == 1
    monkeypatch.setenv("NBKIT_HOME", str(folder / "home"))
    assert main(["eval", "evals.ipynb", "--baseline", "told", "--tolerance", "contains=0.1"]) == 0


def test_a_notebook_without_an_evaluation_is_no_gate(folder, capsys):
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    nbformat.write(document, folder / "evals.ipynb")
    assert main(["eval", "evals.ipynb"]) == 1
    assert "holds no evaluation" in capsys.readouterr().err


def _notebook(folder, *cells):
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in ("%load_ext nbkit", *cells)])
    nbformat.write(document, folder / "evals.ipynb")


def test_a_baseline_over_other_cases_passes_no_notebook(folder, capsys):
    assert main(["eval", "task.toml"]) == 0
    (folder / "questions.csv").write_text("id,input,expected\nz1,say tea,tea\nz2,say milk,milk\n")
    for name in ("questions.csv", "others.csv"):
        (folder / "questions.csv").rename(folder / "others.csv") if name == "others.csv" else None
        _notebook(folder, f"%%evaluate {name} -m echo --metrics contains\nnothing")
        assert main(["eval", "evals.ipynb", "--baseline", "echoes", "--tolerance", "contains=0.1"]) == 1
    said = capsys.readouterr().err
    assert "share no case" in said
    assert "no evaluation of evals.ipynb shares a case with 'echoes'" in said


def test_an_uncalibrated_judge_is_no_gate_of_a_notebook(folder, capsys):
    judge = "import nbkit\nkind = nbkit.judge('It is kind.', name='kind', model='echo')"
    _notebook(folder, judge, "%%evaluate questions.csv -m echo --metrics contains,kind\n{{ input }}")
    assert main(["eval", "evals.ipynb", "--fail-under", "kind=0.5"]) == 1
    assert "the judge 'kind' cannot be a gate" in capsys.readouterr().err


def test_runs_of_other_kernels_are_not_the_notebooks(folder):
    other = "import subprocess, sys, os\nown = {k: v for k, v in os.environ.items() if k != 'NBKIT_ASKED_BY'}\n"
    code = "import nbkit; nbkit.evaluate(lambda case: 'no', [{'input': 'a', 'expected': 'b'}], ['contains'])"
    other += f"subprocess.run([sys.executable, '-c', {code!r}], env=own, check=True)"
    _notebook(folder, other, "%%evaluate questions.csv -m echo --metrics contains\n{{ input }}")
    assert main(["eval", "evals.ipynb", "--fail-under", "contains=0.5"]) == 0


def test_a_version_of_a_named_prompt_is_evaluated_as_it_was(folder, capsys):
    kept = PromptVersions(folder / "home")
    older, newer = (version_of("plain", body, Settings()) for body in ("{{ input }}", "no"))
    for one in (older, newer):
        kept.keep(one)
    kept.close()
    named = _TASK.replace('prompt = "{{ input }}"', f'prompt_name = "plain@{older.sha256[:8]}"')
    (folder / "task.toml").write_text(named)
    assert main(["eval", "task.toml", "--fail-under", "contains=0.6"]) == 0
    assert f"prompt {older.sha256[:8]}" in capsys.readouterr().out
    (folder / "task.toml").write_text(f"{named}temperature = 0.9\n")
    assert main(["eval", "task.toml"]) == 1
    assert "temperature is 0.9" in capsys.readouterr().err
    (folder / "task.toml").write_text(_TASK.replace('prompt = "{{ input }}"', 'prompt_name = "plain"'))
    assert main(["eval", "task.toml", "--fail-under", "contains=0.6"]) == 1


def test_a_prompt_file_that_cannot_be_read_is_an_error_in_words(folder, capsys):
    (folder / "task.toml").write_text(_TASK.replace('prompt = "{{ input }}"', 'prompt_file = "absent.txt"'))
    assert main(["eval", "task.toml"]) == 1
    assert "the prompt_file 'absent.txt' of task.toml cannot be read" in capsys.readouterr().err


def test_two_prompts_in_a_task_are_refused(folder, capsys):
    (folder / "task.toml").write_text(f'prompt_name = "plain"\n{_TASK}')
    assert main(["eval", "task.toml"]) == 1
    assert "has prompt and prompt_name" in capsys.readouterr().err
