import json
import subprocess
import sys
import threading

import psutil
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbkit.magics import load, unload
from nbkit.magics.extension import Extension


def state(shell: InteractiveShell) -> dict[str, object]:
    """What an extension can leave behind in a shell and its process."""
    manager = shell.magics_manager
    return {
        "magics": {(kind, name): fn for kind in ("line", "cell") for name, fn in manager.magics[kind].items()},
        "registry": dict(manager.registry),
        "cleanup": list(shell.input_transformers_cleanup),
        "post": list(shell.input_transformers_post),
        "line transforms": list(shell.input_transformer_manager.line_transforms),
        "token transforms": list(shell.input_transformer_manager.token_transformers),
        "matchers": list(shell.Completer.custom_matchers),
        "configurables": [id(one) for one in shell.configurables],
        "events": {name: list(found) for name, found in shell.events.callbacks.items()},
        "hooks": {name: repr(found) for name, found in shell.hooks.items()},
        "threads": {thread.name for thread in threading.enumerate()},
        "open files": sorted(one.path for one in psutil.Process().open_files()),
        "sockets": len(psutil.Process().net_connections()),
        "config": json.dumps(shell.config, default=str),
    }


def test_unloading_leaves_the_shell_as_it_was(notebook):
    notebook.run("%unload_ext nbkit")
    before = state(notebook)
    for _ in range(3):
        notebook.run("%load_ext nbkit")
        notebook.run("%%llm\nhello")
        notebook.run("%unload_ext nbkit")
    assert state(notebook) == before


def test_reloading_three_times_adds_nothing(notebook):
    notebook.run("%reload_ext nbkit")  # IPython loads its own magics for this when they are first used
    notebook.run("%%llm\nhello")
    before = {name: found for name, found in state(notebook).items() if name not in ("magics", "matchers", "cleanup")}
    counts = {name: len(state(notebook)[name]) for name in ("magics", "matchers", "cleanup", "configurables")}
    for _ in range(3):
        cell = notebook.run("%reload_ext nbkit")
        assert (cell.error, cell.text, cell.outputs) == (None, "", [])
        assert notebook.run("%%llm\nhello").error is None
    after = state(notebook)
    assert {name: len(after[name]) for name in counts} == counts
    ids = ("configurables",)  # one object was replaced by its successor
    assert {k: v for k, v in after.items() if k in before and k not in ids} == {
        k: v for k, v in before.items() if k not in ids
    }


def test_loading_twice_does_nothing(notebook):
    before = state(notebook)
    load(notebook)
    assert state(notebook) == before


def test_unloading_what_is_not_loaded_does_nothing(notebook):
    notebook.run("%unload_ext nbkit")
    before = state(notebook)
    unload(notebook)
    assert state(notebook) == before


def test_a_magic_of_the_same_name_comes_back(notebook):
    notebook.run("%unload_ext nbkit")
    mine = notebook.magics_manager.magics["line"]["cache"] = lambda line: "mine"
    notebook.run("%load_ext nbkit")
    assert notebook.magics_manager.magics["line"]["cache"] is not mine
    notebook.run("%unload_ext nbkit")
    assert notebook.magics_manager.magics["line"].pop("cache") is mine


def test_a_magic_that_replaced_ours_stays(notebook):
    theirs = notebook.magics_manager.magics["line"]["cache"] = lambda line: "theirs"
    notebook.run("%unload_ext nbkit")
    assert notebook.magics_manager.magics["line"].pop("cache") is theirs


def test_reloading_keeps_settings_and_conversations(notebook):
    notebook.run("%config NbKit.temperature = 0.5")
    notebook.run("%%llm --thread t\nhello", cell_id="a")
    notebook.run("%reload_ext nbkit")
    assert notebook.run("%config NbKit.temperature").result == 0.5
    from nbkit.session import current

    assert current().threads.names() == ["t"]


def fresh_process(*lines: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys, json",
        "from IPython.core.interactiveshell import InteractiveShell",
        "from traitlets.config import Config",
        "c = Config()",
        "c.HistoryManager.enabled = False",
        "s = InteractiveShell.instance(config=c)",
        "s.run_cell('pass')",
        "before = set(sys.modules)",
        "s.run_cell('%load_ext nbkit')",
        *lines,
    )
    command = [sys.executable, "-W", "error", "-c", "\n".join(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True)


MODULES = "print(json.dumps(sorted(m for m in sys.modules if m not in before and not m.startswith('IPython'))))"
OURS = ["nbkit", "nbkit.magics", "nbkit.magics.extension", "nbkit.magics.lazy"]


def test_loading_says_nothing():
    ran = fresh_process()
    assert (ran.stdout, ran.stderr) == ("", "")


def test_a_plain_shell_prints_answers_cards_and_tables(nbkit_home):
    ran = fresh_process(
        "s.run_cell('%%llm -m echo\\nhello cell')",
        "s.run_cell('%llm -m echo is it a line?')",
        "s.run_cell('%nbkit status')",
        "s.run_cell('%%llm --temprature 3\\nhi')",
        "s.run_cell('%unload_ext nbkit')",
    )
    for part in ("hello cell", "is it a line?", "nbkit · echo", "This session", "use --temperature"):
        assert part in ran.stdout
    assert "Traceback" not in ran.stdout
    assert ran.stderr == ""


def test_loading_imports_nothing_but_itself():
    assert json.loads(fresh_process(MODULES).stdout) == OURS


def test_cells_and_completions_without_our_magics_import_nothing_more():
    ran = fresh_process(
        "s.run_cell('x = 5')",
        "s.run_cell('%time y = x % 2')",
        "from IPython.core.completer import provisionalcompleter",
        "with provisionalcompleter(): list(s.Completer.completions('x.re', 4))",
        MODULES,
    )
    assert [name for name in json.loads(ran.stdout.splitlines()[-1]) if name.startswith("nbkit")] == OURS


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("%%llm", ("--max-tokens", "Sampling temperature")),
        ("%llm", ("--max-tokens",)),
        ("%nbkit", ("traceback", "doctor", "[tool.nbkit]")),
        ("%cache", ("why", "removes every entry")),
    ],
)
def test_a_question_mark_prints_the_manual(notebook, asked, words):
    text = notebook.run(f"{asked}?").text
    assert all(word in text for word in words)


def test_the_extension_is_found_by_its_shell(notebook):
    assert Extension.of(notebook).shell is notebook
    notebook.run("%unload_ext nbkit")
    assert Extension.of(notebook) is None


def test_a_configuration_file_is_obeyed_and_its_errors_dropped(notebook):
    notebook.run("%unload_ext nbkit")
    notebook.config.merge(Config({"NbKit": {"temperature": 0.25, "max_tokens": "many", "modle": "x"}}))
    with pytest.warns(UserWarning, match="NbKit") as warned:
        load(notebook)
    assert len(warned) == 2
    assert notebook.run("%config NbKit.temperature").result == 0.25
    assert set(notebook.config.NbKit) == {"temperature"}
    notebook.run("%config NbKit.temperature = None")
