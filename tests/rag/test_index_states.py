"""Any sequence of writes leaves what a dictionary would hold; killed anywhere, the index is whole and goes on."""

from __future__ import annotations

import hashlib
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from nbkit.documents import Chunk, Document
from nbkit.rag import rebuilding
from nbkit.rag.index import Index
from nbkit.rag.index_held import writer

DIMENSIONS = 16
KILLS = 8
SOURCES = st.sampled_from(["a.md", "b/c.txt", "d é.pdf"])
LINES = st.lists(st.sampled_from(["boiler", "pump", "valve two", "leak 3", "noise"]), max_size=5)


@dataclass(frozen=True)
class Parts:
    chunks: Sequence[Chunk]
    vectors: np.ndarray


def parts(lines: Sequence[str]) -> Parts:
    chunks, start = [], 0
    for line in lines:
        chunks.append(Chunk(line, start, start + len(line)))
        start += len(line) + 1
    rows = []
    for line in lines:
        seed = int.from_bytes(hashlib.sha256(line.encode()).digest()[:4], "big")
        row = np.random.default_rng(seed).standard_normal(DIMENSIONS, dtype=np.float32)
        rows.append(row / np.linalg.norm(row))
    return Parts(chunks, np.array(rows, np.float32).reshape(-1, DIMENSIONS))


def opened(folder: Path) -> Index:
    return Index.open(folder, embedder_id="fake", chunker_id="lines", dimensions=DIMENSIONS)


def held(index: Index) -> dict[str, list[str]]:
    """What the tables, the vectors and the words say there is, or an error that names where they differ."""
    database = index._held.database
    given: dict[str, list[str]] = {source: [] for source in index.fingerprints()}
    sql = "SELECT source, slot, text FROM chunk JOIN document ON document.id = chunk.document ORDER BY source, position"
    rows = database.execute(sql)
    slots = [slot for _, slot, _ in rows]
    vectors = index._held.reading(lambda _, files: files.rows(np.array(slots, np.int64)))
    for (source, _, text), vector in zip(rows, vectors, strict=True):
        given[source].append(text)
        assert np.array_equal(vector, parts([text]).vectors[0]), "a chunk has another's vector"
    dead = {slot for (slot,) in database.execute("SELECT slot FROM dead")}
    assert dead | set(slots) == set(range(int(index._held.settings()["rows"]))), "a slot is neither used nor empty"
    assert not dead & set(slots)
    index._held.catch_up()
    for word in ("boiler", "pump", "valve", "leak", "noise"):
        by_words = index._held.reading(lambda _, files, word=word: files.lexical.search(word, limit=10**5).slots)
        assert sorted(by_words.tolist()) == sorted(slot for _, slot, text in rows if word in text), "words are behind"
    return given


class Model(RuleBasedStateMachine):
    """The index beside a dictionary."""

    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp())
        self.index = opened(self.home / "docs")
        self.model: dict[str, list[str]] = {}

    @rule(source=SOURCES, lines=LINES)
    def put(self, source: str, lines: list[str]) -> None:
        given = parts(lines)
        self.index.put(source, "\n".join(lines), document=Document("\n".join(lines)), parts=given)
        self.model[source] = lines

    @rule(changes=st.lists(st.tuples(SOURCES, LINES), max_size=4))
    def put_together(self, changes: list[tuple[str, list[str]]]) -> None:
        with self.index.writing():
            for source, lines in changes:
                self.put(source, lines)

    @rule(source=SOURCES)
    def remove(self, source: str) -> None:
        assert self.index.remove(source) == (self.model.pop(source, None) is not None)

    @rule()
    def reopen(self) -> None:
        self.index.close()
        self.index = opened(self.home / "docs")

    @rule()
    def vacuum(self) -> None:
        self.index.vacuum()
        assert self.index.stats().empty_slots == 0

    @rule(line=st.sampled_from(["boiler", "valve two"]), k=st.integers(1, 4))
    def search(self, line: str, k: int) -> None:
        is_there = any(line in lines for lines in self.model.values())
        found = self.index.search(line, parts([line]).vectors[0], k=k, merge=False)
        assert is_there == any(match.passage.text == line for match in found)

    @invariant()
    def holds_what_the_dictionary_holds(self) -> None:
        assert held(self.index) == self.model
        assert self.index.fingerprints() == {source: "\n".join(lines) for source, lines in self.model.items()}

    def teardown(self) -> None:
        self.index.close()
        shutil.rmtree(self.home)


TestAnySequence = Model.TestCase
TestAnySequence.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)

WRITER = textwrap.dedent("""
    import os, random, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from test_index_states import Document, opened, parts
    index = opened(Path(sys.argv[1]))
    rng = random.Random(int(sys.argv[3]))
    words = ["boiler", "pump", "valve", "leak", "noise"]
    for step in range(10**9):
        source = f"{rng.randrange(6)}.md"
        lines = [f"{rng.choice(words)} {rng.randrange(9)}" for _ in range(rng.randrange(1, 40))]
        os.write(1, f"try {source} {'|'.join(lines)}\\n".encode())
        index.put(source, "|".join(lines), document=Document("\\n".join(lines)), parts=parts(lines))
        os.write(1, f"did {source} {'|'.join(lines)}\\n".encode())
        if rng.random() < 0.2:
            index.vacuum()
""")


REBUILDER = textwrap.dedent("""
    import os, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from test_index_states import opened, rebuild
    for step in range(10**9):
        seed = f"{sys.argv[3]}.{step}"
        os.write(1, f"try {seed}\\n".encode())
        rebuild(Path(sys.argv[1]), seed)
        os.write(1, f"did {seed}\\n".encode())
""")


def edition(seed: str) -> dict[str, list[str]]:
    """What an index holds that was built from a seed."""
    rng = random.Random(seed)
    words = ["boiler", "pump", "valve", "leak", "noise"]
    return {
        f"{number}.md": [f"{rng.choice(words)} {seed}" for _ in range(rng.randrange(1, 60))]
        for number in range(rng.randrange(1, 9))
    }


def rebuild(folder: Path, seed: str) -> None:
    """The index in the folder anew, as a session does it."""
    with writer(folder):
        index = opened(rebuilding.begin(folder))
        with index.writing():
            for source, lines in edition(seed).items():
                index.put(source, "|".join(lines), document=Document("\n".join(lines)), parts=parts(lines))
        index.close()
        assert rebuilding.take_over(folder)


def killed(folder: Path, turn: int, *, program: str, after_s: float) -> list[str]:
    """What a program said before it was killed, line by line."""
    command = [sys.executable, "-c", program, str(folder), str(Path(__file__).parent), str(turn)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as child:
        assert child.stdout is not None
        said = os.read(child.stdout.fileno(), 1 << 16)
        deadline = time.monotonic() + after_s
        while (left := deadline - time.monotonic()) > 0:
            if select.select([child.stdout], [], [], left)[0]:
                said += os.read(child.stdout.fileno(), 1 << 16)
        os.kill(child.pid, signal.SIGKILL)
        said += child.stdout.read()
    return said.decode().split("\n")[:-1]


def run_and_kill(folder: Path, turn: int, *, after_s: float) -> tuple[dict[str, str], tuple[str, str] | None]:
    """What a writer acknowledged before it was killed, by source, and what it had in hand."""
    done: dict[str, str] = {}
    in_hand = None
    for line in killed(folder, turn, program=WRITER, after_s=after_s):
        verb, source, lines = line.split(" ", 2)
        in_hand = (source, lines) if verb == "try" else None
        if verb == "did":
            done[source] = lines
    return done, in_hand


def kill_often(folder: Path, kills: int) -> int:
    """How many files were checked; raises `AssertionError` for the first difference."""
    rng = random.Random(0)
    model: dict[str, str] = {}
    checked = 0
    for turn in range(kills):
        done, in_hand = run_and_kill(folder, turn, after_s=rng.uniform(0.0, 0.6))
        model |= done
        index = opened(folder)
        found = {source: "|".join(lines) for source, lines in held(index).items()}
        if in_hand is not None and found.get(in_hand[0]) == in_hand[1]:
            model[in_hand[0]] = in_hand[1]
        assert found == model, f"after kill {turn}"
        assert index.fingerprints() == model
        assert index._held.database.notice is None
        checked += len(model)
        index.close()
    return checked


def test_a_writer_killed_at_any_moment_leaves_a_whole_index(tmp_path: Path):
    assert kill_often(tmp_path / "docs", KILLS) > 0


def kill_rebuilds(folder: Path, kills: int) -> tuple[int, int]:
    """How often the old index was found after a kill, and how often the new; raises `AssertionError` for any other."""
    rng = random.Random(0)
    index = opened(folder)
    index.close()
    rebuild(folder, "first")
    seed, old, new = "first", 0, 0
    reader = opened(folder)
    for turn in range(kills):
        said = killed(folder, turn, program=REBUILDER, after_s=rng.uniform(0.0, 0.4))
        done = [line[4:] for line in said if line.startswith("did")]
        seed = done[-1] if done else seed
        index = opened(folder)
        found = held(index)
        in_hand = said[-1][4:] if said and said[-1].startswith("try") else seed
        old, new = old + (found == edition(seed)), new + (found != edition(seed))
        assert found in (edition(seed), edition(in_hand)), f"after kill {turn}"
        seed = seed if found == edition(seed) else in_hand
        assert index._held.database.notice is None
        assert held(reader) == found
        index.close()
    reader.close()
    return old, new


def test_a_rebuild_killed_at_any_moment_leaves_the_old_index_or_the_new(tmp_path: Path):
    assert sum(kill_rebuilds(tmp_path / "docs", KILLS)) == KILLS


LINE_BY_LINE = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from nbkit.rag import rebuilding
    from test_index_states import edition, held, opened, rebuild
    folder = Path(sys.argv[1])

    def killing(after):
        count = 0
        def trace(frame, event, argument):
            nonlocal count
            if frame.f_code.co_filename != rebuilding.__file__:
                return None
            count += event == "line"
            if count > after:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace
        return trace

    def child(action):
        number = os.fork()
        if not number:
            action()
            os._exit(0)
        return os.waitpid(number, 0)[1]

    def begin():
        opened(folder).close()
        rebuild(folder, "first")

    def killed():
        sys.settrace(killing(after))
        rebuild(folder, str(after))

    def check():
        index = opened(folder)
        found, old = held(index), Path(folder.parent, "seen").read_text()
        assert found in (edition(old), edition(str(after))), after
        Path(folder.parent, "seen").write_text(old if found == edition(old) else str(after))
        print("old" if found == edition(old) else "new", flush=True)

    assert child(begin) == 0
    Path(folder.parent, "seen").write_text("first")
    for after in range(10**4):
        status = child(killed)
        assert child(check) == 0
        if status == 0:
            break
""")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_rebuild_killed_before_any_of_its_lines_leaves_the_old_index_or_the_new(tmp_path: Path):
    command = [sys.executable, "-c", LINE_BY_LINE, str(tmp_path / "docs"), str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = done.stdout.split()
    assert found.count("old") > 20
    assert found.count("new") > 3
