"""What an index costs beside the embedder, and whether it survives being killed.

Adds chunks, asks warm questions of each mode, adds the same files again unchanged (goal: 10,000 chunks in 2 s, none
embedded), and kills a writer 50 times at random moments, after each of which tables, vectors and words have to agree;
then one that builds the index anew 20 times, after each of which the old one or the new has to be there, whole.
Run: python tests/bench/bench_index.py [--chunks 10000] [--kills 50] [--rebuilds 20]
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from nbkit.documents import Chunk, Document
from nbkit.loaders.finding import Found
from nbkit.rag.index import Index
from nbkit.rag.ingest import ingest

_DIMENSIONS = 384
_CHUNKS_A_FILE = 20
_WORDS = 60
_QUESTIONS = 100


def states() -> ModuleType:
    """The kill test of the suite, which this runs at length."""
    path = Path(__file__).parents[1] / "rag" / "test_index_states.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


class Work:
    """Files of random words, and an embedder that counts."""

    def __init__(self, folder: Path, chunks: int) -> None:
        rng = np.random.default_rng(0)
        vocabulary = np.array([f"word{number}" for number in range(20_000)])
        self.rng, self.embedded = rng, 0
        self.found = []
        for number in range(chunks // _CHUNKS_A_FILE):
            path = folder / f"{number}.txt"
            frequent = (rng.pareto(1.0, (_CHUNKS_A_FILE, _WORDS)) * 20).astype(int) % len(vocabulary)
            path.write_text("\n".join(" ".join(vocabulary[line]) for line in frequent))
            self.found.append(Found(path, path.name))

    def read(self, paths: Iterable[Path]) -> Iterator[tuple[Path, Document]]:
        for path in paths:
            yield path, Document(path.read_text())

    def cut(self, document: Document) -> list[Chunk]:
        chunks, start = [], 0
        for line in document.text.splitlines(keepends=True):
            chunks.append(Chunk(line, start, start + len(line)))
            start += len(line)
        return chunks

    def embed(self, documents: Sequence[Sequence[Chunk]]) -> list[np.ndarray]:
        self.embedded += sum(len(chunks) for chunks in documents)
        return [self.vectors(len(chunks)) for chunks in documents]

    def vectors(self, count: int) -> np.ndarray:
        rows = self.rng.standard_normal((count, _DIMENSIONS), dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def add(self, index: Index) -> str:
        """All files into the index; what it took."""
        self.embedded = 0
        wall, spent = time.perf_counter(), time.process_time()
        with index.writing():
            rows = list(ingest(self.found, shelf=index, read=self.read, cut=self.cut, embed=self.embed))
        wall, spent = time.perf_counter() - wall, time.process_time() - spent
        kinds = ", ".join(sorted({row.status for row in rows}))
        return f"{wall:.2f} s, {spent:.2f} CPU-s, {len(rows)} files {kinds}, {self.embedded:,} chunks embedded"


def median_ms(ask: Callable[[int], object]) -> tuple[float, float]:
    """Wall and CPU of one call, in milliseconds."""
    walls, spents = [], []
    ask(0)
    for number in range(_QUESTIONS):
        wall, spent = time.perf_counter(), time.process_time()
        ask(number)
        walls.append(time.perf_counter() - wall)
        spents.append(time.process_time() - spent)
    return statistics.median(walls) * 1000, statistics.median(spents) * 1000


def main() -> None:
    """Prints the figures."""
    options = argparse.ArgumentParser()
    options.add_argument("--chunks", type=int, default=10_000)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--rebuilds", type=int, default=20)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        files = Path(home, "files")
        files.mkdir()
        work = Work(files, given.chunks)
        index = Index.open(Path(home, "index"), embedder_id="e", chunker_id="c", dimensions=_DIMENSIONS)
        print(f"{given.chunks:,} chunks of {_WORDS} words in files of {_CHUNKS_A_FILE}, embedder free of cost")
        print(f"added:       {work.add(index)}")
        print(f"added again: {work.add(index)}")
        questions = [
            " ".join(line.split()[:8]) for found in work.found[:5] for line in found.path.read_text().split("\n")
        ]
        vectors = work.vectors(len(questions))
        for mode in ("dense", "bm25", "hybrid"):
            wall, spent = median_ms(
                lambda number, mode=mode: index.search(questions[number], vectors[number], mode=mode, k=5)
            )
            print(f"search {mode:6}: {wall:.1f} ms, {spent:.1f} CPU-ms (median, n = {_QUESTIONS}, warm)")
        index.close()
        begun = time.perf_counter()
        again = Index.read(Path(home, "index"))
        again.search(questions[0], vectors[0])
        print(
            f"opened and asked once: {(time.perf_counter() - begun) * 1000:.0f} ms; {again.stats().size_bytes:,} bytes"
        )
        again.close()
        checked = states().kill_often(Path(home, "killed"), given.kills)
        print(f"killed {given.kills} times: consistent each time, {checked} files compared, none lost")
        old, new = states().kill_rebuilds(Path(home, "rebuilt"), given.rebuilds)
        print(f"rebuild killed {given.rebuilds} times: the last whole one there {old} times, the one in hand {new}")


if __name__ == "__main__":
    main()
