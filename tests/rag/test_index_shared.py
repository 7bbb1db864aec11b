"""One index, several kernels: what each of them acknowledged is there, and nothing goes into a removed one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from nbkit.documents import Chunk, Document
from nbkit.errors import CollectionError
from nbkit.rag.index import Index


@dataclass(frozen=True)
class Parts:
    chunks: Sequence[Chunk]
    vectors: np.ndarray


def opened(folder: Path) -> Index:
    return Index.open(folder, embedder_id="fake", chunker_id="lines", dimensions=4)


def put(index: Index, source: str) -> None:
    chunks = [Chunk(f"boiler {source}", 0, 20), Chunk(f"pump {source}", 21, 40)]
    # A vector that only this source has.
    rows = np.random.default_rng([*source.encode()]).standard_normal((2, 4), dtype=np.float32)
    index.put(source, source, document=Document("x" * 40), parts=Parts(chunks, rows))


def held(index: Index) -> set[str]:
    """The sources, each with both chunks found by its words, and with its own vectors."""
    database, sources = index._held.database, set(index.fingerprints())
    for source in sources:
        sql = "SELECT slot FROM chunk JOIN document ON document.id = chunk.document WHERE source = ? ORDER BY position"
        slots = np.array([slot for (slot,) in database.execute(sql, (source,))], np.int64)
        expected = np.random.default_rng([*source.encode()]).standard_normal((2, 4), dtype=np.float32)
        assert np.array_equal(index._held.reading(lambda _, files, s=slots: files.rows(s)), expected), source
    index._held.catch_up()
    for word in ("boiler", "pump"):
        slots = index._held.reading(lambda _, files, word=word: files.lexical.search(word, limit=10**5).slots)
        assert len(slots) == len(sources), word
    return sources


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[2])
    from test_index_shared import Index, opened, put
    folder, name = Path(sys.argv[1]), sys.argv[3]
    index = opened(folder)
    for step in range(12):
        # What a kernel does to see what is there, before each time that it adds.
        look = Index.read(folder)
        look.stats()
        look.close()
        put(index, f"{name}-{step}.md")
        if step % 5 == 4:
            index.close()
    assert index.notice is None, index.notice
    index.close()
""")


def writer(folder: Path, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(Path(__file__).parent), name])


def test_index_that_several_kernels_begin_and_fill_at_once_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    writers = [writer(folder, name) for name in "abc"]
    assert [one.wait() for one in writers] == [0, 0, 0]
    index = opened(folder)
    assert held(index) == {f"{name}-{step}.md" for name in "abc" for step in range(12)}
    assert [path.name for path in folder.iterdir() if "corrupt" in path.name] == []
    index.close()


def test_kernel_that_has_it_open_sees_what_another_adds_and_loses_nothing_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    index = opened(folder)
    put(index, "before.md")
    look = Index.read(folder)
    assert look.stats().documents == 1
    look.close()
    assert writer(folder, "a").wait() == 0
    assert len(held(index)) == 13
    put(index, "after.md")
    index.close()
    again = opened(folder)
    assert {"before.md", "after.md", "a-11.md"} < held(again)
    again.close()


def test_writing_into_an_index_that_was_removed_is_an_error(tmp_path: Path) -> None:
    index = opened(tmp_path / "docs")
    put(index, "a.md")
    shutil.rmtree(tmp_path / "docs")
    with pytest.raises(CollectionError, match="removed"):
        put(index, "b.md")
    index.close()


def test_writing_into_an_index_whose_folder_was_deleted_is_an_error(tmp_path: Path) -> None:
    index = opened(tmp_path / "docs")

    def write() -> None:
        with index.writing():
            put(index, "a.md")
            shutil.rmtree(tmp_path / "docs")
            put(index, "b.md")

    with pytest.raises(CollectionError, match="removed meanwhile"):
        write()
    index.close()
    again = opened(tmp_path / "docs")
    assert held(again) == set()
    again.close()


def test_kernel_that_had_it_open_finds_the_index_that_another_has_built_anew(tmp_path: Path) -> None:
    index = opened(tmp_path / "docs")
    put(index, "old.md")
    assert held(index) == {"old.md"}
    shutil.rmtree(tmp_path / "docs")
    assert writer(tmp_path / "docs", "new").wait() == 0
    put(index, "added.md")
    assert held(index) == {"added.md", *(f"new-{step}.md" for step in range(12))}
    index.close()


def test_vectors_of_the_index_that_was_there_before_are_not_taken_for_those_of_the_new_one(tmp_path: Path) -> None:
    index = opened(tmp_path / "docs")
    put(index, "old.md")
    assert held(index) == {"old.md"}
    shutil.rmtree(tmp_path / "docs")
    other = opened(tmp_path / "docs")
    put(other, "new.md")
    other.close()
    assert held(index) == {"new.md"}
    index.close()
