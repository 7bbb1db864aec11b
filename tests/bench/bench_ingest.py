"""What adding a folder costs beside embedding its chunks alone, in CPU-seconds per 1,000 chunks, in one run.

Adding is all that `%rag add` does: finding, hashing and reading files in child processes, cutting, the caches, the
index. The embedder alone is given the same texts in the same groups. Goal: at most 1.1 times. CPU of child processes is
counted. Needs the weights of all-minilm-l6-v2.
Run: python tests/bench/bench_ingest.py [FOLDER, the handbook when left out] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nbkit.config import home_path
from nbkit.embed import CachedEmbedder, store_in
from nbkit.embed.onnx import OnnxEmbedder
from nbkit.protocols import EmbedderOptions
from nbkit.rag.collection import Collection

HANDBOOK = Path(__file__).parents[2] / "notebooks" / "handbook"
CACHE_BYTES = 1 << 30


class Counting(OnnxEmbedder):
    """The embedder, which keeps the groups of texts that it was given, and the CPU time that they took."""

    def __init__(self, options: EmbedderOptions) -> None:
        super().__init__(options)
        self.groups: list[list[str]] = []
        self.cpu_s = 0.0

    def embed(self, texts: Sequence[str], *, is_query: bool = False) -> np.ndarray:
        self.groups.append(list(texts))
        start = cpu_s()
        found = super().embed(texts, is_query=is_query)
        self.cpu_s += cpu_s() - start
        return found


def cpu_s() -> float:
    """CPU-seconds of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def add(embedder: Counting, folder: Path) -> tuple[float, float, int]:
    """CPU-seconds and seconds of adding a folder to a new index, and its chunks."""
    with tempfile.TemporaryDirectory() as home:
        cached = CachedEmbedder(embedder, store_in(Path(home), limit_bytes=CACHE_BYTES))
        collection = Collection(Path(home, "bench"), embedder=cached, embedder_name="all-minilm-l6-v2")
        wall, cpu = time.perf_counter(), cpu_s()
        collection.add([folder])
        took = (cpu_s() - cpu, time.perf_counter() - wall, collection.stats().chunks)
        collection.close()
    return took


def alone(embedder: OnnxEmbedder, groups: Sequence[Sequence[str]]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), cpu_s()
    for group in groups:
        embedder.embed(group)
    return cpu_s() - cpu, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, nargs="?", default=HANDBOOK)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    options = EmbedderOptions(home=home_path(os.environ))
    added, bare, within, chunks, texts = [], [], [], 0, 0
    for _ in range(chosen.rounds):
        embedder = Counting(options)
        embedder.embed(["warm"])
        embedder.groups, embedder.cpu_s = [], 0.0
        cpu, wall, chunks = add(embedder, chosen.folder)
        added.append((cpu, wall))
        within.append(cpu / embedder.cpu_s)
        texts = sum(map(len, embedder.groups))
        reference = OnnxEmbedder(options)
        reference.embed(["warm"])
        bare.append(alone(reference, embedder.groups))
        embedder.close()
        reference.close()
    print(f"{platform.machine()}, {os.cpu_count()} cores; {chunks:,} chunks, {texts:,} texts embedded, n = {len(bare)}")
    for name, rows in (("the embedder alone", bare), ("adding the folder", added)):
        cpu, wall = (1000 / texts * statistics.median(part) for part in zip(*rows, strict=True))
        print(f"  {name:20s} {cpu:6.2f} CPU-s, {wall:6.2f} s wall per 1,000 chunks")
    ratios = [one[0] / other[0] for one, other in zip(added, bare, strict=True)]
    print(f"  ratio of CPU {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); goal 1.1")
    print(f"  the same beside the model's own CPU time within adding: {statistics.median(within):.3f}")


if __name__ == "__main__":
    main()
