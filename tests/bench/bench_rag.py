"""What a `%%rag` cell does before its provider is asked, warm, beside embedding the question alone, in one run.

An index of 10,000 chunks whose texts are sentences of the handbook in random order, with random vectors: what is
found means nothing, what it costs is the same. Every question is new, so that none is in the cache of embeddings.
Goal: at most 1.5 times the embedding of the question. Needs the weights of all-minilm-l6-v2.
Run: python tests/bench/bench_rag.py [--chunks 10000] [--runs 60] [--profile]
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import os
import platform
import pstats
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from IPython.core.interactiveshell import InteractiveShell

from nbkit.config import home_path
from nbkit.documents import Chunk, Document
from nbkit.embed.onnx import OnnxEmbedder
from nbkit.protocols import EmbedderOptions
from nbkit.rag.ingest import Embedded
from nbkit.session import current
from nbkit.types import Response, Usage

HANDBOOK = Path(__file__).parents[2] / "notebooks" / "handbook"
CHUNKS_A_FILE = 20
SENTENCES_A_CHUNK = 4
WARM_RUNS = 5


def sentences() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(HANDBOOK.rglob("*.md"))]
    return [one.strip() for text in texts for one in text.replace("\n", " ").split(". ") if 30 < len(one) < 300]


def questions(words: list[str]) -> Iterator[str]:
    rng = random.Random(1)
    for number in itertools.count():
        yield f"How is {' '.join(rng.sample(words, 5))} of unit {number} kept?"


def fill(chunks: int, said: list[str]) -> None:
    """An index named `bench` of so many chunks."""
    rng, numbers = random.Random(0), np.random.default_rng(0)
    session = current()
    collection = session.collections.open("bench", session.config().settings, is_new=True)
    with collection._index.writing():
        for number in range(chunks // CHUNKS_A_FILE):
            parts = [". ".join(rng.sample(said, SENTENCES_A_CHUNK)) + ".\n" for _ in range(CHUNKS_A_FILE)]
            starts = [0, *itertools.accumulate(map(len, parts))]
            made = [
                Chunk(text, start, start + len(text), tokens=len(text) // 4)
                for text, start in zip(parts, starts, strict=False)
            ]
            rows = numbers.standard_normal((len(made), 384), dtype=np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            document = Document("".join(parts), f"File {number}")
            collection._index.put(f"{number}.md", str(number), document=document, parts=Embedded(made, rows))


class Stopwatch:
    """A provider that notes when it is asked."""

    name = "openai"
    key_env = ()
    model_prefixes = ()
    is_local = True

    def __init__(self, profile) -> None:
        self.asked_at = self.asked_cpu = 0.0
        self.profile = profile

    def complete(self, request, *, on_text, timeout_s):
        self.asked_at, self.asked_cpu = time.perf_counter(), time.process_time()
        self.profile.disable()
        on_text("Yes [1].")
        return Response("Yes [1].", request.model, Usage(1, 1, source="provider"))

    def models(self):
        return ["m"]

    def close(self):
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunks", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--profile", action="store_true", help="where the time goes, in place of the figures")
    chosen = parser.parse_args()
    weights = home_path(os.environ) / "models"
    home = Path(tempfile.mkdtemp(prefix="nbkit-bench-"))
    (home / "models").symlink_to(weights)
    os.environ["NBKIT_HOME"] = str(home)
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "nbkit")
    profile = cProfile.Profile()
    watch, session, said = Stopwatch(profile), current(), sentences()
    session.providers["openai"] = watch
    session.configure({"model": "openai:m", "rag_min_score": 0.0})
    fill(chosen.chunks, said)
    asked = questions(sorted({word for one in said for word in one.split() if word.isalpha()}))
    embedder = OnnxEmbedder(EmbedderOptions(home=home))
    rows: dict[str, list[tuple[float, float]]] = {"question embedded": [], "%%rag to its provider": []}
    for run in range(chosen.runs + WARM_RUNS):
        question = next(asked)
        start, cpu = time.perf_counter(), time.process_time()
        embedder.embed([question], is_query=True)
        alone = (time.perf_counter() - start, time.process_time() - cpu)
        question = next(asked)
        if chosen.profile and run >= WARM_RUNS:
            profile.enable()
        start, cpu = time.perf_counter(), time.process_time()
        shell.run_cell_magic("rag", "bench", question)
        whole = (watch.asked_at - start, watch.asked_cpu - cpu)
        if run >= WARM_RUNS:
            rows["question embedded"].append(alone)
            rows["%%rag to its provider"].append(whole)
    if chosen.profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(90)
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, {chosen.chunks:,} chunks; medians, n = {chosen.runs}")
    for name, found in rows.items():
        wall, cpu = (1000 * statistics.median(part) for part in zip(*found, strict=True))
        print(f"  {name:24s} {wall:6.2f} ms wall, {cpu:6.2f} ms CPU")
    one, all_ = (statistics.median(wall for wall, _ in found) for found in rows.values())
    print(f"  ratio                    {all_ / one:6.2f} x wall (goal 1.5)")
    shell.run_line_magic("unload_ext", "nbkit")


if __name__ == "__main__":
    main()
