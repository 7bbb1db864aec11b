"""Two kernels with one home: no call of either is lost, and no code opens what SQLite has open."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

LOCKED = """
import fcntl, sys
for name in sys.argv[1:]:
    with open(name, "r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)
        except OSError:
            print("locked")
"""
EVERYTHING = """
import os, sys, threading
from pathlib import Path

import nbkit
from nbkit.doctor import storage
from nbkit.session import current
from nbkit.testing import FakeEmbedder

home, opened = Path(os.environ["NBKIT_HOME"]), []
live = ("records.sqlite", "cache.db", "index.sqlite")


def note(event, args):
    name = os.path.basename(os.fsdecode(args[0])) if event == "open" and isinstance(args[0], (str, bytes)) else ""
    if name.startswith(live):
        opened.append(name)


session = current()
session.collections.embedders["fake"] = FakeEmbedder()
session.configure({"rag_embedder": "fake", "model": "echo"})
Path("docs").mkdir()
Path("docs/a.md").write_text("The fan needs 30 W.")
sys.addaudithook(note)
settings = session.config().settings
nbkit.ask("one")
session.collections.add("docs", ["docs"], settings)
session.collections.add("docs", ["."], settings)
thread = threading.Thread(target=lambda: nbkit.ask("two"))
thread.start()
thread.join()
with session.collections.look("docs") as index:
    index.stats()
session.collections.open("docs", settings).search("fan")
storage.home(session), storage.cache(session), storage.records(session)
session.cache.stats()
print("opened", opened)
paths = [path for name in live for path in home.rglob(name)]
assert len(paths) == 4, paths  # cache.db for answers and for vectors
import subprocess
subprocess.run([sys.executable, "-c", {locked!r}, *map(str, paths)], check=True)
"""
ASK = "import sys, nbkit; nbkit.ask(sys.argv[1], model='echo')"


def run(script: str, *args: str, folder: Path) -> str:
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *args], capture_output=True, text=True, cwd=folder, check=False
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def test_nothing_that_a_kernel_does_opens_or_unlocks_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Below what is added: a folder of documents may hold the home.
    monkeypatch.setenv("NBKIT_HOME", str(tmp_path / "home"))
    found = run(EVERYTHING.replace("{locked!r}", repr(LOCKED)), folder=tmp_path)
    assert found == "opened []\n" + "locked\n" * 4


def test_records_and_answers_of_two_kernels_are_all_there(tmp_path: Path):
    script = """
        import os, subprocess, sys, threading
        import nbkit
        other = lambda text: subprocess.run([sys.executable, "-c", %r, text], check=True)
        nbkit.ask("a1", model="echo")
        thread = threading.Thread(target=lambda: nbkit.ask("a2", model="echo"))
        thread.start()
        thread.join()
        other("b1")
        nbkit.ask("a3", model="echo")
        other("b2")
        nbkit.ask("a4", model="echo")
    """
    run(script % ASK, folder=tmp_path)
    home = Path(os.environ["NBKIT_HOME"])
    count = """
        import sqlite3, sys
        for name, table in zip(sys.argv[1:], ("record", "Cache")):
            print(sqlite3.connect(name).execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    """
    answers = home / "cache" / "answers" / "cache.db"
    assert run(count, str(home / "records.sqlite"), str(answers), folder=tmp_path) == "6\n6\n"
